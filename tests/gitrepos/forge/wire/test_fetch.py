"""The wire protocol of packs: requests, and answers that are incomplete or hostile."""

from collections.abc import Iterable

import pytest

from gitrepos.errors import BadAnswerError
from gitrepos.forge.wire import fetch
from gitrepos.forge.wire.pkt_line import DELIMITER, FLUSH

HEAD, BLOB = "a1" * 20, "b2" * 20
PACK = b"PACK" + bytes(range(256))


def pkt(payload: bytes) -> bytes:
    """One line of git's wire format."""
    return b"%04x%s" % (len(payload) + 4, payload)


SHALLOW = pkt(b"shallow-info\n") + pkt(f"shallow {HEAD}\n".encode()) + DELIMITER
BEGIN = pkt(b"packfile\n")
WHOLE = SHALLOW + BEGIN + pkt(b"\x01" + PACK[:100]) + pkt(b"\x01" + PACK[100:]) + FLUSH


def read(body: bytes, *, size: int = 1 << 20) -> tuple[bytes, set[str]]:
    """The pack and what is shallow, of an answer that arrives in pieces of `size`."""
    return joined(body[at : at + size] for at in range(0, len(body), size))


def joined(chunks: Iterable[bytes]) -> tuple[bytes, set[str]]:
    """The same, of pieces as they come."""
    answer = fetch.PackReader([HEAD])
    pack = b"".join(piece for chunk in chunks for piece in answer.feed(chunk))
    answer.end()
    return pack, answer.shallow


def test_the_question_for_a_commit_is_for_its_trees_alone() -> None:
    """As gitprotocol-v2 spells it."""
    assert fetch.question([HEAD], sha256=False, thin=True) == (
        b"0012command=fetch\n0001"
        b"0010no-progress\n000eofs-delta\n"
        b"0032want " + HEAD.encode() + b"\n"
        b"000ddeepen 1\n0015filter blob:none\n0009done\n0000"
    )


def test_the_question_for_blobs_leaves_nothing_out() -> None:
    """A server that knows no filter understands it too."""
    asked = fetch.question([HEAD, BLOB], sha256=False, thin=False)

    assert b"filter" not in asked
    assert b"deepen" not in asked
    assert asked.index(HEAD.encode()) < asked.index(BLOB.encode())


def test_the_object_format_is_named_where_it_is_not_the_first() -> None:
    """A server from before there were two would refuse the word."""
    assert b"0019object-format=sha256\n0001" in fetch.question([HEAD], sha256=True, thin=True)


def test_an_answer_is_read_wherever_it_is_split() -> None:
    """Within a length, a section, or the pack."""
    for at in range(1, len(WHOLE)):
        assert joined([WHOLE[:at], WHOLE[at:]]) == (PACK, {HEAD})


def test_an_answer_is_read_a_byte_at_a_time() -> None:
    """As a slow line brings it."""
    assert read(WHOLE, size=1) == (PACK, {HEAD})


def test_a_pack_without_word_of_its_depth_is_whole() -> None:
    """Nothing is shallow unless the server says so."""
    assert read(BEGIN + pkt(b"\x01" + PACK) + FLUSH) == (PACK, set())


def test_what_a_server_tells_beside_the_pack_is_passed_over() -> None:
    """Progress, and the empty lines by which it shows that it is alive."""
    body = (
        BEGIN + pkt(b"\x02counting\n") + pkt(b"\x01") + pkt(b"\x01" + PACK) + pkt(b"\x02") + FLUSH
    )

    assert read(body) == (PACK, set())


def test_an_answer_that_is_cut_short_is_none() -> None:
    """Wherever it ends before its end."""
    for end in range(len(WHOLE)):
        with pytest.raises(BadAnswerError, match="empty or cut short"):
            read(WHOLE[:end])


BAD = {
    "a page": b"<!DOCTYPE html>",
    "a length that is none": BEGIN + b"zzzz",
    "a length below its own": BEGIN + b"0003",
    "a length past the longest": BEGIN + b"fff1",
    "the end of another protocol": BEGIN + b"0002",
    "an error instead": pkt(b"ERR upload-pack: not our ref\n"),
    "an error in the pack": BEGIN + pkt(b"\x01" + PACK) + pkt(b"\x03no more\n") + FLUSH,
    "an unknown band": BEGIN + pkt(b"\x04" + PACK) + FLUSH,
    "an empty packet": BEGIN + b"0004" + FLUSH,
    "a section within the pack": BEGIN + DELIMITER,
    "a flush before all": FLUSH,
    "sections without a name": DELIMITER,
    "acknowledgments": pkt(b"acknowledgments\n") + pkt(b"NAK\n") + DELIMITER,
    "an end before the pack": pkt(b"shallow-info\n") + pkt(f"shallow {HEAD}\n".encode()) + FLUSH,
    "another commit's parents": pkt(b"shallow-info\n") + pkt(f"shallow {BLOB}\n".encode()),
    "bytes that are no id": pkt(b"shallow-info\n") + pkt(b"shallow \xff\xfe\n"),
    "what was never deep": pkt(b"shallow-info\n") + pkt(f"unshallow {HEAD}\n".encode()),
    "a second answer": WHOLE + BEGIN,
    "a second end": WHOLE + FLUSH,
    "garbage behind": WHOLE + b"garbage",
    "a little garbage behind": WHOLE + b"0",
}


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_an_answer_that_is_not_whole_and_clean_is_none(body: bytes, size: int) -> None:
    """Whoever reads it takes nothing of it."""
    with pytest.raises(BadAnswerError):
        read(body, size=size)


def test_an_answer_holds_no_more_than_a_packet() -> None:
    """Whatever arrives goes on at once: a pack is never in memory twice."""
    answer = fetch.PackReader([HEAD])
    _ = list(answer.feed(BEGIN))

    taken = [list(answer.feed(pkt(b"\x01" + PACK))) for _ in range(3)]

    assert taken == [[PACK]] * 3
