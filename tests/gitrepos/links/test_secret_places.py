"""Where a secret may go: nowhere that it was not given for, whoever edits, writes or replays."""

import json
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.errors import HostNotAllowedError, SecretLostError
from gitrepos.forge.addresses import parse
from gitrepos.links import links, sealed_secrets
from gitrepos.models import GitCredential, Remote
from keeptrusts.sealing import seal
from tests.support.api import error
from tests.support.credentials import PATH, change, credential, deploy_key, token
from tests.support.forge import Forge
from tests.support.forgeapi import app_key, pem
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge
from tests.support.syncing import get, link, run_due, shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

TOKEN, NEWER = "kt-only-for-tests-7be1a7d3c1", "kt-only-for-tests-90aa1b2c3d"
HOSTS = ["forge.example", "mirror.example:8443", "[fd00::1]"]
LINE = "AAAAC3NzaC1lZDI1NTE5AAAAIB7/F/junr7RdWGcL4I0kkB/kEXXfyYT9qfLqUvcbtz9"
KNOWN = f"*.example ssh-ed25519 {LINE}\nforge.example,other.example ssh-ed25519 {LINE}"
KINDS: dict[str, dict[str, Any]] = {
    "token": {"token": TOKEN},
    "basic": {"username": "me", "password": TOKEN},
    "ssh": {"known_hosts": f"*,*.example,[*.example]:* ssh-ed25519 {LINE}"},
    "app": {"app_id": "5", "installation_id": "6", "private_key": pem(app_key())},
}

WEB, ALL, NONE = {"token", "basic", "app"}, set(KINDS), set[str]()
# Each with the kinds for which it leads anywhere that HOSTS do not.
EDITS: list[tuple[dict[str, Any], set[str]]] = [
    ({"hosts": [*HOSTS, "other.example"]}, ALL),
    ({"hosts": ["other.example"], "name": "other", "expires_at": None}, ALL),
    ({"hosts": [*HOSTS, "forge.example:8443"]}, ALL),
    ({"hosts": [*HOSTS, "forge.example:443"]}, {"ssh"}),
    ({"hosts": ["forge.example:22"]}, WEB),
    ({"hosts": ["mirror.example"]}, ALL),
    ({"hosts": [*HOSTS, "sub.forge.example"]}, ALL),
    ({"hosts": [*HOSTS, "[fd00::1]:8443"]}, ALL),
    ({"hosts": HOSTS[:1]}, NONE),
    ({"hosts": HOSTS[::-1]}, NONE),
    ({"hosts": ["FORGE.example", "[FD00:0::1]", "forge.example"]}, NONE),
    ({"name": "other"}, NONE),
    ({"expires_at": "2999-01-01T00:00:00Z"}, NONE),
]


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, admin: APIClient, ssh_forge: SSHForge) -> dict[str, Any]:
    """A credential of each kind, for HOSTS alone, and its secret."""
    fields = {**KINDS[request.param], "kind": request.param}
    if request.param == "ssh":
        fields["private_key"] = ssh_forge.private_key
    row = credential(admin, hosts=HOSTS, **fields)
    field = {"token": "token", "basic": "password"}.get(request.param, "private_key")
    return {**row, "field": field, "secret": fields[field]}


