"""The one error of the reader of packs."""


class UncleanError(Exception):
    """A pack that is not clean in every way: git reads it, and has the word on what is wrong.

    The message is for logs and tests.
    """
