"""Small values: given once, compared by what they hold.

Data classes and named tuples take longer to define than a file takes to lint, so the values on
that path have their `__init__` written out instead.
"""

from __future__ import annotations


class Frozen:
    """A value whose attributes, named in `__slots__`, are given once, by `__init__`."""

    __slots__: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: object) -> None:
        """Raises: AttributeError for a second value."""
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__}.{name} is frozen")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether both are of one class and hold the same."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        """A hash of what it holds."""
        return hash((type(self), *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        """What it holds, by name."""
        held = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({held})"
