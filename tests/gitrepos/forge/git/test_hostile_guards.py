"""Guards around git, each with a test of what gets through without it."""

import base64
import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import asyncssh
import pytest

from gitrepos.errors import RemoteError, TimedOutError
from gitrepos.forge import secret
from gitrepos.forge.addresses import is_allowed, literal_address, parse
from gitrepos.forge.git import runner
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge

TOKEN = "kt-only-for-tests-c0ffee11"
Plain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def plain(tmp_path: Path) -> Plain:
    """git as a shell would start it, with a home and an environment of somebody's own."""
    home = tmp_path / "home"
    home.mkdir()

    def run(
        *arguments: str,
        config: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = 60,
    ) -> "subprocess.CompletedProcess[str]":
        (home / ".gitconfig").write_text(config)
        return subprocess.run(
            ["git", *arguments],
            cwd=home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "GIT_TERMINAL_PROMPT": "0",
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    return run


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that leaves a marker behind."""
    path = tmp_path / "hostile.sh"
    path.write_text(f"#!/bin/sh\ntouch {tmp_path}/marker\necho x\n")
    path.chmod(0o755)
    return path


def access(
    repo: Repo, *, token: str = "", addresses: tuple[str, ...] = ("127.0.0.1",)
) -> runner.Access:
    """How the runner reaches a repository of the forge."""
    proof = secret.basic(token) if token else secret.NOBODY
    return runner.Access(parse(repo.url, schemes=["http"]), addresses, proof)


def guarded(*arguments: str, reached: runner.Access | None = None) -> str:
    """What the runner makes of a command: its output, or the code of its error."""
    try:
        return runner.run(
            arguments, access=reached, deadline_seconds=30, max_bytes=100_000
        ).decode()
    except RemoteError as error:
        return error.code


def test_without_a_configuration_of_our_own_urls_are_rewritten(
    plain: Plain, forge: Forge, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `insteadOf` in a home: the request, and a token, go elsewhere."""
    commit = repo.commit({"readme.md": "x"})
    with Forge(tmp_path / "elsewhere") as elsewhere:
        config = f'[url "{elsewhere.url}"]\n\tinsteadOf = {forge.url}\n'
        (tmp_path / "home/.gitconfig").write_text(config)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))

        plain("ls-remote", repo.url, config=config)
        attacked = len(elsewhere.requests)
        output = guarded("ls-remote", "origin", "HEAD", reached=access(repo, token=TOKEN))

        assert attacked > 0
        assert output.startswith(commit)
        assert len(elsewhere.requests) == attacked


