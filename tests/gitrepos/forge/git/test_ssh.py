"""Links by ssh against a real server: user keys, host keys and errors."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from rest_framework.test import APIClient

from gitrepos.forge import check, secret
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import known_hosts, runner
from gitrepos.models import Link
from gitrepos.sync import preview
from tests.support.credentials import change, credential, deploy_key
from tests.support.forge import Forge
from tests.support.processes import below
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge
from tests.support.stack import free_port, wait_for
from tests.support.syncing import content, hashes, link, poll, run_due, shown

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"


def fingerprint(key: asyncssh.SSHKey) -> str:
    """As ssh shows it."""
    return str(key.get_fingerprint())


@pytest.mark.smoke
@pytest.mark.parametrize("filters", ["true", "false"])
def test_a_link_by_ssh_is_synced(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo, filters: str
) -> None:
    """And polled; from a server that hands out single objects, or whole commits alone."""
    repo.git("config", "uploadpack.allowFilter", filters, at=repo.bare)
    repo.git("config", "uploadpack.allowAnySHA1InWant", filters, at=repo.bare)
    repo.commit({BOT: policy("One")})
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    run_due()
    first = shown(admin, row)
    commit = repo.commit({BOT: policy("Two")})

    poll()

    assert (first["status"], first["credential"]) == ("synced", "shared")
    assert shown(admin, row)["last_commit"] == commit
    assert content(admin, "bot") == policy("Two").encode()


def test_the_short_form_is_the_same_repository(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """`user@host:path`, as forges show it; here only its port is another."""
    deploy_key(admin, ssh_forge, hosts=["127.0.0.1"], known_hosts=f"* {_public(ssh_forge)}")

    row = link(admin, f"git@127.0.0.1:{repo.bare.name}", credential="shared")

    assert row["url"] == f"ssh://git@127.0.0.1/{repo.bare.name}"


def _public(forge: SSHForge) -> str:
    return forge.known_hosts().split(" ", 1)[1]


def _unknown_host(forge: SSHForge, admin: APIClient, row: dict[str, Any]) -> None:
    """The operator named another key for the host."""
    other = asyncssh.generate_private_key("ssh-ed25519")
    line = f"[127.0.0.1]:{forge.port} {other.export_public_key().decode()}"
    change(admin, row, known_hosts=line)


def _changed_host(forge: SSHForge, admin: APIClient, row: dict[str, Any]) -> None:
    forge.host_key = asyncssh.generate_private_key("ssh-ed25519")
    forge.restart()


@pytest.mark.smoke
@pytest.mark.parametrize("provoke", [_unknown_host, _changed_host])
def test_a_server_that_shows_another_key_is_refused(
    admin: APIClient,
    ssh_forge: SSHForge,
    repo: Repo,
    provoke: Callable[[SSHForge, APIClient, dict[str, Any]], None],
) -> None:
    """With both fingerprints; it is not asked for anything, and what is in force stays."""
    repo.commit({BOT: policy("One")})
    row = deploy_key(admin, ssh_forge)
    linked = link(admin, ssh_forge.url(repo), credential="shared")
    run_due()
    repo.commit({BOT: policy("Two")})
    provoke(ssh_forge, admin, row)
    ssh_forge.commands.clear()

    poll()

    error = shown(admin, linked)["error"]
    expected = known_hosts.parse(get_known_hosts(admin, row))[0].fingerprint
    assert error["code"] == "host_key_mismatch"
    assert f"It shows {fingerprint(ssh_forge.host_key)} (ssh-ed25519)" in error["message"]
    assert f"known_hosts has {expected}" in error["message"]
    assert ssh_forge.commands == []
    assert content(admin, "bot") == policy("One").encode()


def get_known_hosts(admin: APIClient, row: dict[str, Any]) -> str:
    """What a credential has now."""
    text: str = admin.get(f"/v1/git-credentials/{row['id']}").json()["data"]["known_hosts"]
    return text


def test_a_changed_host_key_is_taken_when_somebody_says_so(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """A new known_hosts mends every link of the credential at once."""
    commit = repo.commit({BOT: policy()})
    row = deploy_key(admin, ssh_forge)
    linked = link(admin, ssh_forge.url(repo), credential="shared")
    _changed_host(ssh_forge, admin, row)
    run_due()

    change(admin, row, known_hosts=ssh_forge.known_hosts())
    run_due()

    assert shown(admin, linked)["last_commit"] == commit


@pytest.mark.smoke
def test_a_key_that_the_server_does_not_take_is_auth_failed(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """Until it does."""
    repo.commit({BOT: policy()})
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    ssh_forge.taken.clear()
    run_due()
    refused = shown(admin, row)["error"]
    ssh_forge.behave()

    poll()

    assert refused == {
        "code": "auth_failed",
        "message": "The server refuses the ssh key of this credential.",
    }
    assert shown(admin, row)["status"] == "synced"


SAYS = [
    (b"ERROR: Repository not found.\n", "repo_not_found"),
    (b"remote: ERROR: The project could not be found, or you may not view it.\n", "bad_answer"),
    (b"ERROR: The project you were looking for could not be found.\n", "repo_not_found"),
    (b"Welcome! There is no git here.\n", "bad_answer"),
    (b"", "bad_answer"),
]


def test_what_a_forge_says_by_ssh_has_a_code(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """It speaks through standard error alone."""
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    for says, code in SAYS:
        ssh_forge.says = says or b"\n"

        poll()

        assert shown(admin, row)["error"]["code"] == code, says


def test_a_repository_that_is_not_there_is_not_found(admin: APIClient, ssh_forge: SSHForge) -> None:
    """By git's own words."""
    deploy_key(admin, ssh_forge)
    row = link(admin, f"ssh://git@127.0.0.1:{ssh_forge.port}/none.git", credential="shared")

    run_due()

    assert shown(admin, row)["error"]["code"] == "repo_not_found"


