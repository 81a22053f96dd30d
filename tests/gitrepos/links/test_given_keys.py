"""Keys that a judge reads: as they are read in process, of every kind, without a file."""

from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from rest_framework.test import APIClient

from gitrepos.api import credentials
from gitrepos.links import client_certificates, given_keys, ssh_keys
from gitrepos.links.given_keys import Refused
from keeptrusts.judge.asking import ANYBODY, Asker, ask
from tests.gitrepos.links.test_ssh_keys import RSA, locked, opened_by, with_rounds
from tests.support.api import error
from tests.support.credentials import PATH
from tests.support.tls import Authority

KEYS = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ECDSA 256": ec.generate_private_key(ec.SECP256R1()),
    "ECDSA 384": ec.generate_private_key(ec.SECP384R1()),
    "ECDSA 521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": RSA,
}


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
@pytest.mark.parametrize("kind", KEYS)
def test_an_ssh_key_is_read_without_its_passphrase(kind: str, passphrase: str) -> None:
    """Nothing is left that the library would look for in a file."""
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    text = KEYS[kind].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock).decode()

    read = ask(ANYBODY, given_keys.ssh_key, text, passphrase)

    assert not isinstance(read, Refused)
    assert ssh_keys.read(read[0])[1] == read[1] == ssh_keys.read(text, passphrase=passphrase)[1]


def test_what_is_refused_names_the_field_that_is_wrong(tmp_path: Path) -> None:
    """A key, a certificate or a key that is another's."""
    authority = Authority(tmp_path, wants_clients=True)
    (chain, key), (_, other) = (authority.client(days=days) for days in (30, 31))

    read = [
        ask(ANYBODY, given_keys.certificate, *pair)
        for pair in ((chain, key), (chain, other), (chain, "x"), ("x", key), ("", ""))
    ]

    assert read[0] == client_certificates.read(chain, key)
    assert [one.field for one in read[1:] if isinstance(one, Refused)] == [
        "client_key", "client_key", "client_certificate", "client_certificate",
    ]  # fmt: skip
    assert ask(ANYBODY, given_keys.ssh_key, "x", "") == given_keys.ssh_key("x", "")


@pytest.mark.django_db
def test_a_key_that_takes_too_much_is_refused_and_holds_nobody_up(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its passphrase asks for many rounds; the next key is read."""
    key = KEYS["Ed25519"]
    costly = with_rounds(opened_by(key, locked(PrivateFormat.OpenSSH)), 200)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    known = f"forge.example {public}"
    body = {"name": "key", "kind": "ssh", "hosts": ["forge.example"], "known_hosts": known}
    with monkeypatch.context() as patch:
        patch.setattr(credentials, "Asker", partial(Asker, seconds=0.1, patience=100))
        locked_up = {**body, "private_key": costly, "passphrase": "other"}
        refused = admin.post(PATH, locked_up, format="json")
    taken = admin.post(PATH, {**body, "private_key": opened_by(key)}, format="json")

    [detail] = error(refused)["details"]
    assert (refused.status_code, detail["field"]) == (400, "private_key")
    assert (detail["code"], detail["message"]) == (
        "too_costly", "takes over 0.1 s of processor time to check",
    )  # fmt: skip
    assert taken.status_code == 201
