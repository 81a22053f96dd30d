"""A base class for small immutable values.

Data classes and named tuples take longer to define than a file takes to lint, so the values on
that path have their `__init__` written out instead.
"""

from __future__ import annotations


class Frozen:
    """An immutable value: `__init__` sets the attributes in `__slots__`, each once."""

    __slots__: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute once.

        Raises:
            AttributeError: the attribute has a value already.
        """
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__}.{name} is frozen")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """True when both are of one class and all attributes are equal."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        """A hash of the class and all attributes."""
        return hash((type(self), *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        """The class with its attributes, by name."""
        attributes = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({attributes})"
