"""The state folder of a managed gateway."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kt.gateway.managed.identity import Identity, TokenError, identity
from kt.gateway.managed.state import COPIES, Found, Kept, State
from kt.gateway.managed.statement import Signed, verify
from kt.gateway.managed.stored import Stored
from kt.gateway.policy.source import SourceError
from tests.kt.gateway.managed.killing import WRITES, keep_until
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched
from tests.kt.gateway.support import pack

KEY, NEWER = new_key(), new_key()
OLD, NEW = pack().encode(), pack("[audit-logger]", "{}").encode()


def kept(content: bytes, seq: int, one: Signed | None = None) -> Kept:
    """A verified policy."""
    one = one or signed(KEY, content, publish_seq=seq)
    return Kept(one, verify(one, pin=pin(KEY), gateway=GATEWAY), content)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A folder that holds a policy already."""
    found = State(str(tmp_path / "deep" / "state"))
    found.keep(kept(OLD, 3))
    yield found
    found.close()


def found(state: State) -> Found:
    """What is believed there."""
    return state.find(pin=pin(KEY), gateway=GATEWAY)


def edit(
    state: State, name: str, old: bytes = b"enabled: true", new: bytes = b"enabled: no"
) -> None:
    """Change a copy as somebody with an editor would."""
    path = Path(state.path(name))
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


def test_what_is_kept_is_found(state: State) -> None:
    """Also when it was signed by a later key, and of several the newest."""
    state.keep(kept(NEW, 4))
    rotated = kept(OLD, 5, signed(NEWER, OLD, publish_seq=5, chain=(vouched(KEY, NEWER),)))
    before = found(state)
    state.keep(rotated)

    assert before == Found(kept(NEW, 4), edited=False)
    assert found(state) == Found(rotated, edited=False)


def test_nobody_else_may_read_it(state: State) -> None:
    """Neither policy nor token."""
    state.keep_identity(Identity("ktg_token", "pin"))
    folder = Path(state.folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_folder_that_was_there_is_closed_to_others(tmp_path: Path) -> None:
    """As a volume is; an old copy in it, too."""
    tmp_path.chmod(0o755)
    (tmp_path / COPIES[0]).touch(0o644)

    State(str(tmp_path)).close()

    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("name", COPIES)
def test_an_edited_copy_is_not_believed_and_the_other_is(state: State, name: str) -> None:
    """So that an edit takes no policy away."""
    edit(state, name)
    assert found(state) == Found(kept(OLD, 3), edited=True)


def test_without_a_genuine_copy_there_is_no_policy(state: State) -> None:
    """A proof that fits something else is no proof."""
    for name in COPIES:
        edit(state, name)
    assert found(state) == Found(None, edited=True)


def test_an_old_copy_that_was_put_back_is_not_believed(state: State) -> None:
    """Genuine as it is: something newer was taken since."""
    before = {name: Path(state.path(name)).read_bytes() for name in COPIES}
    state.keep(kept(NEW, 4))
    for name, data in before.items():
        Path(state.path(name)).write_bytes(data)

    assert found(state) == Found(None, edited=True)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"[]\n", b"{}\n", b"[" * 100_000, b"\xff" * (2 << 20)]
)
def test_rubbish_is_not_believed(state: State, data: bytes) -> None:
    """Whatever it is, and however much of it."""
    Path(state.path(COPIES[0])).write_bytes(data)
    assert found(state) == Found(kept(OLD, 3), edited=True)


def test_a_change_is_noticed(state: State) -> None:
    """In any of the files that count."""
    for name in (*COPIES, "publish-seq"):
        data, stamp = Path(state.path(name)).read_bytes(), state.stamp()
        Path(state.path(name)).write_bytes(b"9" + data)
        assert not state.holds(kept(OLD, 3))
        assert state.stamp() != stamp
        Path(state.path(name)).write_bytes(data)
        assert state.holds(kept(OLD, 3))


@pytest.mark.parametrize("step", WRITES, ids=" ".join)
def test_killed_at_any_step_it_reads_the_old_or_the_new(
    tmp_path: Path, step: tuple[str, str]
) -> None:
    """Old until the first copy has its name, new from then on; and nothing looks edited."""
    before = State(str(tmp_path))
    before.keep(kept(OLD, 3))
    before.close()
    keep_until(tmp_path, KEY, NEW, 4, step)
    state = State(str(tmp_path))
    stored = Stored(state, name="", gateway=GATEWAY, given=Identity("ktg_token", pin(KEY)))
    is_old = WRITES.index(step) < 2

    assert stored.read().data == (OLD if is_old else NEW)
    assert (stored.edited, stored.torn) == (False, not is_old)
    state.close()


def test_a_killed_gateway_leaves_a_whole_policy(tmp_path: Path) -> None:
    """Killed while it writes, over and over: one copy is genuine and nothing looks edited."""
    folder = str(tmp_path / "state")
    policies = [(one.signed, one.content) for one in (kept(OLD, seq) for seq in range(1, 2000))]
    root = str(Path(__file__).parents[4])
    script = tmp_path / "keep.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from kt.gateway.managed.state import Kept, State\n"
        "from kt.gateway.managed.statement import Signed, verify\n"
        f"state = State({folder!r})\n"
        f"for signed, content in {policies!r}:\n"
        f"    statement = verify(signed, pin={pin(KEY)!r}, gateway={GATEWAY!r})\n"
        "    state.keep(Kept(signed, statement, content))\n"
        "    print(flush=True)\n"
    )
    for _ in range(5):
        child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(20):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        state = State(folder)
        after = found(state)
        state.close()

        assert after.kept is not None
        assert not after.edited
        for path in Path(folder).glob("p*"):
            path.unlink()


def test_a_folder_has_one_gateway(state: State) -> None:
    """Two would take turns at undoing each other."""
    with pytest.raises(OSError, match="another gateway uses this state"):
        State(state.folder)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 90, b'{"token": "ktg_', b"[]", b'{"pin": "x"}', b'{"token": 1, "pin": 2}']
)
def test_an_identity_that_was_edited_is_said_to_be(state: State, data: bytes) -> None:
    """With its path, and what helps."""
    Path(state.path("identity")).write_bytes(data)

    with pytest.raises(SourceError, match="identity was edited by hand; give --gateway-token"):
        state.identity()


def test_an_enrolled_gateway_knows_who_it_is(state: State) -> None:
    """Also when its file goes while it runs."""
    state.keep_identity(identity(f"ktg_{pin(KEY)}.{'s' * 43}", "ktg_"))
    stored = Stored(state, name="", gateway=GATEWAY, given=None)
    first = stored.identity()
    Path(state.path("identity")).write_bytes(b"edited")

    assert first is not None
    assert stored.identity() == first


def test_a_token_carries_the_pin() -> None:
    """And another text is none."""
    token = f"ktg_{pin(KEY)}.{'s' * 43}"
    assert identity(token, "ktg_") == Identity(token, pin(KEY))
    for text in ("", "ktg_", token[:-40], token.replace("ktg", "kte"), f"{token} ", f"{token}\n"):
        with pytest.raises(TokenError):
            identity(text, "ktg_")


def test_a_closed_state_is_free_at_once(tmp_path: Path) -> None:
    """Also while a process that was forked meanwhile has a copy of every descriptor."""
    first = State(str(tmp_path / "state"))
    copy = os.dup(first._lock)

    first.close()

    State(str(tmp_path / "state")).close()
    os.close(copy)
