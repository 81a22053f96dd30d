"""Mutants of a policy: small changes, of which its tests should notice each."""
