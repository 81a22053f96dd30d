"""`traceparent` as callers send it, in W3C's form and in others."""

import pytest

from kt.tracing import context
from kt.tracing.context import Trace

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (f"00-{ID}-{SPAN}-01", Trace(ID, SPAN)),
        (f"00-{ID}-{SPAN}-00", Trace(ID, SPAN, is_sampled=False)),
        (f"00-{ID}-{SPAN}-03", Trace(ID, SPAN)),
        # Of a later version the four parts are read, and what follows is not.
        (f"cc-{ID}-{SPAN}-01-more", Trace(ID, SPAN)),
        (f"cc-{ID}-{SPAN}-01", Trace(ID, SPAN)),
        (f"00-{ID}-{SPAN}-01-more", None),
        (f"cc-{ID}-{SPAN}-01more", None),
        (f"ff-{ID}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{ID}-{'0' * 16}-01", None),
        (f"00-{ID.upper()}-{SPAN}-01", None),
        (f"00-{ID}-{SPAN}", None),
        (f"00-{ID}-{SPAN}-1", None),
        (f" 00-{ID}-{SPAN}-01", None),
        (f"00-{ID}-{SPAN}-01\n", None),
        (f"00-{ID[:-1]}٣-{SPAN}-01", None),
        (f"cc-{ID}-{SPAN}-01-{'x' * 1000}", None),
        ("", None),
        (None, None),
        (["00"], None),
        ({"traceparent": 1}, None),
    ],
)
def test_a_header_is_heard_or_nothing_is(sent: object, heard: Trace | None) -> None:
    """Whatever is not of the form names no trace."""
    assert context.heard(sent) == heard


def test_what_is_sent_is_heard() -> None:
    """Of this release by any other program of that standard."""
    for trace in (context.new(), context.new().child(), Trace(ID, SPAN, is_sampled=False)):
        assert context.heard(trace.header()) == trace


def test_a_child_is_another_span_of_the_same_trace() -> None:
    """And is sampled where its parent is."""
    parent = Trace(ID, SPAN, is_sampled=False)
    child = parent.child()

    assert (child.trace_id, child.is_sampled) == (ID, False)
    assert child.span_id != SPAN


@pytest.mark.parametrize("text", ["", "x", ID[:-1], ID.upper(), "0" * 32, None, ID + "\n"])
def test_no_id_begins_a_trace(text: str) -> None:
    """As that of a row that an older release wrote."""
    assert not context.is_id(text)
    assert context.of_id(text) != context.of_id(text)
    assert context.of_id(ID).trace_id == ID
