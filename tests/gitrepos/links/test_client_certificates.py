"""Client certificates of shared credentials: what is taken, who sees them, what is shown."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.errors import SecretLostError
from gitrepos.forge import check
from gitrepos.forge.addresses import RepoURL, parse
from gitrepos.forge.proxy import Proxy
from gitrepos.forge.secret import NOBODY, presenting
from gitrepos.links import client_certificates, sealed_secrets
from gitrepos.models import GitCredential
from keeptrusts.sealing import reseal_all
from tests.support.api import refusal
from tests.support.asking import ask
from tests.support.credentials import PATH, change, credential
from tests.support.forge import Forge
from tests.support.outbound import Outbound
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, poll, request, run_due, shown
from tests.support.tls import Authority

# A server that refuses a client says so and closes at once: its word may be lost on the way.
REFUSED = ("auth_failed", "unreachable")
TOKEN = "kt-only-for-tests-5bd71c0e22"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one by which forge and clients know each other."""
    return Authority(tmp_path_factory.mktemp("authority"), wants_clients=True)


@pytest.fixture(scope="module")
def pair(authority: Authority) -> tuple[str, str]:
    """A client's chain and key."""
    return authority.client(days=30)


@pytest.fixture
def safe(
    authority: Authority,
    tmp_path: Path,
    settings,  # type: ignore[no-untyped-def]
) -> Iterator[Forge]:
    """A forge that answers nobody without a certificate."""
    settings.ENV = dataclasses.replace(settings.ENV, git_ca_file=str(authority.ca_file))
    with Forge(tmp_path / "safe", tls=authority.server) as forge:
        yield forge


@pytest.fixture
def private(safe: Forge, tmp_path: Path) -> Repo:
    """A repository with a commit on it."""
    repo = safe.repository(tmp_path / "private")
    repo.commit({"bot/policy-config.yaml": policy()})
    return repo


