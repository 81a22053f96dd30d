"""Folders that are there already: closed to others, or refused with what to do."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from keeptrusts.env import private
from keeptrusts.env.errors import EnvError
from keeptrusts.env.reading import read
from kt.gateway.managed import files

MODES = [0o755, 0o777, 0o750, 0o770, 0o705, 0o2770, 0o701]
NAMES = ["keeptrusts.sqlite3", "keeptrusts.sqlite3-wal", "secret-key", "admin-token", "anything"]


def mode(path: Path) -> int:
    """What group and others may do, and the rest."""
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[private.close, files.close], ids=["control plane", "gateway"])
def close(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """What each does with a folder in which `work` may lie."""
    return lambda folder: request.param(str(folder), folders=("work", "lost+found"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that somebody made before, with files that all may read."""
    place = tmp_path / "var"
    place.mkdir()
    place.chmod(0o755)
    for name in NAMES:
        (place / name).write_text("x")
        (place / name).chmod(0o644)
    (place / "work").mkdir()
    (place / "work").chmod(0o755)
    return place


@pytest.mark.parametrize("before", MODES)
def test_what_is_there_is_closed_to_others(
    close: Callable[[Path], None], folder: Path, before: int
) -> None:
    """The folder and what lies in it; the owner's own bits stay."""
    folder.chmod(before)
    (folder / "secret-key").chmod(before & 0o777 & ~0o111)

    close(folder)

    assert mode(folder) == before & ~0o077
    assert {mode(path) for path in folder.iterdir()} <= {0o600, 0o700}
    assert (folder / "secret-key").read_text() == "x"


def test_files_are_closed_in_a_folder_that_is(close: Callable[[Path], None], folder: Path) -> None:
    """It may have been open before."""
    folder.chmod(0o700)

    close(folder)

    assert {mode(folder / name) for name in NAMES} == {0o600}


def test_what_a_link_leads_to_is_left(
    close: Callable[[Path], None], folder: Path, tmp_path: Path
) -> None:
    """It is somewhere else; a folder that is reached by one is closed."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    (folder / "broken").symlink_to("nowhere")
    reached = tmp_path / "reached"
    reached.symlink_to(folder)

    close(reached)

    assert (mode(outside), mode(folder)) == (0o644, 0o700)


def test_another_users_folder_is_refused(
    close: Callable[[Path], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a volume's root may be; one that is closed is as good as our own."""
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)

    with pytest.raises(
        OSError, match=r"mode 755\) and belongs to another user; `chown` it"
    ) as caught:
        close(folder)
    folder.chmod(0o700)
    with pytest.raises(OSError, match=r"mode 644\) and belongs to another user"):
        close(folder)
    for path in folder.iterdir():
        path.chmod(path.stat().st_mode & 0o700)
    close(folder)

    assert caught.value.filename == str(folder)


@pytest.mark.parametrize("before", [0o755, 0o1777])
def test_a_folder_that_holds_other_things_is_not_closed(
    close: Callable[[Path], None], folder: Path, before: int
) -> None:
    """A home, `/tmp` or the root of the machine: others need what is in it."""
    if before == 0o755:
        (folder / "etc").mkdir()
    folder.chmod(before)

    with pytest.raises(OSError, match="holds other things"):
        close(folder)

    assert mode(folder) == before


def test_a_volume_that_was_just_made_is_closed(
    close: Callable[[Path], None], tmp_path: Path
) -> None:
    """With nothing in it but what its file system put there."""
    (tmp_path / "lost+found").mkdir()
    tmp_path.chmod(0o755)

    close(tmp_path)

    assert mode(tmp_path) == 0o700


def test_the_data_folder_is_closed_at_the_start(tmp_path: Path) -> None:
    """Or the start ends with the variable's name, the path and what to do."""
    tmp_path.chmod(0o755)
    environ = {"KEEPTRUSTS_DATA_DIR": str(tmp_path)}
    read(environ)
    closed = mode(tmp_path)
    (tmp_path / "etc").mkdir()
    tmp_path.chmod(0o750)

    with pytest.raises(EnvError, match=r"^KEEPTRUSTS_DATA_DIR=.*mode 750.*`chmod go=` it"):
        read(environ)

    assert closed == 0o700
