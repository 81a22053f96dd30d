"""`kt evidence` and `kt witness`: proofs of what was in force, verified and witnessed."""
