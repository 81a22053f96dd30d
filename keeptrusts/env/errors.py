"""The error of a setting that cannot be used."""


class EnvError(ValueError):
    """A variable's value cannot be used; the message names the variable and a valid form."""
