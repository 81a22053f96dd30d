"""The base of all rules: a stable code, a manual page, and a way to make findings."""

from __future__ import annotations

from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar, Protocol

    from kt.policy.findings import Finding, Severity

    class Place(Protocol):
        """Anything with a line and a column in a file, both 1-based."""

        @property
        def line(self) -> int: ...

        @property
        def column(self) -> int: ...


class Spot:
    """A place without a node."""

    __slots__ = ("column", "line")

    def __init__(self, line: int = 1, column: int = 1) -> None:
        self.line = line
        self.column = column


class Rule:
    """A rule, as a subclass; its docstring is the page that `kt policy explain CODE` prints.

    The first line is the title. `Wrong:` and `Right:` are followed by an indented piece of a
    policy file each; the tests lint both. A code starting with W is a warning.
    """

    code: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Enter the rule in the catalogue. A code is given once, for ever.

        Raises:
            ValueError: another rule has the code.
        """
        if cls.code in CATALOGUE:
            raise ValueError(f"rule code {cls.code} is taken by {CATALOGUE[cls.code].__name__}")
        CATALOGUE[cls.code] = cls

    @classmethod
    def severity(cls) -> Severity:
        """`warning` for a code with W, `error` for one with E."""
        return "warning" if cls.code.startswith("W") else "error"

    @classmethod
    def page(cls) -> str:
        """The manual page, without the indentation of the source."""
        import inspect

        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def title(cls) -> str:
        """The first line of the page."""
        return cls.page().partition("\n")[0]

    @classmethod
    def at(cls, place: Place, path: str, message: str, suggestion: str = "") -> Finding:
        """Make a finding of this rule."""
        # Imported here: dataclasses cost a clean file more than all its rules.
        from kt.policy.findings import Finding

        return Finding(
            cls.code, cls.severity(), path, message, suggestion, place.line, place.column
        )


CATALOGUE: dict[str, type[Rule]] = {}
