"""Roles: what is asked for, and which parts these are."""

import pytest

from keeptrusts.parent import roles
from keeptrusts.parent.roles import RolesError, asked, parts
from keeptrusts.parent.supervisor import Function

EACH = ["syncer", "poller", "web", "streams", "beat"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], EACH[:-1]),
        (["--only", "web"], ["web"]),
        (["--only", "beat,web"], ["web", "beat"]),
        (["--only=poller=3, syncer"], ["syncer", "poller", "poller.2", "poller.3"]),
        (["--only", "web=2,streams=2"], ["web", "web.2", "streams", "streams.2"]),
        (["--only", "beat=1"], ["beat"]),
    ],
)
def test_parts_of_roles(arguments: list[str], names: list[str]) -> None:
    """In the order of their start."""
    assert [one.name for one in parts(asked(arguments), {})] == names


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ("", "'' is no role; write some of beat, poller, streams, syncer, web"),
        ("web,", "'' is no role"),
        ("events", "'events' is no role"),
        ("Web", "'Web' is no role"),
        ("web,web", "web is there twice; write web=COUNT for several"),
        ("web=1,web=2", "web is there twice"),
        ("web=0", "web=0: the count is a whole number from 1 to 64"),
        ("web=", "web=: the count"),
        ("web=two", "web=two: the count"),
        ("web=\u0661", "the count"),
        ("web=65", "from 1 to 64"),
        ("web=-1", "web=-1: the count"),
        ("web=1=2", "web=1=2: the count"),
        ("beat=2", "beat=2: the count is a whole number from 1 to 1"),
    ],
)
def test_roles_that_cannot_be_run(only: str, words: str) -> None:
    """The message says what to write."""
    with pytest.raises(RolesError, match="--only") as told:
        asked([f"--only={only}"])

    assert words in str(told.value)


@pytest.mark.parametrize("arguments", [["web"], ["--onl", "web"], ["--only"], ["--what"]])
def test_other_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the usage."""
    with pytest.raises(SystemExit) as ended:
        asked(arguments)

    assert ended.value.code == 2
    assert "usage: manage.py up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told", "signs"),
    [
        ([], {"poller": ("beat",)}, [*EACH[:-1], "beat"]),
        (["--only", "poller=2,beat"], {"poller": (), "poller.2": ()}, None),
        (["--only", "poller"], {"poller": ()}, None),
    ],
)
def test_beat_is_a_thread_of_the_poller_where_all_roles_run(
    arguments: list[str], told: dict[str, tuple[str, ...]], signs: list[str] | None
) -> None:
    """It gives a sign of life of its own, and is looked at like a part."""
    made = parts(asked(arguments), {})

    pollers = {
        one.name: one.runs.arguments
        for one in made
        if one.name.startswith("poller") and isinstance(one.runs, Function)
    }
    assert pollers == told
    assert roles.signing(made) == (signs or [one.name for one in made])


def test_servers_are_told_how_many_share_their_port() -> None:
    """The first of them takes what the other server passes on."""
    given = {one.name: one.runs.arguments for one in parts({"web": 2, "poller": 2}, {})}

    assert given == {
        "web": ("1", "2"), "web.2": ("2", "2"), "poller": (), "poller.2": (),
    }  # fmt: skip


def test_all_are_one_of_each() -> None:
    """That is what runs without `--only`."""
    assert dict(roles.ALL) == dict.fromkeys(EACH, 1)
