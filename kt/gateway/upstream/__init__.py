"""Choosing targets, calling them, and reading their answers."""
