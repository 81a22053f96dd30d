"""The error of a command that could not do its work."""

from __future__ import annotations


class CommandError(Exception):
    """A failure that ends the command with exit code 2; its text goes to stderr."""
