"""The error of settings that cannot be used."""


class SettingsError(ValueError):
    """A variable that cannot be used; the message names it, and no value that may be a secret."""
