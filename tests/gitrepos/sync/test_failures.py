"""Failures of a forge: each has a code, ends, leaks nothing and leaves all in force."""

import base64
import dataclasses
import itertools
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from celery.signals import worker_ready
from rest_framework.test import APIClient

from gitrepos.forge import check
from gitrepos.forge.git import complaints
from gitrepos.models import Remote, SyncRun
from gitrepos.polling import schedule
from gitrepos.snapshot import ladder, repository
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy
from tests.support.stack import free_port
from tests.support.syncing import (
    content,
    get,
    link,
    poll,
    request,
    run_due,
    runs,
    shown,
)

pytestmark = pytest.mark.django_db

TOKEN = "kt-only-for-tests-3f9a1c55d0"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
BOT = "bot/policy-config.yaml"
Provoke = Callable[[Forge, Repo], None]


def answering(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Provoke:
    """Each request gets this answer."""

    def provoke(forge: Forge, repo: Repo) -> None:
        forge.answers[repo.bare.name] = (status, dict(headers or {}), body)

    return provoke


def twisting(twist: Callable[[bytes], Reply | None]) -> Provoke:
    """The answer that carries a pack is another; the check before it goes well."""

    def provoke(forge: Forge, repo: Repo) -> None:
        def twisted(_method: str, reply: Reply) -> Reply:
            return (twist(reply[2]) if b"PACK" in reply[2] else None) or reply

        forge.twists[repo.bare.name] = twisted

    return provoke


def pkt(text: bytes) -> bytes:
    """One line of git's wire format."""
    return b"%04x%s" % (len(text) + 4, text)


PACK = {"Content-Type": "application/x-git-upload-pack-result"}
REFS = {"Content-Type": "application/x-git-upload-pack-advertisement"}
HTML = b"<!DOCTYPE html><title>Sign in</title><p>" + TOKEN.encode()
ECHO = pkt(b"ERR token " + TOKEN.encode() + b" or " + BASIC.encode() + b" is bad\x1b[31m\x00\n")


def _cut(body: bytes) -> Reply:
    return 200, {**PACK, "Content-Length": str(len(body))}, body[: len(body) // 2]


def _short(body: bytes) -> Reply:
    return 200, PACK, body[: len(body) // 2]


def _garbled(body: bytes) -> Reply:
    at = body.index(b"PACK") + 12
    return 200, PACK, body[:at] + bytes(b ^ 0x5A for b in body[at:])


def _sideband(body: bytes) -> Reply:
    said = f"error: 404 not found, timed out\x0cfatal: {TOKEN}\n".encode()
    return 200, PACK, pkt(b"packfile\n") + pkt(b"\x02" + said) + pkt(b"\x03" + said) + b"0000"


# What happens, the code it has, and what its message must say.
PROVOCATIONS: Mapping[str, tuple[Provoke, str, str]] = {
    "401": (answering(401, {"WWW-Authenticate": "Basic"}), "auth_failed", "access_token"),
    "401 without a challenge": (answering(401), "auth_failed", "access_token"),
    "403": (answering(403, {"Content-Type": "text/plain"}, HTML), "auth_failed", "access_token"),
    "404": (answering(404), "repo_not_found", "no such repository"),
    "500": (answering(500, {"Content-Type": "text/plain"}, HTML), "unreachable", "error: 500"),
    "503": (answering(503), "unreachable", "error: 503"),
    "301": (answering(301, {"Location": "/elsewhere.git/info/refs"}), "moved", "new url"),
    "302": (answering(302, {"Location": "file:///etc/passwd"}), "moved", "new url"),
    "308": (answering(308, {"Location": "/elsewhere.git/info/refs"}), "moved", "new url"),
    "a page": (answering(200, {"Content-Type": "text/html"}, HTML), "auth_failed", "web page"),
    "203": (answering(203, {"Content-Type": "text/html"}, HTML), "auth_failed", "web page"),
    "a sign-in": (
        answering(302, {"Location": f"https://sso.example/{TOKEN}"}), "auth_failed", "sign in",
    ),
    "451": (answering(451), "taken_down", "legal reasons"),
    "a page called refs": (answering(200, REFS, HTML), "bad_answer", "protocol|understand"),
    "nothing": (answering(200, REFS), "bad_answer", "protocol|understand"),
    "binary": (answering(200, REFS, bytes(range(256))), "bad_answer", "protocol|understand"),
    "an error that echoes": (answering(200, REFS, ECHO), "bad_answer", r"\*\*\*"),
    "endless refs": (
        answering(200, REFS, pkt(b"# service=git-upload-pack\n") + b"0000" + b"0" * 10_000_000),
        "bad_answer",
        "protocol|understand",
    ),
    "a connection cut": (twisting(_cut), "bad_answer", "protocol|understand"),
    "a pack cut short": (twisting(_short), "bad_answer", "protocol|understand"),
    "a garbled pack": (twisting(_garbled), "bad_answer", "protocol|understand"),
    "an error after the head": (
        twisting(lambda _: (200, PACK, ECHO)), "bad_answer", r"\*\*\*",
    ),
    "an error beside the pack": (twisting(_sideband), "bad_answer", "protocol|understand"),
    "500 after the head": (twisting(lambda _: (500, {}, b"")), "unreachable", "500"),
    "401 after the head": (twisting(lambda _: (401, {}, b"")), "auth_failed", "access_token"),
    "307 after the head": (
        twisting(lambda _: (307, {"Location": "/elsewhere.git"}, b"")), "moved", "new url",
    ),
}  # fmt: skip


def leaks(admin: APIClient, row: dict[str, object], data_dir: Path, log: str) -> list[str]:
    """Where the token can be found: in an answer, a row, the log, or a file."""
    paths = ("", f"/{row['id']}", f"/{row['id']}/syncs", f"/{row['id']}/files")
    places = {f"GET {path}": admin.get(f"/v1/git-repos{path}").content.decode() for path in paths}
    places["rows"] = repr([*SyncRun.objects.values(), *Remote.objects.values()])
    places["log"] = log
    for file in data_dir.rglob("*"):
        places[str(file)] = file.read_bytes().decode(errors="replace") if file.is_file() else ""
    return [place for place, text in places.items() if TOKEN in text or BASIC in text]


@pytest.mark.smoke
@pytest.mark.parametrize("code", sorted({code for _, code, _ in PROVOCATIONS.values()}))
def test_a_failure_has_its_code_and_ends(
    admin: APIClient,
    forge: Forge,
    repo: Repo,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    """What is in force stays, the token shows nowhere, and a poll that goes well mends it."""
    caplog.set_level(logging.DEBUG)
    forge.tokens[repo.bare.name] = TOKEN
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url, access_token=TOKEN)
    run_due()
    commit = repo.commit({BOT: policy("Two")})
    for name, (provoke, _, says) in PROVOCATIONS.items():
        if PROVOCATIONS[name][1] != code:
            continue
        ladder.forget()
        provoke(forge, repo)

        poll()

        failed = shown(admin, row)
        assert (failed["status"], failed["error"]["code"]) == ("error", code), (name, failed)
        assert re.search(says, failed["error"]["message"]), (name, failed)
        assert failed["error"]["message"].isprintable(), name
        assert failed["last_commit"] != commit, name
        assert content(admin, "bot") == policy("One").encode(), name
        assert runs(admin, row)[0]["error"] == failed["error"], name
        assert leaks(admin, row, data_dir, caplog.text) == [], name
        forge.release(repo)

    poll()

    mended = shown(admin, row)
    assert (mended["status"], mended["error"], mended["last_commit"]) == ("synced", None, commit)
    assert content(admin, "bot") == policy("Two").encode()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed(
    admin: APIClient, forge: Forge, repo: Repo, tmp_path: Path, method: str
) -> None:
    """Its target gets no request and so no token, whichever request is answered so."""
    # Else nothing is asked by GET.
    repo.git("config", "uploadpack.allowFilter", "false", at=repo.bare)
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, access_token=TOKEN)
    with Forge(tmp_path / "elsewhere") as elsewhere:
        location = {"Location": f"{elsewhere.url}/{repo.bare.name}/info/refs"}
        for status in (301, 302, 303, 307, 308):
            ladder.forget()
            redirect: Reply = (status, location, b"")
            forge.twists[repo.bare.name] = partial(_redirected, method, redirect)

            poll()

            assert shown(admin, row)["error"]["code"] == "moved", status
            assert elsewhere.requests == [], status


def _redirected(method: str, redirect: Reply, got: str, reply: Reply) -> Reply:
    return redirect if got == method else reply


@pytest.mark.smoke
@pytest.mark.parametrize("when", ["the check", "the fetch", "the blobs"])
def test_a_server_that_hangs_is_left_at_the_deadline(
    admin: APIClient, forge: Forge, repo: Repo, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """No process is left of it, and the next poll that goes well mends it."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    repo.commit({BOT: policy("Two")})
    hold = forge.holds[repo.bare.name] = threading.Event()
    if when != "the check":
        del forge.holds[repo.bare.name]
        packs = itertools.count(0 if when == "the blobs" else 1)

        def late(_method: str, reply: Reply) -> Reply:
            if b"PACK" in reply[2] and next(packs) >= 1:
                hold.wait(60)
            return reply

        forge.twists[repo.bare.name] = late

    with monkeypatch.context() as patch:
        if when == "the check":
            patch.setattr(check, "_DEADLINE_SECONDS", 1)
        else:
            patch.setattr(repository, "_FETCH_SECONDS", 1)
        poll()

    failed = shown(admin, row)
    assert failed["error"] == {
        "code": "timeout", "message": "The server did not answer in time.",
    }  # fmt: skip
    assert content(admin, "bot") == policy("One").encode()
    hold.set()
    forge.release(repo)
    poll()
    assert shown(admin, row)["status"] == "synced"


def test_a_fetch_that_takes_too_long_altogether_times_out(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each of its steps is quick enough: a lease holds all of them."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    with monkeypatch.context() as patch:
        patch.setattr(repository, "_SECONDS", 0)
        run_due()
    late = shown(admin, row)["error"]

    poll()

    assert late == {"code": "timeout", "message": "The repository took over 0 s to read."}
    assert shown(admin, row)["status"] == "synced"


def test_one_that_hangs_delays_no_other(
    admin: APIClient,
    forge: Forge,
    make_repo: Callable[[], Repo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the same claim: the others are synced, the one times out."""
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 2)
    repos = [make_repo() for _ in range(3)]
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
    rows = [link(admin, repo.url) for repo in repos]
    forge.holds[repos[0].bare.name] = threading.Event()

    run_due()

    assert [shown(admin, row)["status"] for row in rows] == ["error", "synced", "synced"]
    forge.release(repos[0])


@pytest.mark.smoke
def test_a_server_that_is_down_is_unreachable(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """And synced when it is up."""
    repo.commit({BOT: policy()})
    port = free_port()
    row = link(admin, f"http://127.0.0.1:{port}/{repo.bare.name}")
    run_due()
    before = shown(admin, row)["error"]

    with Forge(forge.root, port):
        poll()

    assert before["code"] == "unreachable"
    assert "Failed to connect" in before["message"]
    assert shown(admin, row)["status"] == "synced"


def test_a_name_that_does_not_resolve_is_unreachable(admin: APIClient) -> None:
    """Nothing is dialled for it."""
    row = link(admin, "http://nowhere.invalid/org/repo.git")

    run_due()

    assert shown(admin, row)["error"] == {
        "code": "unreachable",
        "message": "The host name 'nowhere.invalid' does not resolve.",
    }


def test_a_name_or_path_that_reads_like_a_complaint_is_none(admin: APIClient) -> None:
    """What somebody typed into the url does not choose the code."""
    port = free_port()
    words = "redirect,SSL,timed-out,error:404,Authentication-failed,couldnt-find-remote-ref"
    row = link(admin, f"http://127.0.0.1:{port}/{words}.git")

    run_due()

    assert shown(admin, row)["error"]["code"] == "unreachable"


@pytest.mark.smoke
def test_a_private_address_is_not_dialled(
    admin: APIClient, forge: Forge, repo: Repo, settings
) -> None:  # type: ignore[no-untyped-def]
    """Unless the operator allows it; the link stalls until then, and the message names how."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, access_token=TOKEN)
    allowing = settings.ENV
    settings.ENV = dataclasses.replace(allowing, git_allowed_networks=())
    run_due()
    refused = shown(admin, row)
    calls = forge.calls(repo)
    due = Remote.objects.get().next_poll_at
    settings.ENV = allowing

    assert schedule.retry_stalled() == 1
    run_due()

    assert (refused["status"], refused["error"]["code"]) == ("stalled", "host_not_allowed")
    assert "KEEPTRUSTS_GIT_ALLOWED_NETWORKS" in refused["error"]["message"]
    assert (calls, due) == ([], None)
    assert shown(admin, row)["status"] == "synced"


class _Consumer(NamedTuple):
    """What a worker says that it is ready by."""

    hostname: str


@pytest.mark.parametrize(("name", "is_tried"), [("tick@here", True), ("sync@here", False)])
def test_a_stalled_link_is_tried_again_once_a_poller_starts(
    admin: APIClient, repo: Repo, settings, name: str, is_tried: bool
) -> None:  # type: ignore[no-untyped-def]
    """A syncer has no part in it: it is not who asks forges what is new."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    allowing = settings.ENV
    settings.ENV = dataclasses.replace(allowing, git_schemes=frozenset(["https"]))
    run_due()
    settings.ENV = allowing

    worker_ready.send(_Consumer(name))
    run_due()

    assert shown(admin, row)["status"] == ("synced" if is_tried else "stalled")


def test_a_stalled_link_is_tried_again_when_asked(admin: APIClient, repo: Repo, settings) -> None:  # type: ignore[no-untyped-def]
    """By a request for a sync, without a restart; a failure stalls it again."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url)
    settings.ENV = dataclasses.replace(settings.ENV, git_schemes=frozenset(["https"]))
    run_due()

    request(admin, row)
    run_due()

    stalled = shown(admin, row)
    assert (stalled["status"], stalled["error"]["code"]) == ("stalled", "host_not_allowed")
    assert Remote.objects.get().next_poll_at is None
    assert [run["occurrences"] for run in runs(admin, row)] == [2]


@pytest.mark.smoke
def test_a_wrong_token_is_refused_until_the_server_takes_it(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The right one lets the link in."""
    forge.tokens[repo.bare.name] = "another"
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, access_token=TOKEN)
    run_due()
    refused = shown(admin, row)["error"]["code"]
    forge.tokens[repo.bare.name] = TOKEN

    poll()

    assert refused == "auth_failed"
    assert shown(admin, row)["status"] == "synced"


def test_a_token_that_no_key_opens_says_so(admin: APIClient, repo: Repo, settings) -> None:  # type: ignore[no-untyped-def]
    """The forge is not asked without it; with the key back it is synced."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, access_token=TOKEN)
    keys = settings.ENV.secret_keys
    settings.ENV = dataclasses.replace(settings.ENV, secret_keys=("another-key-" * 4,))
    poll()
    settings.ENV = dataclasses.replace(settings.ENV, secret_keys=keys)
    lost = shown(admin, row)

    poll()

    assert (lost["status"], lost["error"]["code"]) == ("error", "credential_unreadable")
    assert shown(admin, row)["status"] == "synced"


def test_a_token_goes_to_its_own_server_alone(
    admin: APIClient, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """A link without one sends none, beside one that does."""
    secret, public = make_repo(), make_repo()
    for number, repo in enumerate((secret, public)):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
    link(admin, secret.url, access_token=TOKEN)
    link(admin, public.url)

    run_due()

    sent = {path.split("/")[1]: value for path, value in forge.authorizations}
    assert sent.get(secret.bare.name) == f"Basic {BASIC}"
    assert public.bare.name not in sent


def test_a_failed_fetch_leaves_the_good_commit_shown(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """The link still names the commit that is in force."""
    good = repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    forge.answers[repo.bare.name] = (503, {}, b"")

    poll()

    assert json.loads(json.dumps(shown(admin, row)))["last_commit"] == good
    assert get(admin, "/v1/configurations/bot")["status"] == "active"


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_forge(
    admin: APIClient, repo: Repo, data_dir: Path, settings: Any
) -> None:
    """Where git reads, which needs it: the sync does not crash either. A judge needs none."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    data_dir.write_text("a file where the folder should be")

    run_due()

    assert content(admin, "bot") == policy("One").encode()
    settings.ENV = dataclasses.replace(settings.ENV, git_reader="git")
    repo.commit({BOT: policy("Two")})

    poll()

    error = shown(admin, row)["error"]
    assert error["code"] == "internal"
    assert "cannot be written here" in error["message"]
    assert str(data_dir) not in error["message"]


@pytest.mark.parametrize(
    ("complaint", "code"),
    [
        ("fatal: write error: No space left on device\nfatal: index-pack failed", "internal"),
        (
            "fatal: cannot update ref 'refs/x': couldn't write '/data/work/x/refs/head.lock'",
            "internal",
        ),
        ("fatal: failed to write new configuration file /data/work/x/config.lock", "internal"),
        ("fatal: remote error: No space left on device", "bad_answer"),
    ],
)
def test_a_full_disk_is_told_from_that_of_the_forge(complaint: str, code: str) -> None:
    """In words of git that were seen on a full disk; none shows where the data folder is."""
    error = complaints.translated(128, complaint, is_late=False)

    assert error.code == code
    assert "/data" not in error.message
