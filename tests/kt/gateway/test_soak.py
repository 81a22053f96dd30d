"""Soak tests, which take minutes: reloads under load, and the whole corpus in every cut."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.kt.gateway import evasion
from tests.kt.gateway.evasion import CASES, CHUNKS
from tests.kt.gateway.load import load
from tests.kt.gateway.support import HARMFUL, Answer, Starter, chat, pack

pytestmark = pytest.mark.soak

RELOAD = "/keeptrusts/config/reload"
SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))


def test_reloads_under_load_lose_nothing(start: Starter) -> None:
    """Each answer is what one of the two policies says, and never a mixture."""
    policies = {200: pack("[audit-logger]", "{}"), 409: pack()}
    gateway = start(policies[200], "--mock-upstream", "--decision-log", "none")
    digests: dict[str, int] = {}
    seen: set[tuple[int, str]] = set()

    def judge(answer: Answer) -> None:
        seen.add((answer.status, answer.headers["x-keeptrusts-config-hash"]))

    with load(gateway, chat(HARMFUL), judge) as counts:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for status, text in policies.items():
                gateway.policy.write_text(text)
                answer = gateway.post(b"", RELOAD)
                digests[answer.json["data"]["content_hash"]] = status
                time.sleep(1)

    assert seen == {(status, digest) for digest, status in digests.items()}
    assert min(counts) > SECONDS


@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_entry_of_the_corpus_is_streamed_in_any_pieces(
    start: Starter, tmp_path: Path, chunk: int
) -> None:
    """Each entry in pieces of each size; `test_evasion` takes some of each kind."""
    lines = evasion.script(evasion.in_prose(CASES).items(), [chunk])
    gateway = evasion.mocking(start, tmp_path, evasion.REDACTING, lines)

    assert evasion.streamed_wrongly(gateway, CASES, chunk) == []