def stored(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a credential."""
    return GitCredential.objects.filter(pk=row["id"]).values().get()


def test_a_new_place_needs_the_secret(admin: APIClient, made: dict[str, Any]) -> None:
    """In the same request, with a 400 that says so and changes nothing."""
    first = stored(made)
    for fields, new_for in EDITS:
        answer = admin.patch(f"{PATH}/{made['id']}", fields, format="json")

        assert answer.status_code == (400 if made["kind"] in new_for else 200), fields
        if answer.status_code == 400:
            [detail] = error(answer)["details"]
            assert (detail["field"], detail["code"]) == (made["field"], "required")
            assert "sent again with a new host" in detail["message"]
            assert stored(made) == first, fields
            change(admin, made, **fields, **{made["field"]: made["secret"]})
        GitCredential.objects.filter(pk=made["id"]).update(**first)


def test_a_host_that_goes_takes_nothing_along(admin: APIClient, made: dict[str, Any]) -> None:
    """The secret opens for those that stay, without being sent again."""
    change(admin, made, hosts=HOSTS[:1], name="fewer")

    row = GitCredential.objects.get()
    assert sealed_secrets.text_of(row)
    row.hosts = HOSTS
    with pytest.raises(SecretLostError):
        sealed_secrets.text_of(row)


def test_a_host_that_is_added_with_another_secret_gets_that_one(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Whoever knows no secret can only replace it."""
    made = credential(admin, token=TOKEN, hosts=["forge.example"])
    change(admin, made, token=NEWER, hosts=["forge.example", f"127.0.0.1:{forge.port}"])
    link(admin, repo.url, credential="shared")
    forge.authorizations.clear()

    run_due()

    sent = {value for _, value in forge.authorizations if value}
    assert len(sent) == 1
    assert sealed_secrets.text_of(GitCredential.objects.get()) == NEWER


def test_what_cannot_be_opened_is_not_taken_elsewhere(admin: APIClient) -> None:
    """409: whoever edits the hosts of a lost secret sends another."""
    made = credential(admin, token=TOKEN, hosts=HOSTS)
    GitCredential.objects.update(secret="v1.none.")

    answers = [
        admin.patch(f"{PATH}/{made['id']}", fields, format="json")
        for fields in ({"hosts": HOSTS[:1]}, {"name": "x"}, {"hosts": HOSTS[:1], "token": NEWER})
    ]

    assert [answer.status_code for answer in answers] == [409, 200, 200]
    assert error(answers[0])["code"] == "credential_unreadable"


def test_plain_http_is_a_new_place_and_none_for_ssh(admin: APIClient, made: dict[str, Any]) -> None:
    """The secret must come with it; a key goes nowhere by http, whatever comes with it."""
    hosts = [*HOSTS, "http://forge.example:8080"]
    path, field = f"{PATH}/{made['id']}", made["field"]

    bare = admin.patch(path, {"hosts": hosts}, format="json")
    full = admin.patch(path, {"hosts": hosts, field: made["secret"]}, format="json")

    ssh = made["kind"] == "ssh"
    assert (bare.status_code, full.status_code) == (400, 400 if ssh else 200)
    assert error(bare)["details"][0]["field"].startswith("hosts" if ssh else field)


PLACES = [
    ("https://forge.example/r", ["forge.example"], True),
    ("http://forge.example/r", ["forge.example"], False),
    ("http://forge.example:443/r", ["forge.example"], False),
    ("http://forge.example/r", ["forge.example:80"], False),
    ("http://forge.example:8443/r", ["forge.example:8443"], False),
    ("https://forge.example:8443/r", ["forge.example:8443"], True),
    ("http://forge.example/r", ["http://forge.example"], True),
    ("http://forge.example/r", ["http://forge.example:80"], True),
    ("http://forge.example:8443/r", ["HTTP://forge.example:8443"], True),
    ("http://forge.example:8443/r", ["http://forge.example"], False),
    ("https://forge.example:8443/r", ["http://forge.example:8443"], False),
    ("https://forge.example/r", ["http://forge.example"], False),
    ("http://127.0.0.1:8443/r", ["127.0.0.1:8443"], True),
    ("https://127.0.0.1:8443/r", ["127.0.0.1:8443"], True),
    ("http://127.0.0.1/r", ["127.0.0.1"], False),
    ("http://localhost:8443/r", ["localhost:8443"], False),
    ("https://forge.example:8443/r", ["forge.example"], False),
    ("ssh://git@forge.example/r", ["forge.example"], False),
    ("https://forge.example.org/r", ["forge.example"], False),
]


def test_a_secret_goes_in_clear_only_where_its_owner_says_so(admin: APIClient) -> None:
    """Without one the host is meant as the kind's own scheme reaches it."""
    for number, (url, hosts, is_good) in enumerate(PLACES):
        credential(admin, name=f"c{number}", token=TOKEN, hosts=hosts)
        body = {"url": url, "path": f"p{number}", "credential": f"c{number}", "suspended": True}

        answer = admin.post("/v1/git-repos", body, format="json")

        assert answer.status_code == (201 if is_good else 400), (url, hosts)


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"hosts": ["forge.example"]}, ["hosts"]),
        ({"token": NEWER}, ["token"]),
        ({"token": TOKEN}, ["token"]),
        ({"name": "other", "username": "me"}, ["name", "username"]),
        ({"authorization": "bearer"}, ["authorization"]),
        ({"hosts": [*HOSTS, "new.example"], "token": NEWER}, ["hosts", "token"]),
        ({"hosts": HOSTS}, []),
        ({"expires_at": "2999-01-01T00:00:00Z"}, []),
    ],
)
def test_an_edit_is_an_event(admin: APIClient, fields: dict[str, Any], changed: list[str]) -> None:
    """With who, what and which hosts; never the secret, old or new."""
    made = credential(admin, token=TOKEN, hosts=HOSTS)
    name = get(admin, "/v1/whoami")["token"]["name"]

    change(admin, made, **fields)

    found = get(admin, "/v1/events?kind=credential_changed")
    assert [row["details"]["changed"] for row in found] == ([changed] if changed else [])
    for row in found:
        details = row["details"]
        assert (details["actor"], details["credential_id"]) == (name, made["id"])
        after = set(fields.get("hosts", HOSTS))
        assert set(details["hosts_added"]) == after - set(HOSTS)
        assert set(details["hosts_removed"]) == set(HOSTS) - after
        assert row["message"].startswith(f"{name} changed {', '.join(changed)} of the git credent")
    assert all(secret not in str(Event.objects.values()) for secret in (TOKEN, NEWER))


