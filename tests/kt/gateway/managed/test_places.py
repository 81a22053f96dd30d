"""A state folder with anything in the place of its files: the whole copy is started from."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kt.gateway.managed import files
from kt.gateway.managed.backlog import Backlog
from kt.gateway.managed.keys.store import COPIES as KEY_COPIES
from kt.gateway.managed.keys.store import SEQ as KEY_SEQ
from kt.gateway.managed.start import prepare
from kt.gateway.managed.state import COPIES, Kept, State
from kt.gateway.managed.statement import verify
from kt.gateway.managed.stored import Stored
from kt.gateway.options import Managed, Options
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed
from tests.kt.gateway.support import pack

KEY = new_key()
CONTENT = pack().encode()
TOKEN = f"ktg_{pin(KEY)}.{'s' * 43}"


def _folder(path: Path) -> None:
    path.mkdir()


def _full_folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("something of somebody's")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        # A path of pytest's is longer than a socket's may be.
        folder = os.open(path.parent, os.O_RDONLY)
        one.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _leads_to(target: str) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.symlink_to(target)

    put.__name__ = f"to_{Path(target).name}"
    return put


def _empty(path: Path) -> None:
    path.touch(0o600)


def _long(path: Path) -> None:
    path.write_bytes(b"9" * (4 << 20))


THINGS = (
    _folder, _full_folder, os.mkfifo, _socket, _circle, _leads_to("/dev/zero"), _leads_to("/"),
    _leads_to("/nonexistent/at/all"), _empty, _long,
)  # fmt: skip
_WRITTEN = (*COPIES, "publish-seq", "policy.carried", *KEY_COPIES, KEY_SEQ, "contact")
PLACES = (*_WRITTEN, *(f"{name}.new" for name in _WRITTEN), "lock")
# Where a link leads to a folder, that is the spool: an operator may want it elsewhere.
CASES = (
    *((place, thing) for place in PLACES for thing in THINGS),
    *(("spool", thing) for thing in (os.mkfifo, _socket, _circle, _empty, _long)),
)


def _kept(seq: int) -> Kept:
    one = signed(KEY, CONTENT, publish_seq=seq)
    return Kept(one, verify(one, pin=pin(KEY), gateway=GATEWAY), CONTENT)


def _managed(folder: Path) -> Managed:
    return Managed(
        api_url="http://127.0.0.1:9", gateway_id=GATEWAY, gateway_token=TOKEN, enrolment_token="",
        state_dir=str(folder), spool_bytes=1 << 20, insecure_http=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("place", "thing"), CASES, ids=lambda one: one if isinstance(one, str) else one.__name__
)
def test_anything_may_stand_in_any_place(
    tmp_path: Path, place: str, thing: Callable[[Path], None]
) -> None:
    """The gateway starts with its policy, and what it is given then is kept."""
    state = State(str(tmp_path))
    state.keep(_kept(3))
    state.close()
    path = tmp_path / place
    path.unlink(missing_ok=True)
    thing(path)

    gateway = prepare(Options(), _managed(tmp_path), {}, ())

    assert (gateway.loaded.is_configured, gateway.problem) == (True, "")
    source = gateway.source
    assert isinstance(source, Stored)
    source.keep(_kept(4))
    assert source.state.holds(_kept(4))
    assert source.read().data == CONTENT
    files.replace(str(tmp_path / "contact"), b"{}")
    assert Backlog(str(tmp_path / "spool"), max_bytes=1 << 20).batch() is None
    source.state.close()


@pytest.mark.parametrize("thing", [_folder, _circle, os.mkfifo], ids=lambda thing: thing.__name__)
def test_what_is_no_file_is_edited(tmp_path: Path, thing: Callable[[Path], None]) -> None:
    """So it is told, and nothing of somebody's is removed."""
    state = State(str(tmp_path))
    state.keep(_kept(3))
    for name in COPIES:
        (tmp_path / name).unlink()
        thing(tmp_path / name)

    assert state.find(pin=pin(KEY), gateway=GATEWAY).edited
    state.keep(_kept(4))
    state.close()

    assert len(list(tmp_path.glob("policy*.aside-*"))) == 2
