"""Resetting the trust of a gateway whose signing key is lost, and what it enforces meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from kt.cli.main import main
from kt.gateway.managed.keys.store import COPIES as KEY_COPIES
from kt.gateway.managed.state import COPIES, Kept, State
from kt.gateway.managed.statement import render, verify
from kt.gateway.managed.trust.freshness import Freshness
from tests.kt.gateway.managed.keys.signing import key_list, signed_keys
from tests.kt.gateway.managed.keys.test_keyring import Keyed
from tests.kt.gateway.managed.test_enforcer import FIRST, KEY, SECOND
from tests.kt.gateway.managed.trust.signing import confirmed
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched

LOST, OTHER = new_key(), new_key()
CHAIN = (vouched(KEY, LOST),)
LIST = key_list("team")


def token(key: Any, kind: str = "ktg") -> str:
    """A token that pins a key."""
    return f"{kind}_{pin(key)}.{'s' * 43}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state of a gateway that saw the key that is lost now, in all that it has."""
    found = tmp_path / "state"

    async def work() -> None:
        one = Keyed(found)
        freshness = one.gateway.aging
        assert isinstance(freshness, Freshness)
        await one.give(LIST, one=signed_keys(LOST, LIST, 50, chain=CHAIN))
        await _offer(one, signed(LOST, FIRST, publish_seq=50, chain=CHAIN), FIRST)
        newest = confirmed(LOST, time.time(), publish_seq=50, keys_seq=50, chain=CHAIN)
        assert freshness.offer(render(newest)) is None
        freshness.save()
        one.stored.state.close()

    asyncio.run(work())
    return found


async def _offer(one: Keyed, statement: Any, content: bytes) -> str | None:
    async def fetch(_: str) -> bytes:
        return content

    await one.enforcer.offer(statement, fetch, since=one.enforcer.kept)
    return one.problem


def begin(folder: Path, statement: Any, content: bytes, **more: str) -> list[Any]:
    """Start; what is in force, who is let in, what a statement comes to, and what is in force."""

    async def work() -> list[Any]:
        one = Keyed(folder, **more)
        before = [one.gateway.loaded.chain, *one.opens("team")]
        problem = await _offer(one, statement, content)
        after = [*before, problem, one.gateway.loaded.chain]
        one.stored.state.close()
        return after

    return asyncio.run(work())


def reset(folder: Path, *arguments: str) -> int:
    """Run the command."""
    given = ["--gateway-id", GATEWAY, "--state-dir", str(folder), *arguments]
    return main(["gateway", "reset-trust", *given])


OLD = ("safety-filter",)
NEW = ("audit-logger",)


def test_without_a_reset_a_backup_from_before_the_key_is_refused(folder: Path) -> None:
    """What is in force stays."""
    assert begin(folder, signed(KEY, SECOND), SECOND) == [OLD, True, "key_retired", OLD]


def test_after_a_reset_the_pinned_key_signs_again(folder: Path) -> None:
    """With whatever sequence; until then the last policy and client keys are in force."""
    assert reset(folder, "--gateway-token", token(KEY)) == 0

    assert begin(folder, signed(LOST, SECOND, publish_seq=51), SECOND) == [
        OLD, True, "key_not_pinned", OLD,
    ]  # fmt: skip
    assert begin(folder, signed(KEY, SECOND, publish_seq=7), SECOND) == [OLD, True, None, NEW]
    assert begin(folder, signed(KEY, FIRST, publish_seq=6), FIRST)[2:] == ["statement_older", NEW]


def test_another_control_plane_takes_over(folder: Path) -> None:
    """Of one whose database is lost nothing is left but the new token."""
    new = token(OTHER)
    assert begin(folder, signed(KEY, SECOND), SECOND, token=new) == [
        (),
        False,
        "key_not_pinned",
        (),
    ]
    assert reset(folder, "--gateway-token", new) == 0

    assert begin(folder, signed(OTHER, SECOND), SECOND, token=new) == [OLD, True, None, NEW]


def test_a_gateway_enrols_anew(folder: Path) -> None:
    """With its last policy in force until it has a token, and one that it wrote itself."""
    assert reset(folder, "--enrolment-token", token(OTHER, "kte"), "--forget-identity") == 0
    state = State(str(folder))
    assert state.identity() is None
    state.close()

    found = begin(folder, signed(KEY, FIRST), FIRST, token="", enrols_with=token(OTHER, "kte"))
    assert found[:2] == [OLD, True]


def test_the_same_key_may_begin_anew_with_its_sequence(tmp_path: Path) -> None:
    """As after a clock that was wrong."""
    folder = tmp_path / "state"
    begin(folder, signed(KEY, FIRST, publish_seq=50), FIRST)
    assert begin(folder, signed(KEY, SECOND, publish_seq=7), SECOND)[2] == "statement_older"
    assert reset(folder, "--gateway-token", token(KEY)) == 0

    assert begin(folder, signed(KEY, SECOND, publish_seq=7), SECOND)[2:] == [None, NEW]


def test_it_may_break_off_and_be_done_again(folder: Path) -> None:
    """Or twice."""
    for _ in range(2):
        assert reset(folder, "--gateway-token", token(KEY)) == 0
    assert begin(folder, signed(KEY, SECOND), SECOND) == [OLD, True, None, NEW]


@pytest.mark.parametrize("name", ["policy.carried", "client-keys.carried"])
def test_a_mark_by_hand_brings_nothing_into_force(folder: Path, name: str) -> None:
    """It takes the token, which whoever may only write the folder does not have."""
    forged = signed(OTHER, SECOND, publish_seq=99)
    one = Kept(forged, verify(forged, pin=None, gateway=GATEWAY), SECOND)
    reset(folder, "--gateway-token", token(KEY))
    mark = (folder / name).read_bytes()
    for copy in COPIES:
        (folder / copy).write_bytes(one.file())
    for made in (mark, b"", bytes(64)):
        (folder / "policy.carried").write_bytes(made)
        assert begin(folder, forged, SECOND)[0] == ()


def test_an_edited_policy_is_not_carried(folder: Path) -> None:
    """Nor is any in which the files of another gateway lie."""
    for copy in (*COPIES, *KEY_COPIES):
        path = folder / copy
        path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert reset(folder, "--gateway-token", token(KEY)) == 0

    assert begin(folder, signed(KEY, SECOND), SECOND)[:2] == [(), False]


def test_it_says_what_it_forgets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what stays."""
    reset(folder, "--gateway-token", token(KEY))
    out = capsys.readouterr().out

    assert f"forgot that policy of sequence 50 came from key {pin(LOST)}" in out
    assert f"trusts key {pin(KEY)}" in out
    assert "keeps support-bot version 3 in force" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give the --gateway-token"),
        (["--forget-identity"], "needs the --enrolment-token"),
        (["--forget-identity", "--gateway-token", token(KEY)], "not both"),
        (["--gateway-token", "ktg_short"], "is not a token"),
        (["--state-dir", "/nonexistent/state"], "there is no state folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """And nothing is forgotten."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert reset(folder, *arguments) == 2
    assert words in capsys.readouterr().err
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_gateway_that_runs_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would write its own trust back."""
    state = State(str(folder))
    assert reset(folder, "--gateway-token", token(KEY)) == 2
    assert "another gateway uses this state" in capsys.readouterr().err
    assert not os.path.exists(folder / "policy.carried")
    state.close()