def test_a_refused_edit_is_no_event(admin: APIClient) -> None:
    """Nothing happened."""
    made = credential(admin, token=TOKEN, hosts=HOSTS)

    admin.patch(f"{PATH}/{made['id']}", {"hosts": ["other.example"]}, format="json")

    assert not Event.objects.exists()


def test_a_new_host_key_is_an_event(admin: APIClient, ssh_forge: SSHForge) -> None:
    """It needs no key again: what a server gets of one is a signature that holds for this call."""
    made = deploy_key(admin, ssh_forge)

    change(admin, made, known_hosts=f"{ssh_forge.known_hosts()}\n{ssh_forge.known_hosts()}")

    assert Event.objects.get().details["changed"] == ["known_hosts"]
    assert sealed_secrets.text_of(GitCredential.objects.get())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.2:{port}/r.git", "https://127.0.0.1:{port}/r.git", "http://127.0.0.1:1/r.git"],
)
def test_a_row_that_leads_elsewhere_gives_no_secret(
    admin: APIClient, forge: Forge, repo: Repo, url: str
) -> None:
    """Whoever writes to the database has no token sent there, by another host, scheme or port."""
    row = link(admin, repo.url, access_token=TOKEN)
    Remote.objects.update(url=url.format(port=forge.port))

    run_due()

    assert shown(admin, row)["error"]["code"] == "credential_unreadable"
    assert TOKEN not in str(forge.authorizations)


@pytest.mark.parametrize(
    "columns",
    [
        {"hosts": ["127.0.0.1:{port}", "forge.example"]},
        {"hosts": ["127.0.0.1:{port}"], "kind": "basic"},
        {"hosts": ["127.0.0.1:{port}"], "known_hosts": "x"},
    ],
)
def test_a_credential_that_leads_elsewhere_gives_no_secret(
    admin: APIClient, forge: Forge, repo: Repo, columns: dict[str, Any]
) -> None:
    """The row says where it may go, and what it was sealed for is not that."""
    token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    text = json.dumps(columns).replace("{port}", str(forge.port))
    GitCredential.objects.update(**json.loads(text))

    run_due()

    assert shown(admin, row)["error"]["code"] == "credential_unreadable"
    assert TOKEN not in str(forge.authorizations)


