"""Lines of the log: for people, and as JSON with the part's name."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
import structlog

from keeptrusts.observed import logs, traces
from keeptrusts.parent import output
from kt.tracing import context

Line = Callable[[Callable[[], object]], str]


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[Line]:
    """What a call logs, in the form that the test names."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs._formatter(request.param))
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    logger.propagate, logger.level = False, logging.INFO

    def written(call: Callable[[], object]) -> str:
        call()
        return stream.getvalue()

    yield written
    logger.removeHandler(handler)


def _structured() -> None:
    with traces.bound(TRACE):
        structlog.get_logger("tests.logs").info("synced", git_repo="a", files=3)


def _of_the_library() -> None:
    try:
        int("no")
    except ValueError:
        logging.getLogger("tests.logs").exception("failed\nand more")


TRACE = context.new()


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_line_for_people_has_the_trace(written: Line) -> None:
    """Which a search finds in all logs."""
    assert f"trace_id='{TRACE.trace_id}'" in written(_structured)


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_of_json_has_all_fields(written: Line) -> None:
    """As members, whoever wrote it."""
    line = written(_structured)
    found = json.loads(line)

    assert line.count("\n") == 1
    assert (found["event"], found["level"], found["files"]) == ("synced", "info", 3)
    assert found["trace_id"] == TRACE.trace_id
    assert found["timestamp"].endswith("Z")


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_traceback_is_in_its_line(written: Line) -> None:
    """One event is one line, also of the standard library's logging."""
    line = written(_of_the_library)

    assert line.count("\n") == 1
    assert json.loads(line)["event"] == "failed\nand more"
    assert "ValueError" in json.loads(line)["exception"]


@pytest.mark.parametrize(
    ("printed", "fields"),
    [
        (b'{"event": "synced", "level": "info"}\n', {"event": "synced", "level": "info"}),
        (b'{"event": "synced", "part": "x"}\n', {"event": "synced", "part": "web"}),
        (b"Traceback:\n", {"event": "Traceback:"}),
        (b"{not json\n", {"event": "{not json"}),
        (b"[1]\n", {"event": "[1]"}),
        (b'{"event": "cut o', {"event": '{"event": "cut o'}),
        (b"\xff\xfe\n", {"event": "\ufffd\ufffd"}),
        (b"\n", {"event": ""}),
    ],
)
def test_what_a_part_prints_is_an_object_with_its_name(
    printed: bytes, fields: dict[str, str]
) -> None:
    """Whatever it is; no line names another part."""
    assert json.loads(output.of_part("web", printed)) == {"part": "web", **fields}


def test_the_parents_own_lines_have_the_form_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader of objects reads all of it."""
    lines = output.Output()
    lines.as_json = True
    written: list[bytes] = []
    monkeypatch.setattr(lines, "put", written.append)

    lines.say("stopped")
    lines.relay("web", b"ready\n")

    found = [json.loads(line) for line in written]
    assert found == [{"part": "parent", "event": "stopped"}, {"part": "web", "event": "ready"}]
