"""Decisions of a managed gateway that wait to be sent to the control plane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kt.gateway.managed.backlog import Backlog
from kt.gateway.records.spool import MAX_LINE_BYTES, Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where decisions wait."""
    found = tmp_path / "spool"
    found.mkdir()
    return found


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    """What a process of a gateway writes to."""
    one = Spool(str(folder), segment_bytes=4096)
    yield one
    one.close()


def entry(number: int) -> dict[str, Any]:
    """A decision."""
    return {"id": "", "request_id": f"request-{number}", "model": "gpt-4o-mini", "status": 200}


def spooled(folder: Path, *numbers: int) -> None:
    """Write decisions as a process does that then ends."""
    one = Spool(str(folder), segment_bytes=4096)
    one.start()
    for number in numbers:
        one.write(entry(number))
    one.close()


def backlog(folder: Path, max_bytes: int = 1 << 20) -> Backlog:
    """The reading end."""
    return Backlog(str(folder), max_bytes=max_bytes)


def drained(waiting: Backlog) -> tuple[list[str], int]:
    """The requests of all decisions that wait, in order, and how many are told lost."""
    requests, dropped = [], 0
    while (batch := waiting.batch()) is not None:
        requests += [one["request_id"] for one in batch.events]
        dropped += batch.dropped + batch.lost
        waiting.acknowledge(batch)
    return requests, dropped


def names(*numbers: int) -> list[str]:
    """The requests with these numbers."""
    return [f"request-{number}" for number in numbers]


def test_the_bound_holds_for_all_that_comes_at_once(folder: Path, spool: Spool) -> None:
    """Though the process that wrote it still writes; what is dropped is counted."""
    spool._put([entry(number) for number in range(1000)])
    waiting = backlog(folder, max_bytes=16_384)

    assert waiting.trim() <= 16_384
    requests, dropped = drained(waiting)
    assert requests == names(*range(1000 - len(requests), 1000))
    assert len(requests) + dropped == 1000
    assert len(requests) > 0


def test_what_is_written_is_read_in_order(folder: Path) -> None:
    """Once, and then the folder is empty."""
    spooled(folder, *range(1200))
    waiting = backlog(folder)

    assert drained(waiting) == (names(*range(1200)), 0)
    assert waiting.batch() is None
    assert list(folder.glob("*.jsonl")) == []


def test_a_batch_holds_at_most_500(folder: Path) -> None:
    """Which is what the control plane takes."""
    one = Spool(str(folder), segment_bytes=1 << 20)
    one.start()
    for number in range(700):
        one.write(entry(number))
    one.close()
    batch = backlog(folder).batch()

    assert batch is not None
    assert len(batch.events) == 500


def test_a_restart_goes_on_where_it_was_acknowledged(folder: Path) -> None:
    """What was not, is sent again."""
    spooled(folder, 1, 2)
    first = backlog(folder)
    batch = first.batch()
    assert batch is not None
    first.acknowledge(batch)
    spooled(folder, 3)
    backlog(folder).batch()

    assert drained(backlog(folder)) == (names(3), 0)


def test_a_segment_that_is_being_written_stays(folder: Path, spool: Spool) -> None:
    """More may come, and comes."""
    spool.start()
    spool.write(entry(1))
    waiting = backlog(folder)
    while not (batch := waiting.batch()):
        pass
    waiting.acknowledge(batch)
    empty = waiting.batch()
    spool.write(entry(2))
    spool.close()

    assert empty is None
    assert drained(waiting) == (names(2), 0)


def test_segments_that_are_written_at_once_take_turns(folder: Path, spool: Spool) -> None:
    """A busy process keeps no other's decisions waiting."""
    other = Spool(str(folder), segment_bytes=4096)
    for one in (spool, other):
        one.start()
    waiting, requests = backlog(folder), []
    other.write(entry(1))
    while "request-1" not in requests:
        spool.write(entry(0))
        if (batch := waiting.batch()) is not None:
            requests += [one["request_id"] for one in batch.events]
            waiting.acknowledge(batch)
    other.close()

    assert requests.count("request-1") == 1


def test_past_its_bound_the_oldest_go_and_are_counted(folder: Path) -> None:
    """None is lost without being told."""
    for start in range(0, 400, 50):
        spooled(folder, *range(start, start + 50))
    waiting = backlog(folder, max_bytes=10_000)
    left = waiting.trim()
    requests, dropped = drained(waiting)

    assert left <= 10_000
    assert requests == names(*range(400 - len(requests), 400))
    assert (len(requests) + dropped, dropped > 0) == (400, True)


