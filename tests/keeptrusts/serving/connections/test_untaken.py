"""What an application has not taken of bodies: bounded, whoever sends what and takes when."""

from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.serving.connections.untaken import UntakenBodies

_MOST = 1000
_LARGEST = 256


class _Line:
    def __init__(self) -> None:
        self.held = 0
        self.is_ended = False

    def untaken_bytes(self) -> int:
        return self.held

    def end(self) -> None:
        self.held, self.is_ended = 0, True


_STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "send", "take", "leave"]), st.integers(0, 9),
              st.integers(1, _LARGEST)),
    max_size=200,
)  # fmt: skip


@given(steps=_STEPS)
def test_they_are_never_more_than_the_bound_and_what_comes_until_the_next_look(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever was sent, taken and closed; and nobody ends whose parts have room."""
    bodies, lines = UntakenBodies(most_bytes=_MOST), [_Line() for _ in range(10)]
    sent = 0
    for what, number, size in steps:
        line = lines[number]
        if what == "send" and not line.is_ended:
            line.held += size
            sent += size
            bodies.count(line, size)
        elif what == "take":
            line.held = 0
        elif what == "leave":
            bodies.forget(line)
            lines[number] = _Line()
        if line.is_ended:
            bodies.forget(line)
            lines[number] = _Line()

        assert sum(one.held for one in lines) <= _MOST + _MOST // 8 + _LARGEST
        assert sent > _MOST or not any(one.is_ended for one in lines)


def test_the_first_makes_room_and_what_was_taken_ends_nobody() -> None:
    bodies, lines = UntakenBodies(most_bytes=_MOST), [_Line() for _ in range(5)]
    for line in lines:
        line.held = 230
        bodies.count(line, 230)

    assert [line.is_ended for line in lines] == [True, False, False, False, False]

    taken = UntakenBodies(most_bytes=_MOST)
    line, first = _Line(), _Line()
    first.held = 400
    taken.count(first, 400)
    for _ in range(50):
        line.held = 210
        taken.count(line, 210)
        line.held = 0

    assert not first.is_ended
    assert not line.is_ended