def made(admin: APIClient, forge: Forge, pair: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """A credential with a client certificate for a forge."""
    chain, key = pair
    place = f"127.0.0.1:{forge.port}"
    body = {"kind": "tls", "client_certificate": chain, "client_key": key, "hosts": [place]}
    return credential(admin, **{**body, **fields})


@pytest.mark.django_db
def test_checks_and_packs_show_it(
    admin: APIClient, safe: Forge, private: Repo, pair: tuple[str, str]
) -> None:
    """Besides the token; without it the server refuses, and the link says so."""
    safe.tokens[private.bare.name] = TOKEN
    row = link(admin, private.url, access_token=TOKEN)
    run_due()
    before = shown(admin, row)["error"]["code"]
    made(admin, safe, pair, kind="token", token=TOKEN)
    admin.patch(f"/v1/git-repos/{row['id']}", {"credential": "shared"}, format="json")
    run_due()

    assert before in REFUSED
    assert shown(admin, row)["status"] == "synced"


@pytest.mark.django_db
def test_git_itself_shows_it(
    admin: APIClient, safe: Forge, private: Repo, pair: tuple[str, str]
) -> None:
    """To a server that only it can talk to."""
    safe.old.add(private.bare.name)
    made(admin, safe, pair)
    row = link(admin, private.url, credential="shared")

    poll()

    assert shown(admin, row)["status"] == "synced"


def test_the_certificate_of_one_is_not_shown_for_another(
    safe: Forge, private: Repo, authority: Authority, pair: tuple[str, str]
) -> None:
    """A connection that was made with it is kept for it alone."""
    ca_file, holder = str(authority.ca_file), presenting(NOBODY, *pair)
    codes = []
    for secret in (holder, holder, NOBODY, holder):
        (answer,) = ask(private.url, ca_file=ca_file, secret=secret)
        codes.append(answer.error.code if answer.error else "")

    assert codes.pop(2) in REFUSED
    assert codes == [""] * 3


def test_an_https_proxy_is_not_shown_it(private: Repo, pair: tuple[str, str]) -> None:
    """Such calls are git's, which tells the two apart; by an http proxy they are ours."""
    asked = check.RefsQuestion(1, _url(private), presenting(NOBODY, *pair), ())

    seen = {
        scheme: Proxy(scheme, "proxy.example", 3128).would_see(asked.url, asked.secret)
        for scheme in ("http", "https")
    }

    assert seen == {"http": False, "https": True}
    assert not Proxy("https", "proxy.example", 3128).would_see(asked.url, NOBODY)


def test_an_http_proxy_tunnels_it(
    private: Repo, authority: Authority, pair: tuple[str, str]
) -> None:
    """To the forge, inside of TLS."""
    with Outbound() as outbound:
        (answer,) = ask(
            private.url,
            ca_file=str(authority.ca_file),
            secret=presenting(NOBODY, *pair),
            proxy=outbound.setting(),
        )

    assert answer.error is None
    assert [method for method, _ in outbound.asked] == ["CONNECT"]


def _url(repo: Repo) -> RepoURL:
    return parse(repo.url, schemes=["https"])


@pytest.mark.django_db
def test_the_key_is_never_shown(admin: APIClient, forge: Forge, pair: tuple[str, str]) -> None:
    """Not in an answer, an event or a column; the certificate is, with its end."""
    chain, key = pair
    row = made(admin, forge, pair)
    renewed = change(admin, row, client_certificate=chain, client_key=key)

    ends = client_certificates.ends_at(chain)
    assert renewed["client_certificate"] == chain
    assert datetime.fromisoformat(renewed["client_certificate_expires_at"]) == ends
    assert datetime.fromisoformat(renewed["expires_at"]) == ends
    stored = GitCredential.objects.get(pk=row["id"])
    told = Event.objects.filter(kind="credential_changed").get()
    assert told.details["changed"] == ["client_key"]
    text = str([row, renewed, get(admin, PATH), told.details, vars(stored)])
    assert not any(line in text for line in key.splitlines()[1:-1])


@pytest.mark.django_db
def test_it_expires_as_every_credential(
    admin: APIClient, forge: Forge, authority: Authority
) -> None:
    """A warning comes before its end, unless another time was given."""
    soon = made(admin, forge, authority.client(days=3))
    later = made(
        admin, forge, authority.client(days=3), name="later", expires_at="2999-01-01T00:00:00Z"
    )

    assert (soon["expiring"], later["expiring"]) == (True, False)
    renewed = change(admin, soon, **dict(zip(_PAIR, authority.client(days=90), strict=True)))
    assert renewed["expiring"] is False


_PAIR = ("client_certificate", "client_key")


@pytest.mark.django_db
def test_a_new_host_needs_every_secret_again(
    admin: APIClient, forge: Forge, pair: tuple[str, str]
) -> None:
    """The token alone takes no certificate along, nor the other way round."""
    both = dict(zip(_PAIR, pair, strict=True))
    row = made(admin, forge, pair, kind="token", token=TOKEN)
    hosts = {"hosts": [*row["hosts"], "elsewhere.example"]}
    path = f"{PATH}/{row['id']}"

    answers = [
        refusal(admin.patch(path, {**hosts, **sent}, format="json"))
        for sent in ({}, {"token": TOKEN}, both)
    ]

    assert answers == [(400, ["token"]), (400, ["client_key"]), (400, ["token"])]
    assert change(admin, row, **hosts, token=TOKEN, **both)["hosts"] == hosts["hosts"]
    assert change(admin, row, hosts=["elsewhere.example"])["hosts"] == ["elsewhere.example"]


@pytest.mark.django_db
def test_it_is_taken_away_and_the_token_stays(
    admin: APIClient, forge: Forge, repo: Repo, pair: tuple[str, str]
) -> None:
    """With its key."""
    forge.tokens[repo.bare.name] = TOKEN
    repo.commit({"bot/policy-config.yaml": policy()})
    row = made(admin, forge, pair, kind="token", token=TOKEN)
    linked = link(admin, repo.url, credential="shared")

    left = change(admin, row, client_certificate=None)
    request(admin, linked)
    run_due()

    assert (left["client_certificate"], left["client_certificate_expires_at"]) == ("", None)
    assert GitCredential.objects.get(pk=row["id"]).client_key == ""
    assert shown(admin, linked)["status"] == "synced"


@pytest.mark.django_db
def test_a_key_is_no_password(admin: APIClient, forge: Forge, pair: tuple[str, str]) -> None:
    """Whoever changes the database cannot have it sent as one; rotation keeps it usable."""
    row = GitCredential.objects.get(pk=made(admin, forge, pair, kind="token", token=TOKEN)["id"])
    assert reseal_all().lost == []
    row.secret = row.client_key

    with pytest.raises(SecretLostError):
        sealed_secrets.text_of(row)


def pem(key: Any, password: bytes = b"") -> str:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode())


