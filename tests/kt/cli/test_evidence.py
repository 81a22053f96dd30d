"""`kt evidence`: files that are verified without a network, and asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kt.cli.evidence import command
from kt.evidence import tiles
from tests.kt.cli.conftest import Done
from tests.kt.evidence import pasts

Run = Callable[..., Done]
_FILE = json.dumps({"data": pasts.file(pasts.TRUE, pasts.CHECKPOINT, whole=False)})
_SEEN = pasts.SEEN.text()


class _ControlPlane:
    """Answers with one past, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def content(self, path: str) -> bytes:
        self.asked.append(path)
        return tiles.bundle(pasts.TRUE) if "/tile/entries/" in path else _FILE.encode()


@pytest.fixture
def control_plane(monkeypatch: pytest.MonkeyPatch) -> _ControlPlane:
    """The control plane that commands connect to."""
    answers = _ControlPlane()
    monkeypatch.setattr(command, "connect", lambda _options: answers)
    return answers


def _verified(kt: Run, folder: Path, text: str, *options: str) -> Done:
    (folder / "file.json").write_text(text)
    return kt("evidence", "verify", str(folder / "file.json"), *options)


def test_a_file_is_verified(kt: Run, tmp_path: Path) -> None:
    """By a witness, or by a checkpoint that was kept; in five lines."""
    (tmp_path / "kept").write_text(pasts.CHECKPOINT.text())

    for trusted in (("--witness", _SEEN), ("--checkpoint", str(tmp_path / "kept"))):
        code, out, err = _verified(kt, tmp_path, _FILE, *trusted)
        assert (code, len(out.splitlines()), err) == (0, 5, "")
        assert ": ran c version 10, sha256 " in out.splitlines()[0]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (_FILE, ()),
        (_FILE.replace("source", "sourcf", 1), ("--witness", _SEEN)),
        ("{}", ("--witness", _SEEN)),
        ("", ("--witness", _SEEN)),
    ],
)
def test_what_is_not_proven_ends_with_1(
    kt: Run, tmp_path: Path, text: str, options: tuple[str, ...]
) -> None:
    """And the last line says so."""
    code, out, err = _verified(kt, tmp_path, text, *options)

    assert (code, err) == (1, "")
    assert "NOT PROVEN: " in out.splitlines()[-1]


def test_what_cannot_be_told_ends_with_2(kt: Run, tmp_path: Path) -> None:
    """A file that is not there, a key or a checkpoint that is none, a log as its own witness."""
    for options in (
        ("--witness", "x"),
        ("--witness", pasts.KEY.text()),
        ("--checkpoint", str(tmp_path / "file.json")),
    ):
        code, out, err = _verified(kt, tmp_path, _FILE, *options)
        assert (code, out, err[:4]) == (2, "", "kt: ")
    assert kt("evidence", "verify", str(tmp_path / "none")).code == 2


def test_a_file_is_asked_for_with_all_entries(
    kt: Run, tmp_path: Path, control_plane: _ControlPlane
) -> None:
    """And written, so that it is verified elsewhere."""
    path = tmp_path / "file.json"

    code, out, _ = kt("evidence", "show", "--gateway", "g", "--at", "2026-01-31T13:00:00Z",
                      "--whole", "--output", str(path), "--witness", _SEEN)  # fmt: skip

    assert code == 0
    assert control_plane.asked == [
        "/v1/gateways/g/evidence?at=2026-01-31T13%3A00%3A00Z",
        f"/v1/evidence/1/tile/entries/000.p/{len(pasts.TRUE)}",
    ]
    assert "all of them read; proven, seen by witness" in out.splitlines()[-1]
    again = kt("evidence", "verify", str(path), "--witness", _SEEN)
    assert (again.code, again.out) == (0, out)


def test_a_checkpoint_that_was_kept_is_asked_from(
    kt: Run, tmp_path: Path, control_plane: _ControlPlane
) -> None:
    """By its size."""
    (tmp_path / "kept").write_text(pasts.CHECKPOINT.text())

    kt("evidence", "show", "--configuration", "c", "--checkpoint", str(tmp_path / "kept"))

    assert control_plane.asked == [f"/v1/configurations/c/evidence?since={len(pasts.TRUE)}"]
    assert kt("evidence", "show").code == 2
