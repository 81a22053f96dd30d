"""The gateway's own files, and lines of its log that clients would like to write."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kt.gateway.records.journal import Journal
from tests.kt.gateway.support import Running, chat, free_port, pack, starter, until

ODD = [
    'a\n{"id":"forged","verdict":"allow"}',
    "\x1b[2J\x1b]52;c;eA==\x07",
    "\u2028\u202e\u0085",
    "half \ud83d of a pair",
    "x" * 5000,
]


@pytest.fixture(scope="module")
def logging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    """A gateway that writes its decisions to a file, started under a mask that hides nothing."""
    folder = tmp_path_factory.mktemp("logging")
    log = folder / "decisions.log"
    with starter(folder) as start:
        yield start(pack(), "--mock-upstream", "--decision-log", str(log)), log


def lines(log: Path, count: int) -> list[bytes]:
    """The lines of a log, once it has so many."""
    return until(lambda: len(found := log.read_bytes().split(b"\n")[:-1]) >= count and found)  # type: ignore[no-any-return]


def test_a_decision_has_an_id_of_its_own(logging: tuple[Running, Path]) -> None:
    """Though a client sends the same one each time; what it sent is there too."""
    gateway, log = logging
    before = len(log.read_bytes().split(b"\n")) - 1
    for _ in range(3):
        gateway.post(chat(), x_request_id="same")

    entries = [json.loads(line) for line in lines(log, before + 3)[before:]]

    assert {entry["request_id"] for entry in entries} == {"same"}
    assert len({entry["id"] for entry in entries}) == 3


def test_no_client_writes_a_line_of_the_log(logging: tuple[Running, Path]) -> None:
    """Nor to the terminal on which somebody reads it."""
    gateway, log = logging
    before = len(log.read_bytes().split(b"\n")) - 1
    for text in ODD:
        gateway.post({**chat(), "model": text})

    written = lines(log, before + len(ODD))[before:]

    assert len(written) == len(ODD)
    assert all(json.loads(line)["id"] != "forged" for line in written)
    assert all(32 <= byte < 127 for line in written for byte in line)


def test_the_log_is_its_users_alone(logging: tuple[Running, Path]) -> None:
    """It names users and models."""
    gateway, log = logging
    gateway.post(chat())
    lines(log, 1)

    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    """And hands it on to the next file, so that who collects it may read that, too."""
    log = tmp_path / "decisions.log"
    log.touch()
    log.chmod(0o640)
    journal = Journal(str(log), max_bytes=10)

    for number in range(3):
        journal._put([{"id": f"a-long-one-{number}"}])

    modes = [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()]
    assert modes == [0o640] * 4


def test_limits_in_clear_are_warned_of(tmp_path: Path) -> None:
    """At the start, without the address."""
    (tmp_path / "policy-config.yaml").write_text(pack())
    command = [sys.executable, "-m", "kt", "gateway", "run", "--mock-upstream", "--policy-config"]
    with subprocess.Popen(
        [*command, str(tmp_path / "policy-config.yaml"), "--listen", f"127.0.0.1:{free_port()}"],
        env={"PATH": "/usr/bin:/bin", "KEEPTRUSTS_LIMITS_URL": "redis://u@192.0.2.1:6379/0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as gateway:
        assert gateway.stderr is not None
        said = "".join(gateway.stderr.readline() for _ in range(3))
        gateway.terminate()

    assert "KEEPTRUSTS_LIMITS_URL: redis:// crosses the network in clear" in said
    assert "KEEPTRUSTS_LIMITS_URL: there is no password" in said
    assert "192.0.2.1" not in said
