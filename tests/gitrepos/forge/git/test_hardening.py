"""Hardening of git children: their environment and rights, with nothing of this machine."""

import base64
import contextlib
import ipaddress
import logging
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from gitrepos.errors import (
    BadAnswerError,
    InternalError,
    RemoteError,
    TimedOutError,
    TooLargeError,
    UnsafeObjectError,
)
from gitrepos.forge import check, secret
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.forge.secret import NOBODY
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.forge import Forge
from tests.support.processes import below, naming
from tests.support.repo import Repo, policy
from tests.support.stack import wait_for
from tests.support.syncing import codes, files, hashes, link, request, run_due, shown

TOKEN = "kt-only-for-tests-77e0b1"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
ALLOWED = (ipaddress.ip_network("127.0.0.0/8"),)


def access(repo: Repo, token: str = "") -> runner.Access:
    proof = secret.basic(token) if token else NOBODY
    return runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",), proof)


def shell(script: str, *, deadline_seconds: float = 20, max_bytes: int = 100_000) -> str:
    """Run a shell's line as a git child runs, and return what it prints."""
    output = runner.run(
        ["-c", f"alias.x=!{script}", "x"], deadline_seconds=deadline_seconds, max_bytes=max_bytes
    )
    return output.decode()


def take(
    repo: Repo, folder: Path, *, token: str = "", head: str = "0" * 40
) -> list[Snapshot | RemoteError]:
    """What a link to the whole of main takes; by git alone unless the server has `head`."""
    return fetch.take(
        access(repo, token),
        ref="refs/heads/main",
        head=head,
        asks=[FilesRequest("")],
        folder=folder,
    )


def asked(repo: Repo, token: str = "") -> check.RefsAnswer[str]:
    """What the cheap check says of main."""
    proof = secret.basic(token) if token else NOBODY
    question = check.RefsQuestion(
        "key", parse(repo.url, schemes=["http"]), proof, ("refs/heads/main",)
    )
    (answer,) = [a for group in check.check([question], terms=check.Terms(ALLOWED)) for a in group]
    return answer


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that hostile settings would make."""
    return tmp_path / "marker"


@pytest.fixture
def script(tmp_path: Path, marker: Path) -> Path:
    """A program that makes the marker."""
    path = tmp_path / "hostile.sh"
    path.write_text(f"#!/bin/sh\ntouch {marker}\necho password=x\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def hooks(tmp_path: Path, script: Path) -> Path:
    """A directory of hooks that make the marker."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name in ("reference-transaction", "post-checkout", "pre-auto-gc", "post-index-change"):
        (folder / name).symlink_to(script)
    return folder


@pytest.fixture
def hostile_config(tmp_path: Path, script: Path, hooks: Path) -> str:
    """A git configuration that sends what it can elsewhere and runs what it can."""
    return f"""\
[core]
	hooksPath = {hooks}
	fsmonitor = {script}
	sshCommand = {script}
	askPass = {script}
	gitProxy = {script}
[credential]
	helper = !{script}
[http]
	proxy = http://127.0.0.1:1
	followRedirects = true
	extraHeader = "X-Hostile: 1"
[url "http://127.0.0.1:1/"]
	insteadOf = http://127.0.0.1
[remote "origin"]
	url = http://127.0.0.1:1/elsewhere.git
	uploadpack = {script}
	proxy = http://127.0.0.1:1
[protocol]
	allow = always
[protocol "ext"]
	allow = always
"""


def _in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str) -> None:
    (tmp_path / "config").write_text(config)
    script = str(tmp_path / "hostile.sh")
    hostile = {
        "GIT_CONFIG_GLOBAL": str(tmp_path / "config"),
        "GIT_CONFIG_SYSTEM": str(tmp_path / "config"),
        "GIT_CONFIG_PARAMETERS": "'http.proxy'='http://127.0.0.1:1'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": "http://127.0.0.1:1",
        "GIT_ALLOW_PROTOCOL": "ext",
        "GIT_ASKPASS": script,
        "SSH_ASKPASS": script,
        "GIT_SSH": script,
        "GIT_SSH_COMMAND": script,
        "GIT_PROXY_COMMAND": script,
        "GIT_EXEC_PATH": str(tmp_path),
        "GIT_TEMPLATE_DIR": str(tmp_path),
        "GIT_DIR": str(tmp_path),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(tmp_path),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TRACE_CURL": str(tmp_path / "trace"),
        "GIT_TRACE_PACKET": str(tmp_path / "trace"),
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_PROTOCOL": "version=0",
        "GIT_SMART_HTTP": "0",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
        "all_proxy": "http://127.0.0.1:1",
        "PAGER": script,
        "EDITOR": script,
        "LANG": "de_DE.UTF-8",
        "LANGUAGE": "de",
        "KEEPTRUSTS_SECRET_KEY": "not-for-children",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)


