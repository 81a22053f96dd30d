"""Stored lists of client keys, as each process of a gateway reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kt.gateway.errors import SettingError
from kt.gateway.managed.identity import Identity
from kt.gateway.managed.keys.store import COPIES, SEQ, KeyStore
from kt.gateway.managed.state import State
from kt.gateway.managed.stored import Stored
from tests.kt.gateway.managed.keys.signing import kept_keys, key_list
from tests.kt.gateway.signing import GATEWAY, new_key, pin

KEY = new_key()
OLD, NEW = kept_keys(KEY, key_list("team", "gone"), 3), kept_keys(KEY, key_list("team"), 4)

Open = Callable[[], KeyStore]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A state folder."""
    found = State(str(tmp_path))
    yield found
    found.close()


@pytest.fixture
def opened(state: State) -> Open:
    """What a process that starts knows of the folder."""
    who = Identity("ktg_token", pin(KEY))
    return lambda: KeyStore(Stored(state, name="url", gateway=GATEWAY, given=who))


def test_nothing_is_stored_at_first(opened: Open) -> None:
    """So a gateway without keys of the control plane is as it was."""
    assert opened().read() is None


def test_the_newest_is_read(opened: Open) -> None:
    """By a process that starts, and by one that runs beside the writer."""
    writer, beside = opened(), opened()
    writer.keep(OLD)
    before, stamp = beside.read(), beside.stamp()
    writer.keep(NEW)

    assert before == (OLD.content, 3)
    assert beside.stamp() != stamp
    assert beside.read() == opened().read() == (NEW.content, 4)


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"team"', b'"mine"'))


@pytest.mark.parametrize("torn", [edit, Path.unlink])
def test_one_copy_is_enough(state: State, opened: Open, torn: Callable[[Path], None]) -> None:
    """The writer sees that the other is not as it was written."""
    writer = opened()
    writer.keep(NEW)
    torn(Path(state.path(COPIES[0])))

    assert opened().read() == (NEW.content, 4)
    assert not writer.holds(NEW)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda folder: [edit(folder / name) for name in COPIES],
        lambda folder: [(folder / name).unlink() for name in COPIES],
        lambda folder: [(folder / name).write_bytes(OLD.file()) for name in COPIES],
        lambda folder: [*((folder / name).unlink() for name in COPIES),
                        (folder / SEQ).write_text("?")],
    ],
    ids=["edited", "removed", "older", "unreadable"],
)  # fmt: skip
def test_no_edit_lets_anybody_in(
    state: State, opened: Open, tamper: Callable[[Path], object]
) -> None:
    """A list was there, and is not to be forgotten or taken back."""
    running = opened()
    running.keep(NEW)
    tamper(Path(state.folder))

    for store in (running, opened()):
        with pytest.raises(SettingError, match="edited by hand"):
            store.read()
