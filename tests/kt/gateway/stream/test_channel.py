"""A channel: what of a text was judged, what still waits, and its pieces without their cuts."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.stream.channel import Channel, TextCut, UnstableError


def channel(*pieces: str, is_arguments: bool = False, finished: bool = False) -> Channel:
    """A channel that has looked at these pieces."""
    made = Channel(is_arguments=is_arguments)
    for piece in pieces:
        made.add(piece)
    made.finished = finished
    made.look()
    return made


def shown(made: Channel, *pieces: str) -> list[str | None]:
    """What the pieces say without what was cut out of them."""
    start, said = 0, []
    for piece in pieces:
        said.append(made.redacted(start, piece))
        start += len(piece)
    return said


@pytest.mark.parametrize(
    ("cuts", "said"),
    [
        ([], [None, None, None]),
        ([(0, 3, "X")], ["X", None, None]),
        ([(1, 2, "X")], ["oXe", None, None]),
        # The marker stands where the match began; of what goes on nothing is left.
        ([(2, 5, "X")], ["onX", "o", None]),
        ([(2, 9, "X")], ["onX", "", "ee"]),
        ([(0, 11, "X")], ["X", "", ""]),
        ([(0, 1, "X"), (1, 2, "Y"), (9, 11, "Z")], ["XYe", None, "thrZ"]),
        # A value that is put back is written as it is.
        ([(3, 6, "value", True)], [None, "value", None]),
    ],
)
def test_pieces_without_what_is_cut_out(
    cuts: list[tuple[Any, ...]], said: list[str | None]
) -> None:
    """Wherever a cut begins and ends; a piece without a cut stays as it came."""
    pieces = ("one", "two", "three")
    made = channel(*pieces, finished=True)

    made.settle(11, [TextCut(*cut) for cut in cuts])

    assert shown(made, *pieces) == said
    assert made.cleared == made.length


@pytest.mark.parametrize(
    ("limit", "cuts", "cleared", "held"),
    [
        (11, [], 11, 0),
        (7, [], 7, 4),
        (0, [], 0, 11),
        (7, [(2, 5)], 7, 4),
        # What reaches past the limit waits as a whole.
        (7, [(5, 9)], 5, 6),
        (7, [(0, 2), (5, 9)], 5, 6),
    ],
)
def test_what_is_cleared_and_what_waits(
    limit: int, cuts: list[tuple[int, int]], cleared: int, held: int
) -> None:
    """Up to the limit, and never into a cut."""
    made = channel("one", "two", "three")

    made.settle(limit, [TextCut(first, last, "X") for first, last in cuts])

    assert (made.cleared, made.held) == (cleared, held)


def test_what_was_sent_is_not_cut() -> None:
    """A match that reaches into it cannot be undone; one whose marker was sent can go on."""
    made = channel("one two")
    made.settle(4, [])
    with pytest.raises(UnstableError):
        made.settle(7, [TextCut(2, 7, "X")])

    made = channel("one two")
    made.settle(3, [TextCut(0, 3, "X")])
    made.settle(7, [TextCut(0, 7, "X")])
    assert shown(made, "one", " two") == ["X", ""]


@pytest.mark.parametrize(
    ("pieces", "cut", "said"),
    [
        # In a string the marker is escaped, elsewhere it becomes one.
        (['{"a": "secret"}'], (7, 13), ['{"a": "[\\"X\\"]"}']),
        (['{"a": 4111}'], (6, 10), ['{"a": "[\\"X\\"]"}']),
        (['{"a": "sec', 'ret"}'], (7, 13), ['{"a": "[\\"X\\"]', '"}']),
    ],
)
def test_arguments_stay_json(pieces: list[str], cut: tuple[int, int], said: list[str]) -> None:
    """Whatever is cut out of them."""
    made = channel(*pieces, is_arguments=True, finished=True)

    made.settle(len(made.window), [TextCut(*cut, '["X"]')])

    assert [one or piece for one, piece in zip(shown(made, *pieces), pieces, strict=True)] == said


def test_no_cut_reaches_through_a_quote() -> None:
    """What it left would be no JSON."""
    made = channel('{"a": "one", "b": "two"}', is_arguments=True, finished=True)

    with pytest.raises(UnstableError):
        made.settle(len(made.window), [TextCut(8, 15, "X")])


@pytest.mark.parametrize(
    ("length", "looked", "cleared", "stride", "due"),
    [
        (0, 0, 0, 1, False),
        (31, 0, 0, 32, False),
        (32, 0, 0, 32, True),
        (1, 0, 0, 1, True),
        # 64 KiB that wait are not read again for each word.
        (65_600, 65_536, 0, 32, False),
        (71_200, 65_536, 0, 32, True),
        (65_600, 65_536, 65_000, 32, True),
    ],
)
def test_when_a_text_is_worth_a_look(
    length: int, looked: int, cleared: int, stride: int, due: bool
) -> None:
    """By what is new in it, and by what waits."""
    made = channel("x" * looked)
    made.settle(cleared, [])
    made.add("x" * (length - looked))

    assert made.is_due(stride=stride) is due


def test_a_finished_text_is_due_until_it_is_cleared() -> None:
    """However little of it is new."""
    made = channel("one", finished=True)

    assert made.is_due(stride=32)
    made.settle(3, [])
    assert not made.is_due(stride=1)


@pytest.mark.parametrize("size", [100, 10_000, 200_000])
def test_the_window_moves_on_with_the_text(size: int) -> None:
    """It keeps some of what was judged, for the sense of what follows, and not all."""
    made = channel()
    for _ in range(size // 10):
        made.add("nine and. ")
        made.look()
        made.settle(len(made.window), [])

    assert made.cleared == made.length == size
    assert min(size, 256) <= len(made.window) <= 1100