def test_a_branch_that_is_not_there_is_not_found(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """By ssh as by https."""
    repo.commit({BOT: policy()})
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared", branch="none")

    run_due()

    assert shown(admin, row)["error"]["code"] == "branch_not_found"


def test_a_server_that_is_down_is_unreachable(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """Nothing listens there."""
    port = free_port()
    line = f"[127.0.0.1]:{port} {_public(ssh_forge)}"
    deploy_key(admin, ssh_forge, hosts=[f"127.0.0.1:{port}"], known_hosts=line)
    row = link(admin, f"ssh://git@127.0.0.1:{port}/{repo.bare.name}", credential="shared")

    run_due()

    error = shown(admin, row)["error"]
    assert error["code"] == "unreachable"
    assert "Connection refused" in error["message"]


@pytest.mark.smoke
def test_a_server_that_hangs_is_left_at_the_deadline(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ssh with it."""
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 2)
    repo.commit({BOT: policy()})
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    ssh_forge.hold = threading.Event()

    run_due()

    assert shown(admin, row)["error"]["code"] == "timeout"
    ssh_forge.behave()
    poll()
    assert shown(admin, row)["status"] == "synced"


def test_a_banner_does_not_choose_the_code(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """What a server says to everybody is no complaint of ssh."""
    ssh_forge.banner = "Host key verification failed. fatal: timed out\n"
    deploy_key(admin, ssh_forge)
    row = link(admin, f"ssh://git@127.0.0.1:{ssh_forge.port}/none.git", credential="shared")

    run_due()

    assert shown(admin, row)["error"]["code"] == "repo_not_found"


def test_ssh_is_pinned_to_the_checked_address(ssh_forge: SSHForge, repo: Repo) -> None:
    """Whatever the name means by now; the server is still known by that name."""
    commit = repo.commit({BOT: policy()})

    output = runner.run(
        ["ls-remote", "origin", "HEAD"],
        access=reach(ssh_forge, repo, host="forge.invalid"),
        deadline_seconds=20,
        max_bytes=1000,
    )

    assert output.decode() == f"{commit}\tHEAD\n"


def reach(forge: SSHForge, repo: Repo, *, host: str = "127.0.0.1") -> runner.Access:
    """How the runner reaches a repository by ssh."""
    proof = secret.Secret(
        private_key=forge.private_key,
        known_hosts=forge.known_hosts(host),
    )
    return runner.Access(parse(forge.url(repo, host), schemes=["ssh"]), ("127.0.0.1",), proof)


def test_nothing_of_this_machine_reaches_ssh(
    ssh_forge: SSHForge,
    repo: Repo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No agent, no configuration, no known host of whoever runs the worker."""
    marker, home = tmp_path / "marker", tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    hostile = ("ProxyCommand touch {}", "PermitLocalCommand yes", "LocalCommand touch {}")
    (home / ".ssh/config").write_text("\n".join(hostile).format(marker, marker))
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "SSH_ASKPASS"):
        monkeypatch.setenv(name, f"touch {marker}")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    repo.commit({BOT: policy()})

    output = runner.run(
        ["ls-remote", "origin", "HEAD"],
        access=reach(ssh_forge, repo),
        deadline_seconds=20,
        max_bytes=1000,
    )

    assert output.endswith(b"\tHEAD\n")
    assert not marker.exists()
    assert sorted(path.name for path in (home / ".ssh").iterdir()) == ["config"]


@pytest.mark.smoke
def test_the_key_is_in_nothing_that_another_process_can_read(
    ssh_forge: SSHForge, repo: Repo, data_dir: Path
) -> None:
    """Neither command line nor environment while ssh runs, and in no file of the data folder."""
    ssh_forge.commands.clear()
    ssh_forge.hold = threading.Event()
    lines = ssh_forge.private_key.splitlines()[1:-1]

    def ask() -> None:
        runner.run(
            ["ls-remote", "origin"],
            access=reach(ssh_forge, repo),
            deadline_seconds=30,
            max_bytes=1000,
        )

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: ssh_forge.commands)
    children = below(os.getpid())
    ssh_forge.behave()
    thread.join()

    assert [line for line, _ in children.values() if line.startswith(b"ssh\0")]
    seen = b"".join(part for child in children.values() for part in child)
    assert [line for line in lines if line.encode() in seen] == []
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


def test_a_server_shows_its_keys_to_anybody(ssh_forge: SSHForge, repo: Repo) -> None:
    """What a person compares with the forge's page before trusting it."""
    [shown] = runner.host_keys(parse(ssh_forge.url(repo), schemes=["ssh"]), "127.0.0.1")

    assert (shown.kind, shown.fingerprint) == ("ssh-ed25519", fingerprint(ssh_forge.host_key))


def test_no_server_shows_no_keys(repo: Repo) -> None:
    """It is unreachable, not keyless."""
    url = parse(f"ssh://127.0.0.1:{free_port()}/r", schemes=["ssh"])

    with pytest.raises(runner.errors.UnreachableError):
        runner.host_keys(url, "127.0.0.1")


@pytest.mark.parametrize(
    ("kind", "passphrase"), [("ed25519", "correct horse"), ("ecdsa", "correct horse"), ("rsa", "")]
)
def test_a_key_that_ssh_keygen_made_is_taken(
    admin: APIClient,
    ssh_forge: SSHForge,
    repo: Repo,
    tmp_path: Path,
    kind: str,
    passphrase: str,
) -> None:
    """With its passphrase, which is not kept: the stored key has none."""
    file = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(file)], check=True
    )
    public = file.with_suffix(".pub").read_text().strip()
    ssh_forge.taken.add(public)
    repo.commit({BOT: policy()})
    extra = {"passphrase": passphrase} if passphrase else {}

    row = deploy_key(admin, ssh_forge, private_key=file.read_text(), **extra)

    link(admin, ssh_forge.url(repo), credential="shared")
    run_due()
    assert row["public_key"] == public
    assert row["fingerprint"] == fingerprint(asyncssh.import_public_key(public))
    assert list(hashes()) == ["bot"]


