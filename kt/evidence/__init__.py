"""Evidence of what was in force, in public formats: leaves, a tree, notes, and files of proofs."""
