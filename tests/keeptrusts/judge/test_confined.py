"""Confinement of a judge: it has what it was asked, and a connection for its answer."""

import os

import pytest

from keeptrusts.judge import asking
from keeptrusts.judge.asking import ANYBODY
from tests.support import judged

pytestmark = pytest.mark.usefixtures("judged")


def test_nothing_can_be_opened_dialled_or_started() -> None:
    """Whatever a file brings a judge to do, it stays in it."""
    found = asking.ask(ANYBODY, judged.tried)

    assert {name for name, error in found.items() if not error} == set()
    assert len(found) == 16


def test_a_judge_has_one_descriptor_and_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of the process that asks, and no connection of it."""
    monkeypatch.setenv("KEEPTRUSTS_BOOTSTRAP_TOKEN", "a-secret")
    with open("/etc/hostname") as file:
        os.set_inheritable(file.fileno(), True)
        found = asking.ask(ANYBODY, judged.seen)

    assert found["descriptors"] == ["3"]
    assert not [name for name in found["environment"] if name.startswith(("KEEPTRUSTS", "DATA"))]


def test_the_kernel_holds_a_judge_without_root_or_privileges() -> None:
    """As its status in /proc has it."""
    status = _status(asking.ask(ANYBODY, judged.process))

    assert status["NoNewPrivs"] == "1"
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert "0" not in status["Uid"].split()


def _status(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status") as lines:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
