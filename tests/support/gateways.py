"""A gateway's checks of what it receives, written from the protocol."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rest_framework.test import APIClient

KEYS_SIGNED_AS = b"keeptrusts client keys v1\n"


def b64u(raw: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """Undo `b64u`; padding, which the protocol leaves out, fails."""
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fingerprint(key: bytes) -> str:
    """The fingerprint of a signing key, as tokens carry it."""
    return b64u(hashlib.sha256(key).digest())


def pin(token: str) -> str:
    """The fingerprint that a token carries."""
    return token.partition("_")[2].partition(".")[0]


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """True when the Ed25519 signature of a message is genuine."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def trusted(pinned: str, key: bytes, chain: list[dict[str, str]]) -> bool:
    """True when a chain leads from the pinned key to `key`."""
    reached = {pinned}
    for link in chain:
        new, signer = unb64u(link["key"]), unb64u(link["signer"])
        assert fingerprint(signer) == link["signed_by"]
        if link["signed_by"] in reached:
            message = b"keeptrusts key rotation\n" + new
            assert is_signed(signer, unb64u(link["signature"]), message)
            reached.add(fingerprint(new))
    return fingerprint(key) in reached


@dataclass
class Machine:
    """A registered gateway: its row from the registration, and a client with its token."""

    row: dict[str, Any]
    client: APIClient

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def token(self) -> str:
        return str(self.row["token"])

    @property
    def path(self) -> str:
        return f"/v1/gateways/{self.id}"

    def pull(self, **headers: str) -> Any:
        """Request what it is to enforce; returns the answer."""
        return self.client.get(f"{self.path}/configuration", headers=headers)

    def statement(self, **headers: str) -> dict[str, Any]:
        """Pull; the statement, after every check that a gateway makes."""
        return checked(self, self.pull(**headers))

    def pull_keys(self, **headers: str) -> Any:
        """Request its list of client keys; returns the answer."""
        return self.client.get(f"{self.path}/client-keys", headers=headers)

    def key_list(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its list of client keys with the statement, after every check that a gateway makes."""
        answer = self.pull_keys()
        said = checked(self, answer, KEYS_SIGNED_AS)
        return said, json.loads(answer.content)

    def report(self, **fields: Any) -> Any:
        """Report what runs; without fields, that nothing does, in good health."""
        body = {
            "running": None, "health": "ok", "problem": None, "kt_version": "0.1.0",
            "started_at": "2026-01-31T12:00:00Z", "stopping": False, "counters": {},
            "stream": False, **fields,
        }  # fmt: skip
        return self.client.post(f"{self.path}/report", body, format="json")

    def run(self, **fields: Any) -> dict[str, Any]:
        """Pull, and report that this is what runs; returns the statement."""
        statement = self.statement()
        answer = self.report(running=running(statement), **fields)
        assert answer.status_code == 200, answer.content
        return statement


def running(statement: dict[str, Any], since: str = "2026-01-31T12:00:00Z") -> dict[str, Any]:
    """The part of a report that says that a statement runs."""
    names = ("configuration", "version", "content_hash", "publish_seq")
    return {**{name: statement[name] for name in names}, "since": since}


def machine(row: dict[str, Any]) -> Machine:
    """The gateway of a registration's answer."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {row['token']}")
    return Machine(row, client)


def checked(
    one: Machine, answer: Any, signed_as: bytes = b"keeptrusts statement v1\n"
) -> dict[str, Any]:
    """The statement of an answer that is signed by a trusted key and fits its bytes."""
    assert answer.status_code == 200, answer.content
    raw = unb64u(answer["Keeptrusts-Statement"])
    key = unb64u(answer["Keeptrusts-Key"])
    chain = json.loads(unb64u(answer["Keeptrusts-Key-Chain"]))
    signature = unb64u(answer["Keeptrusts-Signature"])
    assert is_signed(key, signature, signed_as + raw)
    assert trusted(pin(one.token), key, chain)
    assert answer["ETag"] == f'"{hashlib.sha256(raw).hexdigest()}"'
    statement: dict[str, Any] = json.loads(raw)
    assert json.dumps(statement, sort_keys=True, separators=(",", ":")).encode() == raw
    assert statement["gateway"] == one.id
    assert statement["content_hash"] == hashlib.sha256(answer.content).hexdigest()
    return statement