def test_an_ssh_key_does_not_go_by_https(
    admin: APIClient, ssh_forge: SSHForge, forge: Forge, repo: Repo
) -> None:
    """A link says so at once."""
    deploy_key(admin, ssh_forge)
    body = {"url": repo.url, "credential": "shared"}

    answer = admin.post("/v1/git-repos", body, format="json")

    assert answer.status_code == 400
    assert "kind ssh" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "field"), [({}, "credential"), ({"access_token": "t" * 20}, "access_token")]
)
def test_an_ssh_url_wants_an_ssh_key(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo, fields: dict[str, str], field: str
) -> None:
    """Nobody is let in otherwise, and no host is believed."""
    body = {"url": ssh_forge.url(repo), **fields}

    answer = admin.post("/v1/git-repos", body, format="json")

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_a_token_is_not_for_ssh(admin: APIClient, ssh_forge: SSHForge, repo: Repo) -> None:
    """Of a shared credential neither."""
    credential(admin, token="t" * 20, hosts=[f"127.0.0.1:{ssh_forge.port}"])
    body = {"url": ssh_forge.url(repo), "credential": "shared"}

    answer = admin.post("/v1/git-repos", body, format="json")

    assert answer.status_code == 400
    assert "kind token" in answer.json()["error"]["message"]


def test_a_trial_shows_the_keys_of_the_server(
    admin: APIClient, ssh_forge: SSHForge, repo: Repo
) -> None:
    """For a person to compare, also when they are not those that were expected."""
    repo.commit({BOT: policy()})
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    stored = Link.objects.select_related("remote").get(pk=row["id"])
    ssh_forge.host_key = asyncssh.generate_private_key("ssh-ed25519")
    ssh_forge.restart()

    answer = preview.of(stored)

    assert answer["error"]["code"] == "host_key_mismatch"
    assert answer["host_keys"] == [
        {"type": "ssh-ed25519", "fingerprint": fingerprint(ssh_forge.host_key)}
    ]
