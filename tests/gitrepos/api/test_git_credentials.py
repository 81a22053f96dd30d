"""Shared credentials: input, use by links, and the effect of a change."""

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from events.models import Event
from gitrepos.links import shared_credentials
from gitrepos.models import GitCredential, Link, Remote
from tests.support.api import error, like, refusal, together
from tests.support.credentials import PATH, change, credential, deploy_key, token
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge
from tests.support.syncing import (
    content,
    edit,
    get,
    hashes,
    link,
    poll,
    run_due,
    shown,
    unlink,
)

pytestmark = pytest.mark.django_db

TOKEN = "kt-only-for-tests-5bd71c0e22"
NEWER = "kt-only-for-tests-66aa90f1d4"
BOT = "bot/policy-config.yaml"
ELSEWHERE = {"hosts": ["elsewhere.example"]}


def sent(forge: Forge, repo: Repo) -> set[str]:
    """The credentials that arrived for a repository."""
    return {value for path, value in forge.authorizations if repo.bare.name in path}


def basic(user: str, password: str) -> str:
    """The header's value. Source: RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.smoke
def test_links_share_a_credential_by_name(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """Each is synced with it and shows its name; the credential says how many there are."""
    repos = [make_repo(), make_repo()]
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
        forge.tokens[repo.bare.name] = TOKEN
    made = token(admin, forge, TOKEN)
    rows = [link(admin, repo.url, credential="shared") for repo in repos]

    run_due()

    seen = [shown(admin, row) for row in rows]
    assert [(row["status"], row["credential"]) for row in seen] == [("synced", "shared")] * 2
    assert [row["has_access_token"] for row in seen] == [False, False]
    assert get(admin, f"{PATH}/{made['id']}")["git_repos"] == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "token", "token": TOKEN}, basic("x-access-token", TOKEN)),
        ({"kind": "token", "token": TOKEN, "username": "oauth2"}, basic("oauth2", TOKEN)),
        (
            {"kind": "token", "token": TOKEN, "authorization": "basic"},
            basic("x-access-token", TOKEN),
        ),
        ({"kind": "token", "token": TOKEN, "authorization": "bearer"}, f"Bearer {TOKEN}"),
        ({"kind": "token", "token": 'a"b\\c', "authorization": "bearer"}, 'Bearer a"b\\c'),
        (
            {"kind": "basic", "username": "me", "password": "p:w d\u00e9"},
            basic("me", "p:w d\u00e9"),
        ),
    ],
)
def test_each_kind_is_sent_as_forges_want_it(
    admin: APIClient, forge: Forge, repo: Repo, fields: dict[str, str], expected: str
) -> None:
    """Of a check and of a fetch alike."""
    repo.commit({BOT: policy()})
    credential(admin, hosts=[f"127.0.0.1:{forge.port}"], **fields)
    link(admin, repo.url, credential="shared")

    run_due()

    assert list(hashes()) == ["bot"]
    assert sent(forge, repo) == {expected}


@pytest.mark.smoke
def test_no_answer_and_no_row_holds_a_secret(
    admin: APIClient, forge: Forge, ssh_forge: SSHForge
) -> None:
    """Of any kind: it is write-only in the API and sealed in the database."""
    made = [
        token(admin, forge, TOKEN, name="one"),
        credential(admin, name="two", kind="basic", username="me", password=NEWER, **ELSEWHERE),
        deploy_key(admin, ssh_forge, name="three"),
    ]
    key_line = ssh_forge.private_key.splitlines()[2]

    answers = [admin.get(PATH), *(admin.get(f"{PATH}/{row['id']}") for row in made)]

    texts = [repr(made), *(answer.content.decode() for answer in answers)]
    texts.append(repr(list(GitCredential.objects.values())))
    for hidden in (TOKEN, NEWER, key_line):
        assert [text for text in texts if hidden in text] == []


def test_a_sealed_secret_does_not_open_in_another_row(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Whoever writes to the database cannot send one credential to another's hosts."""
    token(admin, forge, TOKEN, name="one")
    token(admin, forge, NEWER, name="two")
    row = link(admin, repo.url, credential="two")
    sealed = GitCredential.objects.get(name="one").secret
    GitCredential.objects.filter(name="two").update(secret=sealed)

    run_due()

    assert shown(admin, row)["error"]["code"] == "credential_unreadable"
    assert sent(forge, repo) == set()


