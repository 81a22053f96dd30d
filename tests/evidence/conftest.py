"""A gateway whose past is sealed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rest_framework.test import APIClient

from evidence import sealer
from evidence.models import Entry, SignedCheckpoint
from kt.evidence import notes, verdict
from tests.gateways.conftest import (  # noqa: F401 - fixtures
    _another_database,
    bind,
    bot,
    gateway,
    register,
)
from tests.support.stack import wait_for

WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = notes.Verifier("witness.example", notes.public_of(WITNESS), notes.COSIGNATURE)

Ask = Callable[..., dict[str, Any]]


def seal_all() -> None:
    """Seal, as soon as tests that run beside this one have ended their transactions."""

    def is_done() -> bool:
        sealer.seal()
        return not Entry.objects.filter(index=None).exists()

    wait_for(is_done)


def witnessed() -> None:
    """Have a witness sign the newest checkpoint, of all that there is."""
    seal_all()
    row = SignedCheckpoint.objects.latest("pk")
    body = notes.read(row.note).body
    row.cosignatures = [notes.cosign(body, WITNESS_KEY.name, WITNESS, at=1_800_000_000).line()]
    row.save()


def judged(file: dict[str, Any], **how: Any) -> verdict.Verdict:
    """The verdict upon a file."""
    return verdict.judge(json.dumps(file).encode(), **how)


@pytest.fixture
def ask(admin: APIClient) -> Ask:
    """The file about a path, after all was sealed."""

    def _ask(path: str, **query: Any) -> dict[str, Any]:
        seal_all()
        answer = admin.get(f"/v1/{path}/evidence", query)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()["data"]
        return found

    return _ask
