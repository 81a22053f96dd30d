"""Two machines, 2,000 links and 50 gateways, while one is killed or cut off, again and again."""

import hashlib
import os
import time
from collections.abc import Iterator
from random import Random

import pytest

from gitrepos.polling import claims
from tests.faults import namespaces
from tests.faults.machines.estate import Estate, Machine, configuration, estate
from tests.support.repo import policy
from tests.support.stack import wait_for

LINKS, GATEWAYS = 2000, 50
IN_FORCE_SECONDS = 30.0
# Nothing is a kill of all that runs on a machine. Whom nobody reaches is cut off from the gateways.
FAULTS: dict[str, tuple[str, ...]] = {
    "killed": (),
    "no database": ("database",),
    "no broker": ("broker",),
    "no forge": ("forge",),
    "no gateways": ("gateways",),
    "no servers": ("database", "broker"),
    "alone": ("database", "broker", "forge", "gateways"),
}
_LONGEST_SECONDS = float(os.environ.get("SOAK_FAULT_SECONDS", "60"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Both machines, and all that they serve."""
    if reason := namespaces.missing():
        pytest.skip(reason)
    with estate(tmp_path_factory.mktemp("machines"), links=LINKS, gateways=GATEWAYS) as found:
        yield found


@pytest.mark.soak
def test_one_of_two_machines_is_enough(both: Estate) -> None:
    """For ten minutes, or `SOAK_SECONDS`: each fault, of either machine, in an order by chance.

    A fault takes a minute at most, or `SOAK_FAULT_SECONDS`.
    What was pushed meanwhile is in force on every gateway soon after the end, each version once,
    and the machine that is whole is late with no poll for longer than the other's leases.
    """
    chance = Random(seed := int.from_bytes(os.urandom(4)))
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600"))
    print("\nseed", seed)
    while time.monotonic() < end:
        for fault in chance.sample(list(FAULTS), len(FAULTS)):
            number = chance.randrange(2)
            lone, whole = both.machines[number], both.machines[1 - number]
            seconds = chance.uniform(5, _LONGEST_SECONDS)
            late_seconds = _during(both, lone, whole, FAULTS[fault], seconds, chance)
            ended = time.monotonic()
            wait_for(lambda: not both.late())
            in_force_seconds = time.monotonic() - ended
            wait_for(lone.is_well)
            well_seconds = time.monotonic() - ended
            print(
                f"machine {number}, {fault}, {seconds:.0f} s: in force after "
                f"{in_force_seconds:.1f} s, well after {well_seconds:.1f} s, "
                f"polls late by {late_seconds:.1f} s",
                flush=True,
            )
            assert in_force_seconds <= IN_FORCE_SECONDS
            assert late_seconds <= claims.LEASE_SECONDS
    _check_history(both)


def _during(
    both: Estate,
    lone: Machine,
    whole: Machine,
    names: tuple[str, ...],
    seconds: float,
    chance: Random,
) -> float:
    """Push while a machine is away; returns by how much polls were late at most."""
    late_seconds = 0.0
    with both.away(lone, names):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            both.push(chance.randrange(len(both.repos)))
            time.sleep(1)
            summary = whole.stack.get("/v1/git-repos/summary")
            late_seconds = max(late_seconds, summary["due_for_seconds"])
    return late_seconds


def _check_history(both: Estate) -> None:
    """Every version once, and in the order of git."""
    for number, names in enumerate(both.pushed):
        pushed = [hashlib.sha256(policy(name).encode()).hexdigest() for name in names]
        path = f"/v1/configurations/{configuration(number)}/versions"
        rows = both.machines[0].stack.get(path)[::-1]
        versions = [row["content_hash"] for row in rows]
        assert len(set(versions)) == len(versions)
        assert [one for one in pushed if one in versions] == versions
        assert versions[-1] == pushed[-1]
