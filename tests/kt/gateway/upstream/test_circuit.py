"""The circuit breaker: five failures in a row, ten seconds, then one try."""

from __future__ import annotations

import pytest

from kt.gateway.upstream.circuit import FAILURES, OPEN_SECONDS, Circuit

# Each step is a letter and a time: `f` fails, `s` succeeds, `a` is admitted, `r` is refused.
HISTORIES = [
    "a0",
    "f0 f0 f0 f0 a0",
    "f0 f0 f0 f0 f0 r0 r9.9 a10",
    "f0 f0 f0 f0 f0 a10 r10 r19 a20",
    "f0 f0 f0 f0 f0 a10 f11 r11 r20.9 a21",
    "f0 f0 f0 f0 f0 a10 s11 a11 f12 f12 f12 f12 a12 f12 r12",
    "f0 f0 f0 f0 s0 f0 f0 f0 f0 a0",
    "f0 f1 f2 f3 f4 r13.9 a14",
    "f0 f0 f0 f0 f0 f5 r14.9 a15",
    "f0 f0 f0 f0 f0 a1000 r1009 a1010",
]


@pytest.mark.parametrize("history", HISTORIES)
def test_a_target_is_left_alone_and_tried_again(history: str) -> None:
    """By what became of the calls before."""
    circuit = Circuit()
    for step in history.split():
        what, now = step[0], float(step[1:])
        if what == "f":
            circuit.failed(now)
        elif what == "s":
            circuit.succeeded()
        else:
            assert circuit.admits(now) is (what == "a"), step


@pytest.mark.parametrize(
    ("failures", "now", "is_open"),
    [
        (0, 0.0, False),
        (FAILURES - 1, 0.0, False),
        (FAILURES, 0.0, True),
        (FAILURES, OPEN_SECONDS - 0.1, True),
        (FAILURES, OPEN_SECONDS, False),
        (FAILURES + 3, 1.0, True),
    ],
)
def test_an_open_circuit_says_so_without_being_asked_for_a_call(
    failures: int, now: float, is_open: bool
) -> None:
    """Health may look as often as it likes."""
    circuit = Circuit()
    for _ in range(failures):
        circuit.failed(0.0)

    assert [circuit.is_open(now), circuit.is_open(now)] == [is_open, is_open]
    assert circuit.admits(now) is not is_open
