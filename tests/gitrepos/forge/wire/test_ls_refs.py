"""The wire protocol of refs: only a complete answer in pkt-lines counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitrepos.errors import BadAnswerError, TooLargeError
from gitrepos.forge.wire.ls_refs import (
    MAX_LISTED,
    Advertisement,
    Listing,
    is_file_of_refs,
    question,
)
from gitrepos.forge.wire.pkt_line import FLUSH, Cutter, Mark, frame

ID, OTHER, LONG = "1" * 40, "2" * 40, "3" * 64
MAIN = "refs/heads/main"
SERVICE = frame("# service=git-upload-pack\n") + FLUSH
CAPABILITIES = "\0multi_ack side-band-64k agent=git/1\n"


def listed(body: bytes, *refs: str, size: int = 1 << 20) -> dict[str, str]:
    """What a protocol-2 answer says, taken `size` bytes at a time."""
    listing = Listing(refs or (MAIN,))
    for at in range(0, len(body), size):
        listing.feed(body[at : at + size])
    return listing.heads()


def advertised(body: bytes, *refs: str) -> Advertisement:
    """An answer of `info/refs`, read to its end."""
    said = Advertisement(refs or (MAIN,))
    said.feed(body)
    said.heads()
    return said


def test_the_question_is_for_exactly_the_refs() -> None:
    """As gitprotocol-v2 spells it."""
    assert question([MAIN, "HEAD"], sha256=False) == (
        b"0014command=ls-refs\n0001001fref-prefix refs/heads/main\n0014ref-prefix HEAD\n0000"
    )


def test_the_object_format_is_named_where_it_is_not_the_first() -> None:
    """A server from before there were two would refuse the word."""
    assert b"0019object-format=sha256\n0001" in question([MAIN], sha256=True)


V1, TAGS = "refs/tags/v1", "refs/tags/"


@pytest.mark.parametrize("ref", [V1, TAGS])
def test_of_tags_the_commits_are_asked_for(ref: str) -> None:
    """An annotated one has an object of its own."""
    assert b"0001" + frame("peel\n") + frame(f"ref-prefix {ref}\n") in question([ref], sha256=False)


@pytest.mark.parametrize("ref", [V1, TAGS])
def test_an_annotated_tag_is_listed_with_its_commit(ref: str) -> None:
    """In protocol 2 behind its name, before that as a line of its own."""
    two = frame(f"{ID} {V1} peeled:{OTHER}\n") + frame(f"{ID} {MAIN}\n") + FLUSH
    zero = (
        SERVICE
        + frame(f"{OTHER} HEAD{CAPABILITIES}")
        + frame(f"{ID} {V1}\n")
        + frame(f"{OTHER} {V1}^{{}}\n")
        + FLUSH
    )

    assert listed(two, ref) == advertised(zero, ref).heads() == {V1: ID, f"{V1}^{{}}": OTHER}


def test_what_is_asked_for_by_its_beginning_may_be_none() -> None:
    """And what was named besides is still missed by its name."""
    assert listed(FLUSH, TAGS, V1) == {V1: ""}


def test_a_name_that_is_not_utf_8_equals_no_other() -> None:
    """Not even the one that it is shown as."""
    body = frame(f"{ID} refs/tags/v?\n").replace(b"?", b"\xff") + FLUSH

    assert listed(body, "refs/tags/v\ufffd") == {"refs/tags/v\ufffd": ""}


@pytest.mark.parametrize("peeled", ["", f" peeled:{OTHER}"])
def test_too_many_tags_are_an_error(peeled: str) -> None:
    """However many there are, no more are kept; as many as are allowed are."""
    lines = [frame(f"{ID} {TAGS}{n}{peeled}\n") for n in range(MAX_LISTED + 1)]

    assert len(listed(b"".join(lines[1:]) + FLUSH, TAGS)) >= MAX_LISTED
    with pytest.raises(TooLargeError):
        listed(b"".join(lines) + FLUSH, TAGS)


@pytest.mark.parametrize("size", [1, 3, 7, 1 << 20])
def test_an_answer_is_read_however_it_arrives(size: int) -> None:
    """A byte at a time or all at once; other refs with the same beginning do not count."""
    body = frame(f"{OTHER} HEAD\n") + frame(f"{ID} {MAIN}\n") + frame(f"{OTHER} {MAIN}-2\n") + FLUSH

    assert listed(body, MAIN, "HEAD", size=size) == {MAIN: ID, "HEAD": OTHER}


def test_a_ref_that_is_not_listed_is_not_there() -> None:
    """An empty list of refs is an answer, when it comes whole."""
    assert listed(FLUSH) == {MAIN: ""}


def test_attributes_behind_a_ref_are_passed_over() -> None:
    """A server may tell more than it was asked."""
    assert listed(frame(f"{LONG} {MAIN} symref-target:x peeled:{LONG}\n") + FLUSH) == {MAIN: LONG}


LINE = frame(f"{ID} {MAIN}\n")
BROKEN = {
    "nothing": b"",
    "no flush": LINE,
    "cut in a packet": LINE[:-3],
    "cut in a length": LINE + b"00",
    "more after the flush": LINE + FLUSH + LINE,
    "half a packet after the flush": LINE + FLUSH + b"00",
    "a page": b"<!DOCTYPE html><title>Sign in</title>",
    "a length with a sign": b"+03f" + LINE[4:] + FLUSH,
    "a length of three": b"0003" + FLUSH,
    "a length past the largest": b"fff1" + b"x" * 65_517 + FLUSH,
    "a delimiter": b"0001" + FLUSH,
    "a response's end": b"0002",
    "an empty line": b"0004" + FLUSH,
    "no name": frame(f"{ID}\n") + FLUSH,
    "a short id": frame(f"{ID[:-1]} {MAIN}\n") + FLUSH,
    "an id of other letters": frame(f"{'g' * 40} {MAIN}\n") + FLUSH,
    "protocol 0": SERVICE + frame(f"{ID} HEAD{CAPABILITIES}") + FLUSH,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_whole_says_nothing(body: bytes) -> None:
    """In particular not that a branch is gone."""
    with pytest.raises(BadAnswerError):
        listed(body)


@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_noise_is_no_answer(body: bytes, size: int) -> None:
    """It is refused as such, or by luck a list without the ref."""
    try:
        assert listed(body, size=size) == {MAIN: ""}
    except BadAnswerError:
        return


@given(cut=st.integers(0, len(LINE + FLUSH) - 1))
def test_no_part_of_an_answer_is_one(cut: int) -> None:
    """Wherever it was cut."""
    with pytest.raises(BadAnswerError):
        listed((LINE + FLUSH)[:cut])


def test_what_the_server_says_instead_is_shown() -> None:
    """As one line that can be printed."""
    with pytest.raises(BadAnswerError, match=r"^The server says: no \?access\?here\.$"):
        listed(frame("ERR no \x1baccess\nhere.\n"))


@pytest.mark.parametrize("opening", [b"", frame("version 1\n")])
def test_an_older_protocol_lists_all_its_refs(opening: bytes) -> None:
    """Of which those asked for are kept."""
    body = (
        SERVICE
        + opening
        + frame(f"{OTHER} HEAD{CAPABILITIES}")
        + frame(f"{ID} {MAIN}\n")
        + frame(f"{OTHER} refs/tags/v1\n")
        + frame(f"{ID} refs/tags/v1^{{}}\n")
        + frame(f"shallow {OTHER}\n")
        + FLUSH
    )

    said = advertised(body, MAIN, "HEAD", "refs/heads/gone")

    assert said.version < 2
    assert said.heads() == {MAIN: ID, "HEAD": OTHER, "refs/heads/gone": ""}


def test_an_empty_repository_of_an_older_protocol_has_no_refs() -> None:
    """It still says what its server can do."""
    body = SERVICE + frame(f"{'0' * 40} capabilities^{{}}{CAPABILITIES}") + FLUSH

    assert advertised(body).heads() == {MAIN: ""}


@pytest.mark.parametrize("opening", [b"", SERVICE])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_protocol_2_says_so_and_its_object_format(opening: bytes, object_format: str) -> None:
    """With or without the line of the service."""
    body = (
        opening
        + frame("version 2\n")
        + frame("ls-refs=unborn\n")
        + frame(f"object-format={object_format}\n")
        + FLUSH
    )

    said = advertised(body)

    assert (said.version, said.sha256) == (2, object_format == "sha256")


UNPROVEN = {
    "nothing": b"",
    "the service alone": SERVICE,
    "no list": SERVICE + FLUSH,
    "flushes": FLUSH * 1000,
    "no end": SERVICE + frame(f"{ID} {MAIN}{CAPABILITIES}"),
    "version 3": SERVICE + frame("version 3\n") + FLUSH,
    "version 1 and nothing": SERVICE + frame("version 1\n") + FLUSH,
    "a page": b"<!DOCTYPE html>",
}


@pytest.mark.parametrize("body", UNPROVEN.values(), ids=UNPROVEN.keys())
def test_what_proves_no_protocol_is_refused(body: bytes) -> None:
    """Nothing is concluded from it."""
    with pytest.raises(BadAnswerError):
        advertised(body)


@given(payloads=st.lists(st.text("abc \n", max_size=20), max_size=8), size=st.integers(1, 30))
def test_packets_come_out_as_they_went_in(payloads: list[str], size: int) -> None:
    """Cut anywhere on the way."""
    stream = b"".join(map(frame, payloads)) + FLUSH
    cutter = Cutter()

    found = [
        packet
        for at in range(0, len(stream), size)
        for packet in cutter.feed(stream[at : at + size])
    ]

    assert found == [*(payload.encode() for payload in payloads), Mark.FLUSH]
    assert cutter.is_between


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (f"{ID}\trefs/heads/main\n".encode(), True),
        (f"{LONG}\trefs/heads/main\n".encode(), True),
        (b"", False),
        (b"<!DOCTYPE html>", False),
        (f"{ID} refs/heads/main\n".encode(), False),
    ],
)
def test_a_file_of_refs_is_known_by_its_first_line(start: bytes, expected: bool) -> None:
    """A server without git hands one out."""
    assert is_file_of_refs(start) is expected
