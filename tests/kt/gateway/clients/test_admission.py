"""Admission by an operator's keys and by a control plane's, together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kt.gateway.clients.admission import Admission
from kt.gateway.clients.keys import digest
from kt.gateway.errors import SettingError
from tests.kt.gateway.clients.test_keylist import digest as hexadecimal
from tests.kt.gateway.clients.test_keylist import listed
from tests.kt.gateway.inside import Inside

NOW, LATER = "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"


def entry(name: str, key: str, **limits: object) -> dict[str, object]:
    """A key of a control plane."""
    return {"name": name, "sha256": [hexadecimal(key)], **limits}


class Stored:
    """What is stored of a control plane's list."""

    def __init__(self, *answers: tuple[bytes, int] | SettingError | None) -> None:
        self.answers = list(answers)

    def read(self) -> tuple[bytes, int] | None:
        found = self.answers.pop(0)
        if isinstance(found, SettingError):
            raise found
        return found

    def stamp(self) -> tuple[int, ...]:
        return ()


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Admission]:
    """Admission with the keys of a file, NAME by `NAME-key`."""

    def made(*names: str) -> Admission:
        path = tmp_path / "keys.yaml"
        lines = [f"- {{name: {one}, sha256: '{hexadecimal(f'{one}-key')}'}}\n" for one in names]
        path.write_text("keys:\n" + "".join(lines))
        return Admission(str(path), (), now=NOW)

    return made


def name_of(admission: Admission, key: str) -> str | None:
    """The name of who holds a key; None when it opens nothing."""
    caller = admission.callers.find(key)
    return caller and caller.name


def test_both_origins_are_in_force(own: Callable[..., Admission]) -> None:
    """Of a name or a key that both have, the operator's holds, and the page says so."""
    admission = own("team", "here")
    admission.issue(
        listed(entry("team", "issued"), entry("there", "x"), entry("twice", "here-key")), 7, LATER
    )

    keys = ("team-key", "here-key", "x", "issued", "nobody")
    assert [name_of(admission, key) for key in keys] == ["team", "here", "there", None, None]
    shown = admission.shown()
    assert shown == {
        "demanded": True,
        "in_force": 3,
        "file": {"count": 2, "since": NOW},
        "control_plane": {
            "count": 3, "since": LATER, "keys_seq": 7, "demanded": True, "left_out": ["team"],
        },
    }  # fmt: skip
    assert hexadecimal("x") not in str(shown)


@pytest.mark.parametrize(
    ("given", "demanded", "is_asked"),
    [((), True, True), ((), False, False), (("own",), False, True), (("own",), True, True)],
)
def test_whether_a_key_is_asked_for(given: tuple[str, ...], demanded: bool, is_asked: bool) -> None:
    """By either of the two; `off` leaves the operator's in force."""
    admission = Admission("", [digest(key) for key in given], now=NOW)
    admission.issue(listed(demanded=demanded), 1, NOW)

    assert admission.callers.are_demanded is is_asked
    assert (admission.callers.find("own") is not None) == bool(given)


def test_a_stored_list_that_cannot_be_used_leaves_nobody_in() -> None:
    """At a start; the next that can be used does."""
    source = Stored(SettingError("edited"), (listed(entry("team", "x")), 3))
    admission = Admission("", (), now=NOW)
    admission.attach(source, NOW)
    closed = (admission.callers.are_demanded, len(admission.callers), admission.problem)
    admission.renew(LATER)

    assert closed == (True, 0, "edited")
    assert (name_of(admission, "x"), admission.problem) == ("team", "")


def test_a_later_list_that_cannot_be_used_leaves_the_last() -> None:
    """And says so; one that was read before is not put into force anew."""
    first = (listed(entry("team", "x")), 3)
    source = Stored(first, SettingError("edited"), first, (b"{}", 4))
    admission = Admission("", (), now=NOW)
    admission.attach(source, NOW)
    problems = []
    for _ in range(3):
        admission.renew(LATER)
        problems.append(admission.problem.partition(" ")[0])

    assert problems == ["edited", "", "this"]
    assert name_of(admission, "x") == "team"
    assert admission.shown()["control_plane"]["since"] == NOW


def test_without_any_list_all_is_as_it_was() -> None:
    """Nothing is shown of a control plane that has no keys for this gateway."""
    admission = Admission("", (), now=NOW)
    admission.attach(Stored(None), NOW)

    assert admission.shown() == {"demanded": False, "in_force": 0}


def test_an_empty_list_refuses_every_call() -> None:
    """401 in the manner of every other key that nobody has; `/health` says why, to anybody."""
    gateway = Inside()
    gateway.gateway.admission.issue(listed(), 1, NOW)
    refused = gateway.post(authorization="Bearer anything")
    gateway.gateway.admission.issue(listed(entry("team", "x")), 2, NOW)

    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert gateway.post(authorization="Bearer x").status == 200
    assert gateway.get("/health").json["client_keys"]["in_force"] == 1