def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str) -> None:
    home = tmp_path / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".gitconfig").write_text(config)
    (home / ".config/git/config").write_text(config)
    (home / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))


def _around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str) -> None:
    """The working directory of the worker is a repository: a checkout of this project, say."""
    (tmp_path / "around/deep").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "around")], check=True)
    (tmp_path / "around/.git/config").write_text(config)
    monkeypatch.chdir(tmp_path / "around/deep")


def _around_of_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str) -> None:
    """git refuses to work in a repository that another user owns."""
    _around(monkeypatch, tmp_path, config)
    if os.geteuid() != 0:
        pytest.skip("only root gives a directory away")
    for path in (tmp_path / "around", tmp_path / "around/.git"):
        os.chown(path, 65534, 65534)


Ambient = Callable[[pytest.MonkeyPatch, Path, str], None]


@pytest.mark.smoke
@pytest.mark.parametrize(
    "ambient", [_in_the_environment, _at_home, _around, _around_of_somebody_else]
)
def test_nothing_of_this_machine_has_an_effect(
    forge: Forge,
    repo: Repo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    marker: Path,
    hostile_config: str,
    ambient: Ambient,
) -> None:
    """No redirection, no proxy, no hook, no credential: a private repository is refused as such."""
    commit = repo.commit({"bot/policy-config.yaml": policy()})
    ambient(monkeypatch, tmp_path, hostile_config)

    seen = asked(repo)
    (taken,) = take(repo, tmp_path / "work")
    (brought,) = take(repo, tmp_path / "work", head=commit)
    forge.tokens[repo.bare.name] = TOKEN
    refused = asked(repo).error

    assert (seen.error, seen.heads) == (None, {"refs/heads/main": commit})
    assert isinstance(taken, Snapshot)
    assert taken == brought
    assert refused is not None and refused.code == "auth_failed"
    assert not marker.exists()
    assert not (tmp_path / "trace").exists()
    assert repo.bare.name not in {path.split("/")[1] for path, _ in forge.authorizations}


