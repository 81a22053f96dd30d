"""The table of threats: complete, and each line shown by tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ATTACKERS = [
    "No token", "Whoever signs in by a provider", "A viewer's token", "A gateway's token",
    "An enrolment token", "A pushed commit", "A forge", "An issuer of JWTs",
    "A receiver of notifications", "Redis",
    "Reading the database", "Reading the disk",
    "A server in the control plane's place", "A collector of traces",
]  # fmt: skip
ASSETS = ["a secret", "the version in force", "the record of decisions", "availability"]
OPEN = "**Not held**"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def functions_of(path: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """The lines of each table by its heading: asset, what holds, shown by."""
    found = {}
    for part in (ROOT / "docs/security.md").read_text().split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        lines = [
            line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")
        ]
        found[title] = [tuple(cell.strip() for cell in [*line, ""][:3]) for line in lines[1:]]
    return found  # type: ignore[return-value]


ROWS = [(title, *row) for title, rows in sections().items() for row in rows]


def test_no_cell_is_missing() -> None:
    """Each attacker with each asset, once, in order."""
    found = sections()

    assert list(found) == [*ATTACKERS, "What is installed"]
    assert {title: [row[0] for row in found[title]] for title in ATTACKERS} == dict.fromkeys(
        ATTACKERS, ASSETS
    )
    assert len(found["What is installed"]) >= 5


@pytest.mark.parametrize(("title", "asset", "holds", "shown"), ROWS)
def test_each_cell_is_shown_by_tests_that_exist(
    title: str, asset: str, holds: str, shown: str
) -> None:
    """Or says at its beginning that it is not held."""
    named = _TEST.findall(shown)

    assert holds, (title, asset)
    assert named or holds.startswith(OPEN), (title, asset)
    assert re.sub(_TEST, "", shown).strip(", ") == ""
    assert [one for one in named if one[1] not in functions_of(one[0])] == []


def test_the_page_is_found() -> None:
    """From the first page that somebody reads who found a fault."""
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text()
    assert "SECURITY.md" in (ROOT / "README.md").read_text()
