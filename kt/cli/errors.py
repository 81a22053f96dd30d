"""Why a command could not do its work."""

from __future__ import annotations


class CommandError(Exception):
    """Ends the command with exit code 2; the text goes to stderr as it is."""