def test_a_child_gets_the_environment_that_is_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And what git and the shell add to it themselves."""
    _in_the_environment(monkeypatch, tmp_path, "")

    environment = dict(line.split("=", 1) for line in shell("env").splitlines() if "=" in line)

    added = {"GIT_CONFIG_PARAMETERS", "GIT_PREFIX", "GIT_EXEC_PATH", "PWD", "OLDPWD", "SHLVL", "_"}
    assert set(environment) - added == {
        "PATH", "LC_ALL", "HOME", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_ALLOW_PROTOCOL",
        "GIT_TERMINAL_PROMPT", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROTOCOL_FROM_USER",
        "GIT_NO_LAZY_FETCH", "GIT_ATTR_NOSYSTEM", "GIT_DIR",
    }  # fmt: skip
    assert "proxy" not in environment["GIT_CONFIG_PARAMETERS"]


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% {marker}", "file://{bare}", "{bare}", "ssh://127.0.0.1/x", "fd::3"]
)
@pytest.mark.parametrize("reached", [True, False])
def test_a_protocol_that_is_not_the_urls_own_is_refused(
    repo: Repo, marker: Path, url: str, reached: bool
) -> None:
    """Wherever a url may come from; a command that reads locally may use none at all."""
    text = url.format(marker=marker, bare=repo.bare)

    with pytest.raises(BadAnswerError, match="not allowed"):
        runner.run(
            ["ls-remote", "--", text],
            access=access(repo) if reached else None,
            deadline_seconds=10,
            max_bytes=1000,
        )

    assert not marker.exists()


def test_an_option_in_the_place_of_a_url_is_none(repo: Repo, marker: Path) -> None:
    """The remote is called by a name of ours, never by what somebody typed."""
    with pytest.raises(RemoteError):
        runner.run(
            ["ls-remote", "--", f"--upload-pack=touch {marker}", str(repo.bare)],
            deadline_seconds=10,
            max_bytes=1000,
        )

    assert not marker.exists()


def test_a_child_is_pinned_to_the_checked_address(repo: Repo) -> None:
    """A name that meanwhile means another address is not asked for again."""
    url = parse(repo.url.replace("127.0.0.1", "forge.invalid"), schemes=["http"])
    pinned = runner.Access(url, ("127.0.0.1",))
    commit = repo.commit({"bot/policy-config.yaml": policy()})

    output = runner.run(
        ["ls-remote", "origin", "HEAD"], access=pinned, deadline_seconds=10, max_bytes=1000
    )

    assert output.decode() == f"{commit}\tHEAD\n"


def test_a_child_has_limits() -> None:
    """Of memory (KiB), of files (512 bytes each) and of core files."""
    assert shell("ulimit -v; ulimit -f; ulimit -c").split() == ["524288", "131072", "0"]


def test_a_program_that_is_missing_here_is_no_fault_of_the_forge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message names it."""
    monkeypatch.setitem(runner._ENVIRONMENT, "PATH", str(tmp_path))

    with pytest.raises(InternalError, match="setpriv"):
        shell("true")


def test_memory_past_the_limit_is_too_large(repo: Repo) -> None:
    """git's own words for it are understood."""
    repo.plant({"big": b"\x00" * 1_500_000})
    limit = "-c core.bigFileThreshold=2g -c core.packedGitWindowSize=1g"
    script = f"ulimit -v 20000; exec git {limit} --git-dir={repo.bare} cat-file blob main:big"

    with pytest.raises(TooLargeError):
        shell(script)


@pytest.mark.parametrize("number", ["KILL", "XFSZ"])
def test_a_child_that_is_killed_for_its_size_is_too_large(number: str) -> None:
    """By the kernel, out of memory, or at the bound of a file."""
    with pytest.raises(TooLargeError):
        shell(f"kill -{number} $PPID")


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_past_its_bound_is_too_large(stream: str) -> None:
    """Of either kind; the child does not live to write more."""
    with pytest.raises(TooLargeError):
        shell(f"yes >&{stream}", max_bytes=1000)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "script",
    [
        "sleep {}",
        "trap '' TERM; sleep {}",
        "trap '' TERM; sleep {} & exit 0",
        "exec >&- 2>&-; trap '' TERM; sleep {}",
        "while :; do echo {}; sleep 0.1; done",
    ],
)
def test_whatever_outlives_its_deadline_is_ended(script: str) -> None:
    """Deaf to signals, with the pipes in hand, or with its parent gone."""
    seconds = f"6000.{secrets.randbelow(10**9)}"

    with pytest.raises(TimedOutError):
        shell(script.format(seconds), deadline_seconds=0.5)

    wait_for(lambda: not naming(seconds))


@pytest.mark.parametrize("is_known", [True, False])
def test_a_tree_that_would_harm_a_checkout_is_refused(
    repo: Repo, tmp_path: Path, is_known: bool
) -> None:
    """What git itself calls broken is not read on, whoever asked for it."""
    blob = repo.raw("hash-object", "-w", "--stdin", stdin=policy().encode()).decode().strip()
    inner = repo.raw("mktree", stdin=f"100644 blob {blob}\tpolicy-config.yaml\n".encode())
    tree = repo.raw("mktree", stdin=b"040000 tree %s\t.git\n" % inner.strip()).decode().strip()
    commit = repo.git("commit-tree", tree, "-m", "Hostile")
    repo.git("push", "--quiet", "origin", f"{commit}:refs/heads/main")

    with pytest.raises(UnsafeObjectError):
        take(repo, tmp_path / "work", head=commit if is_known else "0" * 40)