@pytest.mark.parametrize(
    "hosts",
    [["elsewhere.example"], ["127.0.0.1"], ["127.0.0.1:1"], ["127.0.0.2:{port}"]],
)
@pytest.mark.parametrize("way", ["new", "edit"])
def test_a_link_to_another_host_is_refused(
    admin: APIClient, forge: Forge, repo: Repo, hosts: list[str], way: str
) -> None:
    """With where it may go; another port is another server. Nothing is sent there."""
    named = [host.format(port=forge.port) for host in hosts]
    credential(admin, token=TOKEN, hosts=named)

    if way == "new":
        answer = admin.post(
            "/v1/git-repos", {"url": repo.url, "credential": "shared"}, format="json"
        )
    else:
        row = link(admin, repo.url)
        answer = admin.patch(f"/v1/git-repos/{row['id']}", {"credential": "shared"}, format="json")
        run_due()

    assert refusal(answer) == (400, ["credential"])
    assert named[0] in error(answer)["message"]
    assert sent(forge, repo) == set()


def test_a_url_that_leaves_the_hosts_is_refused(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """A link cannot carry its credential elsewhere by an edit of the url alone."""
    token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")

    answer = admin.patch(
        f"/v1/git-repos/{row['id']}", {"url": "https://elsewhere.example/r.git"}, format="json"
    )

    assert refusal(answer) == (400, ["credential"])
    assert shown(admin, row)["url"] == repo.url


def test_a_url_within_the_hosts_keeps_the_credential(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """Another repository of the same server."""
    old, new = make_repo(), make_repo()
    token(admin, forge, TOKEN)
    row = link(admin, old.url, credential="shared")

    edit(admin, row, url=new.url)

    assert (shown(admin, row)["url"], shown(admin, row)["credential"]) == (new.url, "shared")


def test_hosts_that_the_database_lost_send_nothing(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The hosts are looked at again for each call, not at the link's making alone."""
    token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    GitCredential.objects.update(hosts=["elsewhere.example"])

    run_due()

    assert shown(admin, row)["error"]["code"] == "host_not_allowed"
    assert forge.calls(repo) == []


def test_a_host_that_a_link_needs_stays(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """409 names the link."""
    made = token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")

    answer = admin.patch(f"{PATH}/{made['id']}", ELSEWHERE, format="json")

    found = error(answer)
    assert (answer.status_code, found["code"]) == (409, "in_use")
    assert found["details"] == [{"id": row["id"], "url": repo.url}]


def test_what_links_use_is_not_deleted(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """409 names them; without links it goes, and its name is free."""
    made = token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    refused = admin.delete(f"{PATH}/{made['id']}")
    unlink(admin, row)

    answer = admin.delete(f"{PATH}/{made['id']}")

    assert (refused.status_code, error(refused)["code"]) == (409, "in_use")
    assert [detail["id"] for detail in error(refused)["details"]] == [row["id"]]
    assert (answer.status_code, GitCredential.objects.count()) == (200, 0)
    assert token(admin, forge, TOKEN)["name"] == "shared"


def test_a_link_leaves_its_credential(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """By null, or by a token of its own; no remote is left behind."""
    token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")

    edit(admin, row, credential=None)
    bare = shown(admin, row)
    edit(admin, row, credential="shared")
    edit(admin, row, access_token=NEWER)

    own = shown(admin, row)
    assert (bare["credential"], bare["has_access_token"]) == (None, False)
    assert (own["credential"], own["has_access_token"]) == (None, True)
    assert Remote.objects.count() == 1


def test_a_link_has_one_credential(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """Both at once are refused, and so is a name that nothing has."""
    token(admin, forge, TOKEN)
    both = {"url": repo.url, "credential": "shared", "access_token": TOKEN}

    answers = [
        admin.post("/v1/git-repos", body, format="json")
        for body in (both, {"url": repo.url, "credential": "other"})
    ]

    assert [refusal(answer) for answer in answers] == [(400, ["credential"])] * 2


def test_a_new_secret_reaches_every_link(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """At once: they are due, and what failed under the old one is mended."""
    repos = [make_repo(), make_repo()]
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
        forge.tokens[repo.bare.name] = NEWER
    made = token(admin, forge, TOKEN)
    rows = [link(admin, repo.url, credential="shared") for repo in repos]
    run_due()
    failed = {shown(admin, row)["error"]["code"] for row in rows}

    change(admin, made, token=NEWER)
    pending = {shown(admin, row)["status"] for row in rows}
    run_due()

    assert (failed, pending) == ({"auth_failed"}, {"pending"})
    assert {shown(admin, row)["status"] for row in rows} == {"synced"}


def test_a_suspended_link_stays_suspended(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """A new secret does not wake it."""
    made = token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared", suspended=True)

    change(admin, made, token=NEWER)
    run_due()

    assert shown(admin, row)["status"] == "suspended"
    assert forge.calls(repo) == []


def test_another_name_disturbs_no_link(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """It is the same credential: nothing is due, and the links show the new name."""
    repo.commit({BOT: policy()})
    made = token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    run_due()

    change(admin, made, name="renamed")

    after = shown(admin, row)
    assert (after["status"], after["credential"], after["generation"]) == ("synced", "renamed", 1)


@pytest.mark.smoke
@pytest.mark.django_db(transaction=True)
def test_a_secret_replaced_mid_fetch_applies_nothing_of_the_old(
    admin: APIClient, forge: Forge, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """What came under it is discarded; the next look, at once, is under the new one."""
    repo.commit({BOT: policy("One")})
    made = token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    client = like(admin)

    def revoke() -> None:
        forge.tokens[repo.bare.name] = NEWER
        change(client, made, token=NEWER)
        forge.tokens.pop(repo.bare.name)  # The forge lets what has begun go on.

    meanwhile(revoke)
    run_due()
    discarded = (hashes(), Link.objects.get().last_commit)
    forge.tokens[repo.bare.name] = NEWER

    run_due()

    assert discarded == ({}, "")
    assert shown(admin, row)["status"] == "synced"
    assert content(admin, "bot") == policy("One").encode()


@pytest.mark.django_db(transaction=True)
def test_a_secret_revoked_by_the_forge_mid_fetch_is_auth_failed(
    admin: APIClient, forge: Forge, repo: Repo, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    """Half a commit is none: what was in force stays."""
    repo.commit({BOT: policy("One")})
    token(admin, forge, TOKEN)
    row = link(admin, repo.url, credential="shared")
    run_due()
    repo.commit({BOT: policy("Two")})
    meanwhile(lambda: forge.tokens.update({repo.bare.name: NEWER}))

    poll()

    assert shown(admin, row)["error"]["code"] == "auth_failed"
    assert content(admin, "bot") == policy("One").encode()


@pytest.mark.django_db(transaction=True)
def test_a_link_and_a_deletion_at_once_leave_one_of_them(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """A link never names a credential that is gone."""
    made = token(admin, forge, TOKEN)
    clients = [like(admin), like(admin)]
    body = {"url": repo.url, "credential": "shared"}

    def act(number: int) -> int:
        if number:
            return int(clients[1].delete(f"{PATH}/{made['id']}").status_code)
        return int(clients[0].post("/v1/git-repos", body, format="json").status_code)

    statuses = together(2, act)

    assert statuses in ([201, 409], [400, 200])
    assert Link.objects.count() == GitCredential.objects.count()


def test_a_credential_that_expires_soon_is_warned_of_once(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """An event with the links that use it, and a mark on both rows; not again at each look."""
    soon = timezone.now() + timedelta(days=15)
    made = token(admin, forge, TOKEN, expires_at=soon.isoformat())
    row = link(admin, repo.url, credential="shared")
    before = (shared_credentials.warn(timezone.now()), shown(admin, row)["credential_expiring"])

    warned = [shared_credentials.warn(timezone.now() + timedelta(days=2)) for _ in range(2)]

    event = Event.objects.get()
    assert (before, warned) == ((0, False), [1, 0])
    assert event.kind == "credential_expiring"
    assert event.details["credential"] == "shared"
    assert event.details["git_repos"] == [row["id"]]
    assert get(admin, f"{PATH}/{made['id']}")["expiring"] is True
    after = shown(admin, row)
    assert after["credential_expiring"] is True
    assert datetime.fromisoformat(after["credential_expires_at"]) == soon


def test_one_that_expires_soon_is_warned_of_as_it_is_made(admin: APIClient) -> None:
    """Nobody waits for the next look; a later date takes the mark away."""
    now = timezone.now()
    made = credential(
        admin, token=TOKEN, expires_at=(now + timedelta(days=1)).isoformat(), **ELSEWHERE
    )

    after = change(admin, made, expires_at=(now + timedelta(days=100)).isoformat())

    assert (made["expiring"], after["expiring"]) == (True, False)
    assert Event.objects.count() == 1


def test_the_days_of_the_warning_are_a_setting(admin: APIClient, settings: Any) -> None:
    """`KEEPTRUSTS_CREDENTIAL_WARNING_DAYS`."""
    settings.ENV = dataclasses.replace(settings.ENV, credential_warning_days=3)
    near = timezone.now() + timedelta(days=4)

    made = credential(admin, token=TOKEN, expires_at=near.isoformat(), **ELSEWHERE)

    assert made["expiring"] is False


def test_a_name_is_taken_once(admin: APIClient) -> None:
    """By making and by renaming."""
    credential(admin, token=TOKEN, **ELSEWHERE)
    other = credential(admin, name="other", token=TOKEN, **ELSEWHERE)

    answers = [
        admin.post(
            PATH, {"name": "shared", "kind": "token", "token": TOKEN, **ELSEWHERE}, format="json"
        ),
        admin.patch(f"{PATH}/{other['id']}", {"name": "shared"}, format="json"),
    ]

    assert [(a.status_code, error(a)["code"]) for a in answers] == [(409, "name_taken")] * 2


def test_an_unknown_credential_is_not_found(admin: APIClient) -> None:
    """Whatever is asked of it."""
    path = f"{PATH}/{uuid4()}"

    answers = [admin.get(path), admin.patch(path, {"name": "x"}, format="json"), admin.delete(path)]

    assert [answer.status_code for answer in answers] == [404] * 3


def test_credentials_need_a_token(client: APIClient) -> None:
    """As everything below /v1."""
    assert client.get(PATH).status_code == 401


GOOD: dict[str, Any] = {"name": "x", "kind": "token", "token": TOKEN, "hosts": ["forge.example"]}
LINE = (
    "forge.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7/F/junr7RdWGcL4I0kkB/kEXXfyYT9qfLqUvcbtz9"
)
SSH: dict[str, Any] = {
    "name": "x",
    "kind": "ssh",
    "hosts": ["forge.example"],
    "private_key": "x",
    "known_hosts": LINE,
}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"), ({"name": "A"}, "name"), ({"name": "-x"}, "name"),
    ({"name": "x" * 101}, "name"), ({"name": "a/b"}, "name"),
    ({"kind": "oauth"}, "kind"), ({"kind": "basic"}, "password"),
    ({"hosts": []}, "hosts"), ({"hosts": "forge.example"}, "hosts"), ({"hosts": [""]}, "hosts"),
    ({"hosts": ["https://forge.example"]}, "hosts"), ({"hosts": ["*.example"]}, "hosts"),
    ({"hosts": ["forge.example/org"]}, "hosts"), ({"hosts": ["forge.example:0"]}, "hosts"),
    ({"hosts": ["-oProxyCommand=x"]}, "hosts"), ({"hosts": ["a@forge.example"]}, "hosts"),
    ({"hosts": [f"h{n}.example" for n in range(51)]}, "hosts"),
    ({"token": ""}, "token"), ({"token": "a b"}, "token"), ({"token": "a\nb"}, "token"),
    ({"token": 7}, "token"), ({"token": "x" * 4001}, "token"),
    ({"authorization": "digest"}, "authorization"),
    ({"authorization": "bearer", "username": "me"}, "username"),
    ({"username": "a:b"}, "username"), ({"username": "a\nb"}, "username"),
    ({"password": "p"}, "password"), ({"known_hosts": LINE}, "known_hosts"),
    ({"expires_at": "soon"}, "expires_at"), ({"secret": "x"}, "secret"), ({"id": "x"}, "id"),
    ({**SSH, "token": TOKEN}, "token"), ({**SSH, "username": "me"}, "username"),
    ({**SSH, "known_hosts": "forge.example"}, "known_hosts"),
    ({**SSH, "known_hosts": "forge.example ssh-ed25519 !"}, "known_hosts"),
    ({**SSH, "known_hosts": "forge.example ssh-rsa AAAAC3NzaC1lZDI1NTE5"}, "known_hosts"),
    ({**SSH, "known_hosts": LINE.replace("forge", "other")}, "known_hosts"),
    ({**SSH, "known_hosts": "!" + LINE}, "known_hosts"),
    ({**SSH, "known_hosts": "# none"}, "known_hosts"),
    (SSH, "private_key"), ({**SSH, "private_key": ""}, "private_key"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field"), BAD, ids=range(len(BAD)))
def test_a_bad_field_is_named(admin: APIClient, fields: dict[str, Any], field: str) -> None:
    """And nothing is kept."""
    body = fields if fields.get("kind") == "ssh" else {**GOOD, **fields}

    status, names = refusal(admin.post(PATH, body, format="json"))

    assert (status, {name.split(".")[0] for name in names}) == (400, {field})
    assert GitCredential.objects.count() == 0


@pytest.mark.parametrize("missing", ["name", "kind", "hosts", "token"])
def test_a_missing_field_is_named(admin: APIClient, missing: str) -> None:
    """Each kind has its own."""
    body = {name: value for name, value in GOOD.items() if name != missing}

    assert refusal(admin.post(PATH, body, format="json")) == (400, [missing])


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        ("forge.example", "forge.example", 201),
        ("other.example,forge.example", "forge.example", 201),
        ("*.example", "forge.example", 201),
        ("*.example,!forge.example", "forge.example", 400),
        ("[forge.example]:2222", "forge.example:2222", 201),
        ("forge.example", "forge.example:2222", 400),
        ("[forge.example]:2222", "forge.example", 400),
        ("forge.example", "forge.example:22", 201),
        ("|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM=", "forge.example", 400),
        ("|1|!|", "forge.example", 400),
        ("@cert-authority *.example", "forge.example", 201),
        ("@revoked *", "forge.example", 400),
        ("*,![forge.example]:2222", "forge.example:2222", 400),
        ("*,![forge.example]:2222", "forge.example:2223", 201),
        ("# a comment\x0bforge.example", "forge.example", 400),
        ("# a comment\rforge.example", "forge.example", 400),
    ],
)
def test_every_host_has_a_known_key(
    admin: APIClient, ssh_forge: SSHForge, names: str, host: str, expected: int
) -> None:
    """As ssh would look for it; one that has none could never be reached."""
    line = f"{names} {LINE.split(' ', 1)[1]}"
    body = {**SSH, "hosts": [host], "known_hosts": line, "private_key": ssh_forge.private_key}

    assert admin.post(PATH, body, format="json").status_code == expected


def test_a_hashed_name_is_found(admin: APIClient, ssh_forge: SSHForge) -> None:
    """As `ssh-keygen -H` writes it."""
    salt = b"0123456789abcdef0123"
    digest = hmac.new(salt, b"forge.example", hashlib.sha1).digest()
    names = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    body = {
        **SSH,
        "known_hosts": f"{names} {LINE.split(' ', 1)[1]}",
        "private_key": ssh_forge.private_key,
    }

    assert admin.post(PATH, body, format="json").status_code == 201


def test_the_kind_stays(admin: APIClient) -> None:
    """Another kind is another credential."""
    made = credential(admin, token=TOKEN, **ELSEWHERE)

    answers = [
        admin.patch(f"{PATH}/{made['id']}", fields, format="json")
        for fields in ({"kind": "ssh"}, {"password": "p"}, {})
    ]

    assert [refusal(answer) for answer in answers] == [
        (400, ["kind"]), (400, ["password"]), (400, ["body"]),
    ]  # fmt: skip


def test_times_are_utc(admin: APIClient) -> None:
    """What is sent with another offset is the same moment."""
    made = credential(admin, token=TOKEN, expires_at="2999-01-01T02:00:00+02:00", **ELSEWHERE)

    moment = datetime(2999, 1, 1, tzinfo=UTC)
    assert datetime.fromisoformat(made["expires_at"]) == moment
