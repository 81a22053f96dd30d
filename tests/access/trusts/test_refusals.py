"""The log of refusals: each reason once a minute, bounded and printable."""

import pytest
from structlog.testing import capture_logs

from access.trusts import refusals
from access.trusts.refusals import JWTRefusedError, Reason, Told


def test_a_reason_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how many were left out; other reasons have their own minute."""
    now = [1000.0]
    monkeypatch.setattr(refusals.time, "monotonic", lambda: now[0])
    told = Told()
    with capture_logs() as lines:
        for _ in range(50):
            told.tell(JWTRefusedError(Reason.EXPIRED, "it ended"))
            told.tell(JWTRefusedError(Reason.REF, "its ref"))
        now[0] += 60
        told.tell(JWTRefusedError(Reason.EXPIRED, "it ended"))

    found = [(line["reason"], line["untold"]) for line in lines]
    assert found == [("expired", 0), ("ref", 0), ("expired", 49)]


def test_a_line_is_short_and_printable() -> None:
    """Whatever the JWT says."""
    with capture_logs() as lines:
        Told().tell(JWTRefusedError(Reason.REF, "a\nb\x1b[31m\u202e" + "x" * 9000))

    detail = lines[0]["detail"]
    assert detail.startswith("a\\nb\\x1b[31m\\u202ex")
    assert len(detail) == 300
