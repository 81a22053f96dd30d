"""Files of backups: those that are whole, and all others."""

import gzip
import json
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.saving import archive
from keeptrusts.saving.archive import ArchiveError

ROWS = [{"model": "a.b", "pk": n, "fields": {"text": "x" * n}} for n in range(40)]


def written(path: Path, rows: list[dict[str, object]] = ROWS) -> bytes:
    """A backup of rows, and its bytes."""
    with archive.made(path) as stream:
        writer = archive.Writer(
            stream, release="1", made_at="2031-01-01T00:00:00+00:00", database="sqlite",
            migrations={"a": "0001"},
        )  # fmt: skip
        for row in rows:
            writer.row(json.dumps(row).encode())
        writer.end()
    return path.read_bytes()


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    """In their order, none of them too."""
    for number, rows in enumerate([ROWS, ROWS[:1], []]):
        path = tmp_path / str(number)
        written(path, rows)

        assert archive.checked(path).release == "1"
        assert list(archive.rows(path)) == rows


def test_no_other_file_is_a_backup(tmp_path: Path) -> None:
    """Cut anywhere, changed anywhere, of something else: each is refused in words."""
    path, chance = tmp_path / "backup", Random(1)
    whole = written(path)
    plain = gzip.decompress(whole)
    lines = plain.splitlines(keepends=True)
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    others = [
        b"", b"\n", b"{}", whole[:-1], whole[:10], whole + b"x", plain, gzip.compress(b""),
        gzip.compress(plain + plain), gzip.compress(plain[:-1]), gzip.compress(b"\n" + plain),
        gzip.compress(b"".join(swapped)), gzip.compress(b"".join(lines[:-2] + lines[-1:])),
        gzip.compress(b"".join(lines[:-1])), gzip.compress(lines[-1]), gzip.compress(lines[0]),
        gzip.compress(b"x" * (80 << 20)),
        *(whole[: chance.randrange(len(whole))] for _ in range(50)),
        *(gzip.compress(plain[: chance.randrange(len(plain))]) for _ in range(50)),
        *(gzip.compress(_changed(plain, chance)) for _ in range(200)),
    ]  # fmt: skip
    for other in others:
        path.write_bytes(other)
        with pytest.raises(ArchiveError) as told:
            archive.checked(path)
        assert str(told.value).startswith(f"{path} ")
        assert "\n" not in str(told.value)


def _changed(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


@given(st.binary(max_size=300))
def test_bytes_are_no_backup(data: bytes) -> None:
    """Whatever they are."""
    with tempfile.NamedTemporaryFile() as file:
        for one in (data, gzip.compress(data)):
            Path(file.name).write_bytes(one)
            with pytest.raises(ArchiveError):
                archive.checked(Path(file.name))


def test_one_of_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read of it; a key that is only an older one of ours opens it."""
    path = tmp_path / "backup"
    written(path)
    ours = settings.ENV.secret_keys
    other = ("another-key-0123456789abcdef0123456789",)

    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, secret_keys=other))
    with pytest.raises(ArchiveError, match="with another KEEPTRUSTS_SECRET_KEY"):
        archive.checked(path)
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, secret_keys=other + ours))

    assert archive.checked(path).key


def test_a_later_format_names_its_release(tmp_path: Path) -> None:
    """It may be read by that."""
    path = tmp_path / "backup"
    header = {"keeptrusts_backup": 2, "release": "9.1", "made_at": "", "database": "",
              "migrations": {}, "key": ""}  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps(header).encode() + b"\n"))

    with pytest.raises(ArchiveError, match=r"restore it with release 9\.1"):
        archive.checked(path)


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """A backup is never written over another."""
    path = tmp_path / "backup"
    path.write_bytes(b"mine")

    with pytest.raises(ArchiveError, match="is there already"):
        written(path)

    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["backup"]


def test_one_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    """Neither whole nor in part."""

    def fail() -> None:
        with archive.made(tmp_path / "backup") as stream:
            stream.write(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert os.listdir(tmp_path) == []
    with pytest.raises(ArchiveError, match="cannot be written: No such file or directory"):
        written(tmp_path / "nowhere" / "backup")


def test_it_is_its_owner_s_alone(tmp_path: Path) -> None:
    """What people wrote is in it."""
    os.umask(0)
    written(tmp_path / "backup")
    os.umask(0o077)

    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
