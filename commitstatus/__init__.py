"""Commit statuses: what became of a commit, said beside it on its forge."""
