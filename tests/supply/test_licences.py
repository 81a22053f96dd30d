"""Licences of what is pinned: known, allowed, and listed."""

import pytest

from supply import licences, pins

ALLOWED = [
    "MIT",
    "Apache-2.0 AND MIT",
    "MPL-2.0 AND (Apache-2.0 OR MIT)",
    "EPL-2.0 OR GPL-2.0-or-later",
    "(MIT)",
]
REFUSED = [
    "",
    "GPL-3.0-only",
    "AGPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "(MIT OR Apache-2.0) AND AGPL-3.0-only",
    "LicenseRef-Proprietary",
    "CC-BY-NC-4.0",
    "MIT OR",
    "(MIT",
    "MIT MIT",
    "MIT)",
]


@pytest.mark.parametrize("expression", ALLOWED)
def test_these_are_allowed(expression: str) -> None:
    """Whatever is chosen, or all of it."""
    assert licences.is_allowed(expression)


@pytest.mark.parametrize("expression", REFUSED)
def test_these_are_not(expression: str) -> None:
    """Unknown, of another kind, or no expression at all."""
    assert not licences.is_allowed(expression)


def test_every_pin_has_an_allowed_licence() -> None:
    """What runs, and what is needed for development."""
    run, development = pins.read(pins.RUN), pins.read(pins.DEVELOPMENT)

    assert licences.refused([*run, *development]) == {}


def test_the_page_is_the_present_one() -> None:
    """`make lock` writes it."""
    run, development = pins.read(pins.RUN), pins.read(pins.DEVELOPMENT)

    assert (pins.ROOT / "docs/licences.md").read_text() == licences.page(run, development)


def test_a_package_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is what it says guessed at."""
    for said in ({}, {"License": "see LICENSE"}, {"License": "UNKNOWN"}, {"License": "Free"}):
        monkeypatch.setattr(licences.metadata, "metadata", lambda _, said=said: _Said(said))

        assert licences.refused(["something"]) == {"something": ""}


class _Said(dict[str, str]):
    def get_all(self, _name: str) -> list[str]:
        return ["License :: Other/Proprietary License"]
