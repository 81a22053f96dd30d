"""A gateway whose past is sealed."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rest_framework.test import APIClient

from evidence import sealer
from kt.evidence import notes
from tests.gateways.conftest import (  # noqa: F401 - fixtures
    _another_database,
    bind,
    bot,
    gateway,
    register,
)

WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = notes.Verifier("witness.example", notes.public_of(WITNESS), notes.COSIGNATURE)

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(admin: APIClient) -> Ask:
    """The file about a path, after all was sealed."""

    def _ask(path: str, **query: Any) -> dict[str, Any]:
        sealer.seal()
        answer = admin.get(f"/v1/{path}/evidence", query)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()["data"]
        return found

    return _ask
