"""Readiness of a gateway with several processes, of which only one hears of a policy first."""

from __future__ import annotations

import os

from kt.gateway.policy.readiness import Readiness


def test_it_is_complete_when_every_process_has_a_policy() -> None:
    """Those of a fork share it."""
    shared = Readiness(2)
    shared.note(has_policy=True)
    before = shared.is_complete
    child = os.fork()
    if not child:
        shared.be(1)
        shared.note(has_policy=True)
        os._exit(0)
    os.waitpid(child, 0)

    assert (before, shared.is_complete) == (False, True)