def older(admin: APIClient, forge: Forge, repo: Repo) -> list[dict[str, Any]]:
    """A link with a token and one with a shared one, both sealed for their rows alone."""
    repo.commit({f"{name}/policy-config.yaml": policy() for name in ("a", "b")})
    forge.tokens[repo.bare.name] = TOKEN
    token(admin, forge, TOKEN)
    rows = [
        link(admin, repo.url, access_token=TOKEN, path="a"),
        link(admin, repo.url, credential="shared", path="b"),
    ]
    for remote in Remote.objects.exclude(credential=""):
        remote.credential = seal(TOKEN, row=f"remote:{remote.pk}")
        remote.save()
    for shared in GitCredential.objects.all():
        shared.secret = seal(TOKEN, row=f"git-credential:{shared.pk}")
        shared.save()
    return rows


def statuses(admin: APIClient, rows: list[dict[str, Any]]) -> list[str]:
    """How links stand after they were polled."""
    Remote.objects.update(next_poll_at="2026-01-01T00:00:00Z")
    run_due()
    found = [shown(admin, row) for row in rows]
    return [row["error"]["code"] if row["error"] else row["status"] for row in found]


def test_an_upgrade_takes_secrets_over(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Once; what was sealed for a row alone opens no more when it is put there again."""
    rows = older(admin, forge, repo)
    sealed = list(Remote.objects.exclude(credential="").values_list("pk", "credential"))
    before = statuses(admin, rows)
    migration = import_module("gitrepos.migrations.0006_bind_secrets")

    for _ in range(2):
        migration.bind(apps, None)
    after = statuses(admin, rows)
    for pk, credential_before in sealed:
        Remote.objects.filter(pk=pk).update(credential=credential_before)
    repo.commit({"a/policy-config.yaml": policy("Two")})

    assert before == ["credential_unreadable"] * 2
    assert after == ["synced"] * 2
    assert statuses(admin, rows) == ["credential_unreadable", "synced"]


def test_an_upgrade_goes_back(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """As migrations do."""
    older(admin, forge, repo)
    migration = import_module("gitrepos.migrations.0006_bind_secrets")
    migration.bind(apps, None)

    migration.unbind(apps, None)
    migration.bind(apps, None)

    assert sealed_secrets.token_of(Remote.objects.exclude(credential="").get()) == TOKEN
    assert sealed_secrets.text_of(GitCredential.objects.get()) == TOKEN


def test_an_upgrade_names_the_ports_that_links_use_in_clear(admin: APIClient) -> None:
    """A host without a port used to be meant for http, too."""
    credential(admin, token=TOKEN, hosts=["forge.example", "other.example"])
    url = parse("https://forge.example/r.git", schemes=["https"])
    links.create(url, token="", credential="shared", fields={"suspended": True})
    Remote.objects.update(url="http://forge.example/r.git")
    with pytest.raises(HostNotAllowedError):
        sealed_secrets.secret_of(Remote.objects.get())
    shared = GitCredential.objects.get()
    GitCredential.objects.update(secret=seal(TOKEN, row=f"git-credential:{shared.pk}"))

    import_module("gitrepos.migrations.0006_bind_secrets").bind(apps, None)
    for _ in range(2):
        import_module("gitrepos.migrations.0009_name_plain_http").name_plain(apps, None)

    assert sealed_secrets.secret_of(Remote.objects.get()).authorization
    assert GitCredential.objects.get().hosts == [
        "forge.example",
        "other.example",
        "forge.example:80",
        "http://forge.example",
    ]


def test_a_key_that_was_missing_at_an_upgrade_is_put_back(
    admin: APIClient, forge: Forge, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only by somebody who says so: the old form says nothing of where a secret goes."""
    rows = older(admin, forge, repo)

    with pytest.raises(CommandError, match="2 secrets could not be opened"):
        call_command("rotate_secrets")
    lost = statuses(admin, rows)
    call_command("rotate_secrets", "--unbound")

    assert lost == ["credential_unreadable"] * 2
    assert "sealed 2 secrets" in capsys.readouterr().out
    assert statuses(admin, rows) == ["synced"] * 2
