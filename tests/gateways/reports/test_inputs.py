"""Reports as they come: the short way takes nothing that the whole check would not."""

import copy
import random
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from gateways.reports import inputs
from gateways.reports.inputs import ReportInput, report_of

MOMENTS = ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00", "2026-01-31 12:00:00Z"]
REPORT: dict[str, Any] = {
    "running": {
        "configuration": "bot", "version": 1, "content_hash": "a" * 64, "publish_seq": 1,
        "since": MOMENTS[0],
    },
    "client_keys": {"keys_seq": 3, "since": MOMENTS[1]},
    "health": "ok", "problem": None, "kt_version": "0.1.0", "started_at": MOMENTS[0],
    "stopping": False, "counters": {"decisions_sent": 1}, "stream": True,
}  # fmt: skip
ODD: list[Any] = [
    None, True, 0, -1, 5, 2**31, 2**63, 10**30, 1.0, 1.5, "", "x", "a\0b", "\x1b[2J", "é",
    " bot", "Bot", "b" * 201, "a" * 64, "A" * 64, "ok", "degraded", "0.1.0\n", [], {},
    {"a": 1}, {"": 1}, {"x" * 101: 1}, {"a b": 1}, {f"n{n}": n for n in range(51)}, {"a": True},
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00", "2026-01-31T12:00:00",
    "2026-02-31T12:00:00Z", "0000-01-01T00:00:00Z",
    *MOMENTS,
]  # fmt: skip


def _whole(data: Any) -> dict[str, Any] | None:
    checked = ReportInput(data=copy.deepcopy(data))
    return dict(checked.validated_data) if checked.is_valid() else None


def _short(data: Any) -> Any:
    return inputs._healthy(data)


def _spoilt(chance: random.Random) -> dict[str, Any]:
    data = copy.deepcopy(REPORT)
    for _ in range(chance.randint(1, 3)):
        part = chance.choice([data, data.get("running"), data.get("client_keys")])
        if not isinstance(part, dict):
            continue
        name = chance.choice([*REPORT, *REPORT["running"], "mood"])
        if chance.random() < 0.2:
            part.pop(name, None)
        else:
            part[name] = copy.deepcopy(chance.choice(ODD))
    return data


@pytest.mark.parametrize("seed", range(8))
def test_both_ways_agree(seed: int) -> None:
    """On values too; what the short way does not take is told by the whole check."""
    chance = random.Random(seed)
    for data in [REPORT, {**REPORT, "client_keys": None}, *(_spoilt(chance) for _ in range(400))]:
        whole = _whole(data)
        assert whole is not None or _short(data) is None, data
        if whole is None:
            with pytest.raises(ValidationError):
                report_of(data)
        else:
            assert {**whole, "client_keys": whole.get("client_keys")} == report_of(data), data


@pytest.mark.parametrize("name", REPORT)
def test_an_ordinary_report_takes_the_short_way(name: str) -> None:
    """Else it costs ten times as much."""
    assert _short(REPORT) is not None
    left_out = {k: v for k, v in REPORT.items() if k != name}
    assert (_short(left_out) is not None) == (name == "client_keys")