def test_the_loss_is_told_after_a_restart_too(folder: Path) -> None:
    """Until the control plane has acknowledged it."""
    for start in range(0, 400, 50):
        spooled(folder, *range(start, start + 50))
    backlog(folder, max_bytes=10_000).trim()
    told = drained(backlog(folder, max_bytes=10_000))[1]

    assert told > 0
    assert drained(backlog(folder)) == ([], 0)


def test_what_arrived_although_it_was_dropped_is_no_loss(folder: Path) -> None:
    """It was on its way when the bound was reached."""
    spooled(folder, 1, 2, 3)
    waiting = backlog(folder, max_bytes=1)
    batch = waiting.batch()
    assert batch is not None
    waiting.trim()
    waiting.acknowledge(batch)

    assert (waiting.dropped, waiting.batch()) == (0, None)


def test_what_is_never_taken_is_a_loss(folder: Path) -> None:
    """And holds up nothing behind it."""
    spooled(folder, 1, 2)
    waiting = backlog(folder)
    batch = waiting.batch()
    assert batch is not None
    waiting.give_up(batch)
    spooled(folder, 3)

    assert drained(waiting) == (names(3), 2)


def test_half_a_line_is_a_loss(folder: Path) -> None:
    """The process was killed, or the power cut, while it wrote."""
    spooled(folder, 1)
    (segment,) = folder.glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"id": "x", "request_')

    assert drained(backlog(folder)) == (names(1), 1)


def test_what_a_client_writes_is_a_text(folder: Path) -> None:
    """JSON lets it write half of a pair of surrogates, which no control plane would take."""
    one = Spool(str(folder), segment_bytes=4096)
    one.start()
    one.write(entry(1) | {"model": "a\ud800b", "audit": {"\udfff": ["é"]}})
    one.close()
    batch = backlog(folder).batch()

    assert batch is not None
    assert batch.events[0].items() >= {"model": "a?b", "audit": {"?": ["é"]}}.items()


@pytest.mark.parametrize(
    "line",
    [
        "[" * 9_000, '{"dropped": "x"}', '{"dropped": null}', '{"dropped": 1e999}',
        '{"dropped": -5}', '{"dropped": NaN}', '{"dropped": true}', "[1]", "null", "\0",
    ],
)  # fmt: skip
def test_a_line_that_nobody_wrote_is_a_loss(folder: Path, line: str) -> None:
    """Of one decision; those around it are sent."""
    spooled(folder, 1)
    (segment,) = folder.glob("*.jsonl")
    segment.write_bytes(line.encode() + b"\n" + segment.read_bytes())

    assert drained(backlog(folder)) == (names(1), 1)


@pytest.mark.parametrize(
    "cursor",
    [
        b"", b"\0" * 40, b'{"at": {', b"[]", b'{"at": [], "dropped": 0}', b"[" * 100_000,
        b'{"at": {"SEGMENT": -1}, "dropped": "many"}', b'{"at": {"SEGMENT": "x"}}',
        b"x" * (2 << 20),
    ],
)  # fmt: skip
def test_a_lost_cursor_loses_no_decision(folder: Path, cursor: bytes) -> None:
    """A power cut may leave anything there; what was sent is sent again, and stored once."""
    spooled(folder, 1, 2)
    (segment,) = folder.glob("*.jsonl")
    (folder / "cursor").write_bytes(cursor.replace(b"SEGMENT", segment.name.encode()))

    assert drained(backlog(folder)) == (names(1, 2), 0)


def test_a_huge_decision_is_a_loss(folder: Path) -> None:
    """Headers can be long, and a line is not."""
    one = Spool(str(folder), segment_bytes=4096)
    one.start()
    one.write(entry(1) | {"audit": "x" * MAX_LINE_BYTES})
    one.write(entry(2) | {"model": "m" * 100_000})
    one.close()

    assert drained(backlog(folder)) == (names(2), 1)


def test_what_cannot_be_written_is_told_when_it_can(folder: Path) -> None:
    """As when the disk was full for a while."""
    folder.rename(folder.with_suffix(".away"))
    one = Spool(str(folder), segment_bytes=4096)
    one.start()
    for number in range(3):
        one.write(entry(number))
    while one.dropped < 3:
        pass
    folder.with_suffix(".away").rename(folder)
    one.write(entry(3))
    one.close()

    assert drained(backlog(folder)) == (names(3), 3)


def test_nobody_else_may_read_them(folder: Path) -> None:
    """They name users and models."""
    spooled(folder, 1)
    (segment,) = folder.glob("*.jsonl")

    assert segment.stat().st_mode & 0o777 == 0o600
    assert json.loads(segment.read_text())["request_id"] == "request-1"