EC = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.django_db
def test_what_cannot_be_used_is_refused(
    admin: APIClient, authority: Authority, pair: tuple[str, str]
) -> None:
    """With the field that is wrong; nothing of a key is repeated."""
    chain, key = pair
    weak = authority.client(key=rsa.generate_private_key(65537, 1024))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"client_key": pem(EC)}, "client_key"),
        ({"client_key": pem(EC, b"passphrase")}, "client_key"),
        ({"client_key": "nonsense"}, "client_key"),
        ({"client_key": chain}, "client_key"),
        ({"client_key": None}, "client_key"),
        ({"client_certificate": "nonsense"}, "client_certificate"),
        ({"client_certificate": key}, "client_certificate"),
        ({"client_certificate": chain[:200]}, "client_certificate"),
        ({"client_certificate": chain * 11}, "client_certificate"),
        ({"client_certificate": None}, "client_certificate"),
        ({"client_certificate": weak[0], "client_key": weak[1]}, "client_certificate"),
        ({"token": TOKEN}, "token"),
        ({"kind": "ssh", "private_key": "x", "known_hosts": "x"}, "client_certificate"),
    ]
    body = {
        "name": "x",
        "kind": "tls",
        "hosts": ["a.example"],
        **dict(zip(_PAIR, pair, strict=True)),
    }

    answers = [admin.post(PATH, {**body, **fields}, format="json") for fields, _ in cases]

    assert [refusal(one) for one in answers] == [(400, [field]) for _, field in cases]
    assert not any(key.splitlines()[1] in one.content.decode() for one in answers)


@pytest.mark.django_db
def test_each_is_sent_with_the_other(admin: APIClient, forge: Forge, pair: tuple[str, str]) -> None:
    """A renewed certificate with its key, which may be the same."""
    row = made(admin, forge, pair)
    path = f"{PATH}/{row['id']}"

    answers = [
        refusal(admin.patch(path, {name: value}, format="json"))
        for name, value in zip(_PAIR, pair, strict=True)
    ]

    assert answers == [(400, ["client_key"]), (400, ["client_certificate"])]
    assert refusal(admin.patch(path, {"client_certificate": None}, format="json"))[0] == 400


@pytest.mark.django_db
def test_it_is_for_https_alone(admin: APIClient, forge: Forge, repo: Repo, pair: Any) -> None:
    """A link by another scheme cannot use it."""
    made(admin, forge, pair)

    answer = admin.post("/v1/git-repos", {"url": repo.url, "credential": "shared"}, format="json")

    assert refusal(answer) == (400, ["credential"])


def test_the_end_is_that_of_the_clients_own(authority: Authority) -> None:
    """Whatever follows it in the chain."""
    chain, _ = authority.client(days=5)
    whole = chain + authority.ca_file.read_text()

    left = client_certificates.ends_at(whole) - datetime.now(UTC)

    assert timedelta(days=4) < left < timedelta(days=6)