@pytest.mark.parametrize("name", ["SSH_ASKPASS", "GIT_ASKPASS"])
def test_without_an_environment_of_our_own_programs_are_asked(
    plain: Plain,
    forge: Forge,
    repo: Repo,
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """A 401 is enough to have one started."""
    forge.tokens[repo.bare.name] = TOKEN
    marker = tmp_path / "marker"
    monkeypatch.setenv(name, str(script))

    plain("ls-remote", repo.url, environment={name: str(script)})
    attacked = marker.exists()
    marker.unlink(missing_ok=True)
    code = guarded("ls-remote", "origin", reached=access(repo))

    assert attacked
    assert (code, marker.exists()) == ("auth_failed", False)


def test_without_an_environment_of_our_own_a_proxy_hears_everything(
    plain: Plain, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the worker was started with."""
    commit = repo.commit({"readme.md": "x"})
    with Forge(tmp_path / "proxy") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)

        plain("ls-remote", repo.url, environment={"http_proxy": proxy.url})
        attacked = len(proxy.requests)
        output = guarded("ls-remote", "origin", "HEAD", reached=access(repo))

        assert attacked > 0
        assert output.startswith(commit)
        assert len(proxy.requests) == attacked


def test_without_a_list_of_protocols_a_url_runs_a_program(
    plain: Plain, script: Path, tmp_path: Path
) -> None:
    """`ext::`, where somebody's configuration allows it."""
    marker = tmp_path / "marker"
    url = f"ext::{script}"

    plain("ls-remote", url, config="[protocol]\n\tallow = always\n")
    attacked = marker.exists()
    marker.unlink(missing_ok=True)
    code = guarded("-c", "protocol.allow=always", "ls-remote", url)

    assert attacked
    assert (code, marker.exists()) == ("bad_answer", False)


def test_without_a_name_of_our_own_a_url_is_an_option(
    plain: Plain, repo: Repo, script: Path, tmp_path: Path
) -> None:
    """The runner calls every remote `origin`, behind `--`."""
    marker = tmp_path / "marker"

    plain("ls-remote", f"--upload-pack={script}", str(repo.bare))
    attacked = marker.exists()
    marker.unlink(missing_ok=True)
    guarded("ls-remote", "--", f"--upload-pack={script}", str(repo.bare))

    assert attacked
    assert not marker.exists()


def test_without_a_ban_on_redirects_the_token_goes_elsewhere(
    plain: Plain, forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """git follows one at its first request, and hands the header of the next to the target."""
    repo.commit({"readme.md": "x"})
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    header = f"http.extraHeader=Authorization: Basic {basic}"
    with Forge(forge.root) as elsewhere:

        def redirected(method: str, reply: Reply) -> Reply:
            path = f"/{repo.bare.name}/info/refs?service=git-upload-pack"
            return (302, {"Location": elsewhere.url + path}, b"") if method == "GET" else reply

        forge.twists[repo.bare.name] = redirected

        plain("-c", header, "fetch-pack", "--all", repo.url)
        plain("-c", header, "clone", "--bare", repo.url, str(tmp_path / "stolen"))
        stolen = [value for _, value in elsewhere.authorizations]
        requests = len(elsewhere.requests)
        code = guarded("ls-remote", "origin", reached=access(repo, token=TOKEN))

        assert f"Basic {basic}" in stolen
        assert code == "moved"
        assert len(elsewhere.requests) == requests


def test_without_a_pin_a_name_means_what_it_means_a_moment_later(
    plain: Plain, forge: Forge, repo: Repo
) -> None:
    """Checked was one address; the name leads to this machine by now."""
    repo.commit({"readme.md": "x"})
    url = repo.url.replace("127.0.0.1", "localhost")
    checked = runner.Access(parse(url, schemes=["http"]), ("127.0.0.3",))

    attacked = plain("ls-remote", url).returncode == 0
    calls = len(forge.calls(repo))
    code = guarded("ls-remote", "origin", reached=checked)

    assert attacked
    assert code == "unreachable"
    assert len(forge.calls(repo)) == calls


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_without_a_look_at_addresses_any_spelling_leads_inside(
    plain: Plain, forge: Forge, repo: Repo, host: str
) -> None:
    """git dials what a C library reads; so does the guard read it."""
    repo.commit({"readme.md": "x"})
    url = repo.url.replace("127.0.0.1", host)

    attacked = plain("ls-remote", url).returncode == 0
    address = literal_address(parse(url, schemes=["http"]).host)

    assert attacked
    assert address is not None and not is_allowed(address, ())


def planted(repo: Repo, name: str) -> str:
    """A commit whose tree has an entry that harms a checkout."""
    blob = repo.raw("hash-object", "-w", "--stdin", stdin=policy().encode()).decode().strip()
    inner = repo.raw("mktree", stdin=f"100644 blob {blob}\tpolicy-config.yaml\n".encode())
    raw = b"40000 " + name.encode() + b"\0" + bytes.fromhex(inner.decode().strip())
    tree = (
        repo.raw("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=raw)
        .decode()
        .strip()
    )
    commit = repo.git("commit-tree", tree, "-m", "Hostile")
    repo.git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/main")
    return commit


@pytest.mark.parametrize("name", [".git", "..", ".", ".GIT", "git~1"])
def test_without_a_look_at_objects_a_tree_leads_out(
    plain: Plain, repo: Repo, tmp_path: Path, name: str
) -> None:
    """Names that no checkout may make; plain git keeps the object and lists it."""
    commit = planted(repo, name)
    here = tmp_path / "plain.git"
    plain("clone", "--quiet", "--bare", repo.url, str(here))
    listed = plain("--git-dir", str(here), "ls-tree", "-r", "--name-only", commit).stdout
    arguments = runner.bare_repository(tmp_path / "guarded.git", object_format="sha1")

    code = guarded(*arguments, "fetch", "origin", "+refs/heads/main:refs/x", reached=access(repo))

    assert listed.strip() == f"{name}/policy-config.yaml"
    assert code == "unsafe_object"


def test_with_a_checkout_a_link_reads_this_machine(
    plain: Plain, repo: Repo, tmp_path: Path
) -> None:
    """Here no work tree is made: the object is the text of the link."""
    victim = tmp_path / "victim"
    victim.write_text("a file of the host")
    repo.plant({"bot/policy-config.yaml": str(victim)}, mode="120000")
    plain("clone", "--quiet", repo.url, str(tmp_path / "checkout"))
    here = runner.bare_repository(tmp_path / "guarded.git", object_format="sha1")
    guarded(*here, "fetch", "origin", "+refs/heads/main:refs/x", reached=access(repo))

    attacked = (tmp_path / "checkout/bot/policy-config.yaml").read_text()
    content = guarded(*here, "cat-file", "blob", "refs/x:bot/policy-config.yaml")

    assert attacked == "a file of the host"
    assert content == str(victim)


def test_where_reading_may_fetch_the_server_chooses_when(
    plain: Plain, forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """An object that a partial clone lacks is asked for in the middle of a read."""
    repo.commit({"bot/policy-config.yaml": policy()})
    here = [tmp_path / name for name in ("plain.git", "guarded.git")]
    for place in here:
        plain("clone", "--quiet", "--bare", "--filter=blob:none", repo.url, str(place))
    read = ("cat-file", "blob", "HEAD:bot/policy-config.yaml")
    before = len(forge.calls(repo))

    attacked = plain("--git-dir", str(here[0]), *read).stdout
    between = len(forge.calls(repo))
    code = guarded("--git-dir", str(here[1]), *read)

    assert attacked == policy()
    assert between > before
    assert (code, len(forge.calls(repo))) == ("bad_answer", between)


def test_without_known_hosts_anybody_is_the_server(
    plain: Plain, ssh_forge: SSHForge, repo: Repo, tmp_path: Path
) -> None:
    """ssh at its most trusting talks to whoever answers."""
    repo.commit({"readme.md": "x"})
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known = f"[127.0.0.1]:{ssh_forge.port} {other}"
    (tmp_path / "key").write_text(ssh_forge.private_key)
    (tmp_path / "key").chmod(0o600)
    trusting = f"ssh -F none -i {tmp_path}/key -o UserKnownHostsFile=/dev/null"
    trusting += " -o StrictHostKeyChecking=no"
    url = parse(ssh_forge.url(repo), schemes=["ssh"])

    done = plain("ls-remote", url.text, environment={"GIT_SSH_COMMAND": trusting})
    ssh_forge.commands.clear()
    proof = secret.key(ssh_forge.private_key, known_hosts=known)
    code = guarded("ls-remote", "origin", reached=runner.Access(url, ("127.0.0.1",), proof))

    assert done.returncode == 0
    assert (code, ssh_forge.commands) == ("host_key_mismatch", [])


def test_without_a_ban_a_signature_starts_a_program(
    plain: Plain, repo: Repo, script: Path, tmp_path: Path
) -> None:
    """A commit names the kind of its signature, and with it who is to check it."""
    marker = tmp_path / "marker"
    repo.commit({"readme.md": "x"})
    raw = repo.raw("cat-file", "commit", "HEAD")
    armour = b"-----BEGIN PGP SIGNATURE-----\n \n wsBcBAABCAAQ\n -----END PGP SIGNATURE-----"
    raw = raw.replace(b"\n\n", b"\ngpgsig " + armour + b"\n\n", 1)
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    show = ("--git-dir", f"{repo.clone}/.git", "log", "-1", "--format=%G?", commit)

    plain(*show, config=f"[gpg]\n\tprogram = {script}\n")
    attacked = marker.exists()
    marker.unlink(missing_ok=True)
    said = guarded(*show)

    assert attacked
    assert not marker.exists()
    assert said.strip() != "G"


def test_without_a_named_repository_any_folder_may_be_one(
    plain: Plain, script: Path, tmp_path: Path
) -> None:
    """A folder that looks like a bare repository brings a configuration, and that a program."""
    marker, folder = tmp_path / "marker", tmp_path / "looks-bare"
    plain("init", "--quiet", "--bare", str(folder))
    with (folder / "config").open("a") as config:
        config.write(f"[alias]\n\thostile = !{script}\n")

    plain("-C", str(folder), "hostile")
    attacked = marker.exists()
    marker.unlink(missing_ok=True)
    guarded("-C", str(folder), "hostile")

    assert attacked
    assert not marker.exists()


def test_without_a_limit_of_memory_an_object_takes_what_it_likes(
    plain: Plain, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made small here. A large commit packs to next to nothing; only blobs are read in pieces."""
    monkeypatch.setattr(runner, "_MEMORY_BYTES", 128 << 20)
    huge = tmp_path / "commit"
    tree = repo.raw("hash-object", "-t", "tree", "-w", "--stdin").decode().strip()
    who = "A <a@keeptrusts.example> 1 +0000"
    with huge.open("wb") as file:
        file.write(f"tree {tree}\nauthor {who}\ncommitter {who}\n\n".encode())
        file.truncate(160 << 20)
    commit = repo.git("hash-object", "-t", "commit", "-w", "--literally", str(huge))
    read = ("--git-dir", str(repo.bare), "cat-file", "-s", commit)
    whole = ("--git-dir", str(repo.bare), "log", "-1", "--format=%an", commit)

    attacked = plain(*whole)
    code = guarded(*whole)

    assert plain(*read).stdout.strip() == str(huge.stat().st_size)
    assert attacked.stdout.strip() == "A"
    assert code == "too_large"


def test_without_a_limit_of_files_a_pack_fills_the_disk(
    plain: Plain, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made small here: what is past it is not written."""
    monkeypatch.setattr(runner, "_FILE_BYTES", 1 << 20)
    repo.commit({"noise": os.urandom(2 << 20)})
    plain("clone", "--quiet", "--bare", repo.url, str(tmp_path / "plain.git"))
    here = runner.bare_repository(tmp_path / "guarded.git", object_format="sha1")

    code = guarded(*here, "fetch", "origin", "+refs/heads/main:refs/x", reached=access(repo))

    assert _bytes_below(tmp_path / "plain.git") > 2 << 20
    assert code == "too_large"
    assert _bytes_below(tmp_path / "guarded.git") < 2 << 20


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_without_a_deadline_a_forge_says_how_long_git_waits(
    plain: Plain, forge: Forge, repo: Repo
) -> None:
    """For ever; and whoever ends git alone leaves its helper waiting."""
    hold = forge.holds[repo.bare.name] = threading.Event()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            plain("ls-remote", repo.url, seconds=3)
        attacked = _naming(repo.url)
        calls = len(forge.calls(repo))
        with pytest.raises(TimedOutError):
            runner.run(
                ["ls-remote", "origin"], access=access(repo), deadline_seconds=1, max_bytes=1000
            )
        left = _naming(repo.url) - attacked
    finally:
        hold.set()

    assert attacked
    assert len(forge.calls(repo)) > calls
    assert left == set()


def _naming(text: str) -> set[int]:
    """The processes of this machine with a text in their command line."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
    return found
