"""Leftovers of killed workers, which are removed."""

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gitrepos.errors import RemoteError
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch, temporary
from gitrepos.snapshot.values import FilesRequest
from tests.support.forge import Forge
from tests.support.processes import naming
from tests.support.repo import Repo, policy
from tests.support.stack import ROOT, wait_for

TAKE = """\
import sys
from pathlib import Path
from gitrepos.forge import secret
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest
url, folder = sys.argv[1:]
access = runner.Access(parse(url, schemes=["http"]), ("127.0.0.1",), secret.basic("token"))
asks = [FilesRequest("")]
fetch.take(access, ref="refs/heads/main", head="0" * 40, asks=asks, folder=Path(folder))
"""


@pytest.fixture
def held(forge: Forge, repo: Repo) -> Iterator[Repo]:
    """A repository whose forge holds what git asks for, once it has to: nobody has the head."""
    repo.commit({"bot/policy-config.yaml": policy()})
    forge.git_holds[repo.bare.name] = threading.Event()
    yield repo
    forge.release(repo)


def take(url: str, folder: Path) -> None:
    """Read the whole of main, whatever comes of it."""
    access = runner.Access(parse(url, schemes=["http", "file"]))
    fetch.take(access, ref="refs/heads/main", head="0" * 40, asks=[FilesRequest("")], folder=folder)


@pytest.mark.smoke
def test_a_worker_killed_in_a_hanging_fetch_leaves_no_git(
    held: Repo, tmp_path: Path, forge: Forge
) -> None:
    """Long before the deadline of its fetch; the next sweep removes its folder."""
    work = tmp_path / "work"
    command = [sys.executable, "-c", TAKE, held.url, str(work)]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_for(lambda: naming(held.bare.name))
    assert len(naming(str(work))) >= 2  # timeout and git; the helper names the url

    worker.kill()
    worker.wait()

    wait_for(lambda: not naming(str(work), held.bare.name), seconds=30)
    assert len(list(work.iterdir())) == 1
    assert temporary.sweep(work) == 1
    assert list(work.iterdir()) == []


@pytest.mark.smoke
def test_a_sweep_leaves_what_is_in_use(held: Repo, tmp_path: Path, forge: Forge) -> None:
    """The fetch goes on, and clears up after itself."""
    work = tmp_path / "work"
    (work / "fetch-dead/thin").mkdir(parents=True)
    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(take(held.url, work)))
    thread.start()
    wait_for(lambda: naming(held.bare.name))

    swept = temporary.sweep(work)

    forge.release(held)
    thread.join()
    assert (swept, done) == (1, [None])
    assert list(work.iterdir()) == []


def test_a_sweep_without_a_folder_does_nothing(tmp_path: Path) -> None:
    """A control plane that never fetched has none."""
    assert temporary.sweep(tmp_path / "work") == 0


def test_a_new_folder_that_a_sweep_holds_is_left_to_it(
    held: Repo, tmp_path: Path, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks dead until its owner locks it; the fetch takes another."""
    work = tmp_path / "work"
    sweeping: list[int] = []

    def made(**where: Any) -> str:
        place = tempfile.mkdtemp(**where)
        if not sweeping:
            sweeping.append(os.open(place, os.O_RDONLY))
            fcntl.flock(sweeping[0], fcntl.LOCK_EX)
        return place

    monkeypatch.setattr(temporary, "tempfile", SimpleNamespace(mkdtemp=made))
    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(take(held.url, work)))
    thread.start()
    wait_for(lambda: naming(held.bare.name))
    os.close(sweeping[0])

    swept = temporary.sweep(work)

    forge.release(held)
    thread.join()
    assert (swept, done, list(work.iterdir())) == (1, [None], [])


def test_a_sweep_beside_new_fetches_takes_none_for_dead(repo: Repo, tmp_path: Path) -> None:
    """However they interleave."""
    repo.commit({"bot/policy-config.yaml": policy()})
    work = tmp_path / "work"
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            temporary.sweep(work)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for _ in range(10):
            take(f"file://{repo.bare}", work)
    finally:
        stop.set()
        sweeper.join()

    assert list(work.iterdir()) == []


def test_a_failing_fetch_leaves_no_folder(tmp_path: Path) -> None:
    """The temporary repository goes with the error."""
    with pytest.raises(RemoteError):
        take(f"file://{tmp_path}/nothing", tmp_path / "work")

    assert list((tmp_path / "work").iterdir()) == []


def test_a_temporary_folder_is_the_owners_alone(held: Repo, tmp_path: Path, forge: Forge) -> None:
    """Nobody else on the machine reads what is on its way."""
    work = tmp_path / "work"
    thread = threading.Thread(target=take, args=(held.url, work))
    thread.start()
    wait_for(lambda: naming(held.bare.name))

    modes = {place.stat().st_mode & 0o777 for place in (work, *work.iterdir())}

    forge.release(held)
    thread.join()
    assert modes == {0o700}
