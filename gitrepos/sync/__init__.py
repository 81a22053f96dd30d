"""Syncs, from the heads of a remote to versions: poll, steps, candidates, plan, apply."""
