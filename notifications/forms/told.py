"""A notification's content, and its texts made harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keeptrusts.api.printable import printable

TEST = "test"
_LONGEST = 1500


@dataclass(frozen=True, slots=True)
class Told:
    """A notification's content: an event as the API shows it, and what helps people to place it.

    `repository` is the url and path of its link, `page` that of the console; both may be empty.
    """

    kind: str
    at: str
    event: int | None
    git_repo: str
    configuration: str
    message: str
    details: Mapping[str, Any]
    repository: str
    page: str

    def stored(self) -> dict[str, Any]:
        """The content as the database has it."""
        return {name: getattr(self, name) for name in self.__slots__}


def heading(told: Told) -> str:
    """What happened, in a few words, of ours alone."""
    return f"Keeptrusts: {told.kind.replace('_', ' ')}"


def lines(told: Told) -> list[str]:
    """The facts for people, one a line; what strangers wrote is printable and bounded."""
    facts = (
        ("", told.message),
        ("Repository: ", told.repository),
        ("Configuration: ", told.configuration),
        ("Path: ", _text(told.details.get("path"))),
        ("Error: ", _text(told.details.get("code"))),
        ("By: ", _text(told.details.get("actor"))),
        ("At: ", told.at),
        ("", told.page),
    )
    return [f"{name}{plain(value)}" for name, value in facts if value]


def plain(text: str, most: int = _LONGEST) -> str:
    """A text in one line, without what hides or steers, of at most so many characters."""
    made: str = printable(text[: most + 1], keeps_lines=False)
    return made if len(made) <= most else f"{made[: most - 1]}…"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