def _watched(step: Callable[[], object]) -> tuple[object, int]:
    """What a step returns, and the most memory (bytes) that any child of ours had meanwhile."""
    peaks = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for pid in below(os.getpid()):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
                    peaks.append(int(peak[1]) * 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return step(), max(peaks)
    finally:
        done.set()
        watcher.join()


# One that no child may hold, and one that it may.
BOMBS = {
    "policies/bomb/policy-config.yaml": 540_000_000,
    "policies/b/policy-config.yaml": 1 << 27,
}


@pytest.fixture(scope="module")
def bomb(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A repository with policies that pack to next to nothing and unpack to memory, one good."""
    repo = forge.repository(tmp_path_factory.mktemp("bomb") / "clone")
    fast = ("-c", "core.bigFileThreshold=1m", "-c", "core.compression=1")
    for path, size in BOMBS.items():
        sparse = repo.clone.with_name("zeros")
        with sparse.open("wb") as file:
            file.truncate(size)
        blob = repo.git(*fast, "hash-object", "-w", "--no-filters", str(sparse))
        repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    # What the server has already need not be pushed.
    (repo.bare / "objects/info/alternates").write_text(f"{repo.clone}/.git/objects\n")
    repo.plant({"policies/bot/policy-config.yaml": policy()})
    return repo


@pytest.mark.django_db
def test_a_blob_that_unpacks_past_all_memory_is_one_files_finding(
    admin: APIClient, bomb: Repo
) -> None:
    """Its neighbour is synced and no child ever held it, from a server with filters or without."""
    row = link(admin, bomb.url)
    peaks = [_watched(run_due)[1]]
    bomb.git("config", "uploadpack.allowFilter", "false", at=bomb.bare)
    request(admin, row)
    peaks.append(_watched(run_due)[1])

    found = files(admin, row)
    assert {codes(found[path])[0] for path in BOMBS} == {"too_large"}
    assert found["policies/bot/policy-config.yaml"]["outcome"] == "synced"
    assert 0 < min(peaks) <= max(peaks) < 100_000_000


@pytest.mark.django_db
def test_a_pack_past_its_bound_is_too_large(
    admin: APIClient, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a server that cannot leave out what is not asked for."""
    monkeypatch.setattr(runner, "_FILE_BYTES", 1_000_000)
    repo.git("config", "uploadpack.allowFilter", "false", at=repo.bare)
    repo.plant({"bot/policy-config.yaml": policy(), "noise.bin": os.urandom(2_000_000)})
    row = link(admin, repo.url)

    run_due()

    assert (shown(admin, row)["error"]["code"], hashes()) == ("too_large", {})


@pytest.fixture
def held(forge: Forge, repo: Repo) -> Iterator[Repo]:
    """A repository of one commit, whose forge is let go when the test ends."""
    repo.commit({"bot/policy-config.yaml": policy()})
    yield repo
    forge.release(repo)


@pytest.mark.smoke
@pytest.mark.parametrize("step", ["check", "fetch", "git's fetch"])
def test_the_token_is_in_nothing_that_another_process_can_read(
    forge: Forge,
    held: Repo,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    """Neither command line nor environment of any child while it runs, no file, no log."""
    caplog.set_level(logging.DEBUG)
    work = tmp_path / "work"
    is_gits = step == "git's fetch"
    holds = forge.git_holds if is_gits else forge.holds
    holds[held.bare.name] = threading.Event()

    def run() -> None:
        with contextlib.suppress(RemoteError):
            _ = asked(held, TOKEN) if step == "check" else take(held, work, token=TOKEN)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: forge.calls(held)[-1:] and (below(os.getpid()) or not is_gits))
    children = below(os.getpid())
    kept = [path.read_bytes() for path in work.rglob("*") if path.is_file()]
    forge.release(held)
    thread.join()

    # Only git's has them: timeout, git and its helper.
    assert len(children) >= 3 if is_gits else children == {}
    seen = [*(line for line, _ in children.values()), *(env for _, env in children.values())]
    for hidden in (TOKEN.encode(), BASIC.encode()):
        assert [text for text in (*seen, *kept) if hidden in text] == []
    assert TOKEN not in caplog.text
    assert BASIC not in caplog.text
    assert BASIC in str(forge.authorizations)
