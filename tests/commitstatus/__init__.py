"""Commit statuses."""
