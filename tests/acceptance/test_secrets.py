"""Secrets stay out of files, logs, processes and answers, whatever fails."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.support import hooks
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy
from tests.support.searching import Place, Watch, broker, files, search, spellings
from tests.support.sshforge import SSHForge
from tests.support.stack import PATIENCE_SECONDS, Stack, free_port, wait_for

Row = dict[str, Any]


def _new() -> str:
    """A secret that each spelling changes."""
    return f"s3cr+t/%={uuid.uuid4().hex}"


class Recorder:
    """Talks to a stack and keeps every answer, errors and headers too."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.answers: list[Place] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer, whatever its status."""
        reply = self.stack.request(method, path, body)
        self.answers.append(
            (f"{method} {path[:60]}: {reply.status}", repr(reply.headers).encode() + reply.body)
        )
        return reply.json if reply.body.startswith(b"{") else None

    def made(self, to: str, /, **body: Any) -> Row:
        """The row that a POST makes."""
        answer = self.call("POST", to, body)
        assert "data" in answer, answer
        row: Row = answer["data"]
        return row

    def deliver(self, row: Mapping[str, Any], body: bytes, headers: Mapping[str, str]) -> int:
        """The status of a webhook."""
        request = urllib.request.Request(
            self.stack.url + row["webhook_url"], data=body, headers=dict(headers)
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=300) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                status, content = exc.code, exc.read()
        self.answers.append((f"webhook: {status}", content))
        return int(status)

    def read_all(self) -> None:
        """Ask for everything that there is to read."""
        for path in ("git-repos", "git-repos/summary", "git-credentials", "events?limit=1000",
                     "configurations", "tokens", "whoami"):  # fmt: skip
            self.call("GET", f"/v1/{path}")
        for path in ("/metrics", "/healthz", "/readyz"):
            self.call("GET", path)
        for row in self.call("GET", "/v1/git-repos")["data"]:
            for rest in ("", "/syncs", "/files"):
                self.call("GET", f"/v1/git-repos/{row['id']}{rest}")
        for row in self.call("GET", "/v1/git-credentials")["data"]:
            self.call("GET", f"/v1/git-credentials/{row['id']}")


@pytest.fixture(scope="module")
def api(shared_embedded_stack: Stack) -> Recorder:
    """A control plane on the embedded default, whose data folder has its database, too.

    Each test gives it secrets of its own.
    """
    return Recorder(shared_embedded_stack)


def places(api: Recorder, watch: Watch) -> list[Place]:
    """Everywhere that is searched."""
    stack = api.stack
    return [
        *api.answers,
        *watch.places(),
        *files(stack.data_dir),
        *broker(f"unix://{stack.data_dir / 'redis.sock'}"),
        (str(stack.log), stack.log.read_bytes()),
    ]


def _answer(
    status: int, headers: dict[str, str], body: bytes = b""
) -> Callable[[Forge, str], None]:
    def misbehave(forge: Forge, name: str) -> None:
        forge.answers[name] = (status, headers, body)

    return misbehave


def _twist(change: Callable[[Reply], Reply]) -> Callable[[Forge, str], None]:
    def misbehave(forge: Forge, name: str) -> None:
        forge.twists[name] = lambda _method, reply: change(reply)

    return misbehave


def _short(reply: Reply) -> Reply:
    status, headers, content = reply
    return status, {**headers, "Content-Length": str(len(content) + 10)}, content


def _damaged(reply: Reply) -> Reply:
    status, headers, content = reply
    return status, headers, content.replace(b"PACK\0", b"KCAP\0")


def _refuse(forge: Forge, name: str) -> None:
    forge.tokens[name] = "another-token"


def _hang(forge: Forge, name: str) -> None:
    forge.holds[name] = threading.Event()


HTML = _answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")
MOVED = _answer(301, {"Location": "http://127.0.0.1:1/stolen.git"})
# What a forge does wrong, and then what a link does; the last ones make their host rest.
FORGE_FAILURES: list[Callable[[Forge, str], None]] = [
    _refuse, _answer(404, {}), _answer(403, {}), MOVED, HTML, _twist(_damaged), _twist(_short),
]  # fmt: skip
LINK_FAILURES: list[Row] = [{"branch": "nowhere"}, {"path": "nowhere/"}, {"path": "broken/"}]
HOST_FAILURES: list[Callable[[Forge, str], None]] = [
    _answer(500, {}), _hang, _answer(429, {"Retry-After": "1"}),
]  # fmt: skip


def _has_ended(api: Recorder, row: Row) -> bool:
    """Whether the first attempt for a link was made, or its host rests."""
    now: Row = api.call("GET", f"/v1/git-repos/{row['id']}")["data"]
    return bool(now["status"] != "pending" or now["error"])


def _link(api: Recorder, url: str, credential: Row, **fields: Any) -> Row:
    return api.made(
        "/v1/git-repos", url=url, auto_create_configuration=True, **credential, **fields
    )


def test_no_secret_of_an_http_forge_is_found_anywhere(
    api: Recorder, forge: Forge, make_repo: Callable[[], Repo]
) -> None:
    """An access token, a shared token, a shared password: each through thirteen failures."""
    secrets = {name: _new() for name in ("inline", "token", "password")}
    hosts = [f"127.0.0.1:{forge.port}"]
    assert api.stack.process is not None
    with Watch(api.stack.process.pid) as watch:
        path = "/v1/git-credentials"
        api.made(path, name="token", kind="token", token=secrets["token"], hosts=hosts)
        api.made(path, name="basic", kind="basic", username="u", password=secrets["password"],
                 hosts=hosts)  # fmt: skip
        credentials: list[Row] = [
            {"access_token": secrets["inline"]}, {"credential": "token"}, {"credential": "basic"},
        ]  # fmt: skip
        _mistakes(api, secrets["inline"])
        _kill_in_mid_fetch(api, forge, make_repo(), secrets["inline"], watch)
        closed = f"http://127.0.0.1:{free_port()}/r.git"
        rows, names = [_link(api, closed, {"access_token": secrets["inline"]})], []
        for failures, more in ((FORGE_FAILURES, LINK_FAILURES), (HOST_FAILURES, [{}])):
            for credential in credentials:
                for fields, misbehave in [
                    *(({}, failure) for failure in failures),
                    *((fields, None) for fields in more),
                ]:
                    repo = _filled(make_repo())
                    names.append(repo.bare.name)
                    if misbehave is not None:
                        misbehave(forge, repo.bare.name)
                    rows.append(_link(api, repo.url, credential, **fields))
            wait_for(lambda rows=rows: all(_has_ended(api, r) for r in rows))
        api.read_all()
    for name in names:
        forge.tokens.pop(name, None)
        if hold := forge.holds.pop(name, None):
            hold.set()

    assert _travelled(forge, secrets.values()), "no call carried the secrets"
    assert any(b"GIT_CONFIG_GLOBAL" in content for content in watch.seen), "no git was seen"
    assert search(secrets.values(), places(api, watch)) == []


def test_no_ssh_key_is_found_anywhere(
    api: Recorder, ssh_forge: SSHForge, make_repo: Callable[[], Repo]
) -> None:
    """Through ten failures, those of the key and of the server's own among them."""
    key = ssh_forge.private_key
    lines = [line for line in key.splitlines() if not line.startswith("-")][1:-1]
    assert lines
    assert api.stack.process is not None
    with Watch(api.stack.process.pid) as watch:
        good = {"kind": "ssh", "hosts": [f"127.0.0.1:{ssh_forge.port}"], "private_key": key,
                "known_hosts": ssh_forge.known_hosts()}  # fmt: skip
        path = "/v1/git-credentials"
        api.made(path, name="deploy", **good)
        other = ssh_forge.known_hosts().split()[0] + " " + _stranger()
        api.made(path, name="wrong-server", **{**good, "known_hosts": other})
        for wrong in (
            {"private_key": key[:-60]},
            {"known_hosts": ""},
            {"hosts": ["forge.example"]},
            {"username": key},
        ):
            api.call("POST", path, {"name": "bad", **good, **wrong})
        repo = _filled(make_repo())
        url = ssh_forge.url(repo)
        nowhere = url.replace(repo.bare.name, "nowhere.git")
        closed = url.replace(f":{ssh_forge.port}", f":{free_port()}")
        rows = [
            _link(api, url, {"credential": "deploy"}),
            _link(api, url, {"credential": "deploy"}, branch="nowhere"),
            _link(api, url, {"credential": "deploy"}, path="nowhere/"),
            _link(api, url, {"credential": "deploy"}, path="broken/"),
            _link(api, url, {"credential": "wrong-server"}, path="a/"),
            _link(api, nowhere, {"credential": "deploy"}),
        ]
        wait_for(lambda: all(_has_ended(api, row) for row in rows))
        api.call("POST", "/v1/git-repos", {"url": closed, "credential": "deploy"})
        for number, knob in enumerate(
            (
                {"taken": set()},
                {"says": b"fatal: out of order\n"},
                {"banner": "Welcome\n"},
                {"hold": threading.Event()},
            )
        ):
            for name, value in knob.items():
                setattr(ssh_forge, name, value)
            row = _link(api, _alias(ssh_forge, repo, number), {"credential": "deploy"})
            wait_for(lambda row=row: _has_ended(api, row))
            ssh_forge.behave()
        api.read_all()

    assert ssh_forge.commands
    assert any(content.startswith(b"ssh\0-F") for content in watch.seen), "no ssh was seen"
    assert search(lines, places(api, watch)) == []


def test_no_webhook_secret_is_found_anywhere(api: Recorder, repo: Repo) -> None:
    """Through twelve deliveries that are refused or ignored, and four that are mistakes."""
    secret = _new()
    _filled(repo)
    assert api.stack.process is not None
    with Watch(api.stack.process.pid) as watch:
        row = _link(api, repo.url, {}, branch="main", webhook_secret=secret)
        other = _link(api, repo.url, {}, branch="main", path="bot/", webhook_secret=_new())
        for wrong in (secret + " ", "é" + secret, secret * 20, [secret], {"text": secret}):
            api.call("PATCH", f"/v1/git-repos/{row['id']}", {"webhook_secret": wrong})
        body = hooks.push("main")
        good = hooks.github(body, secret=secret)
        statuses = [
            api.deliver(row, body, good),
            api.deliver(row, body, good),
            api.deliver(other, body, hooks.gitlab(body, secret=secret)),
            api.deliver(other, body, good),
            api.deliver(row, body, {}),
            api.deliver(row, body, {"Authorization": f"Bearer {secret}"}),
            api.deliver(row, body, hooks.timed(body, secret=secret, at=time.time() - 4000)),
            api.deliver(row, b"{}", hooks.gitlab(b"{}", secret=secret, event="Tag Push Hook")),
            api.deliver(row, b"[]", hooks.github(b"[]", secret=secret)),
            api.deliver(row, b" " * (9 << 20), {"X-Gitlab-Token": secret}),
            *(api.deliver(row, new, hooks.gitlab(new, secret=secret, event="push"))
              for new in (hooks.push("dev"), hooks.github_push("main", name=secret))),
        ]  # fmt: skip
        api.call("POST", f"{row['webhook_url']}?secret=x")
        wait_for(lambda: _has_ended(api, row))
        api.read_all()

    assert statuses == [202, 202, 401, 401, 401, 401, 401, 202, 400, 413, 202, 202]
    # The repository that the last one named is what its sender wrote, and is told to no other.
    found = search([secret], places(api, watch))
    assert [place for place in found if place[0] != "webhook: 202"] == []


@pytest.mark.parametrize("spelling", spellings("x" * 40))
def test_the_search_finds_what_is_planted(tmp_path: Path, spelling: str) -> None:
    """In a file, in its name, on a command line and in an environment, in every spelling."""
    secret = _new()
    text = spellings(secret)[spelling].decode()
    (tmp_path / "planted").write_text(f"before {text} after")
    (tmp_path / text.replace("/", "")[:200]).touch()
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with Watch(os.getpid()) as watch:
        for command, environment in (([*sleeper, text], {}), (sleeper, {"PLANTED": text})):
            process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
            wait_for(lambda: search([secret], watch.places()))
            process.communicate(timeout=PATIENCE_SECONDS)
            watch.seen.clear()

    assert ("planted", spelling) in {
        (Path(place).name, name) for place, _, name in search([secret], files(tmp_path))
    }


def test_the_search_finds_a_secret_inside_what_is_encoded() -> None:
    """Base64 spells it in three ways, by where it begins."""
    secret = _new()
    for before in ("", "u:", "user:", "x-token:"):
        for after in ("", "a", "ab", "abc"):
            content = base64.b64encode(f"{before}{secret}{after}".encode())
            assert search([secret], [("header", content)]), (before, after)


def test_the_search_finds_what_a_stack_was_given(api: Recorder) -> None:
    """A description is no secret: it is in the answers and in the data folder."""
    secret = _new()
    body = {"id": "planted", "content": policy(), "description": secret}
    api.made("/v1/configurations", **body)
    api.read_all()
    with Watch(os.getpid()) as watch:
        found = {place for place, _, _ in search([secret], places(api, watch))}

    assert any(place.startswith("GET /v1/configurations") for place in found)
    assert any("keeptrusts.sqlite3" in place for place in found)


def _filled(repo: Repo) -> Repo:
    repo.commit(
        {"bot/policy-config.yaml": policy("Bot"), "broken/policy-config.yaml": "pack:\n\tx: 1\n"}
    )
    return repo


def _mistakes(api: Recorder, secret: str) -> None:
    """A secret where none belongs; an error must not say it again."""
    for body in (
        {"url": f"https://user:{secret}@forge.example/r.git"},
        {"url": f"https://forge.example/r.git?token={secret}"},
        {"url": "https://forge.example/r.git", "access_token": f"{secret} "},
        {"url": "https://forge.example/r.git", "access_token": [secret]},
        {"url": "https://forge.example/r.git", "access_token": secret * 200},
        {"url": "https://forge.example/r.git", "access_token": secret, "credential": "token"},
        {"url": "https://forge.example/r.git", "access_token": secret, "unknown": 1},
    ):
        assert "error" in api.call("POST", "/v1/git-repos", body)
    for body in (
        {"name": "x", "kind": "token", "token": f"{secret} ", "hosts": ["forge.example"]},
        {"name": "x", "kind": "token", "token": secret, "hosts": []},
        {"name": "x", "kind": "ssh", "token": secret, "hosts": ["forge.example"]},
        {"name": "x", "kind": "ssh", "private_key": secret, "known_hosts": "x", "hosts": ["a.b"]},
    ):
        assert "error" in api.call("POST", "/v1/git-credentials", body)


def _kill_in_mid_fetch(api: Recorder, forge: Forge, repo: Repo, secret: str, watch: Watch) -> None:
    """End git where it stands, once it was seen; what it leaves is searched, too."""
    name = _filled(repo).bare.name
    # What is cut short git asks for itself, and waits for the answer to its first question.
    forge.twists[name] = lambda _, reply: _short(reply) if b"PACK" in reply[2] else reply
    forge.git_holds[name] = threading.Event()
    row = _link(api, repo.url, {"access_token": secret})
    wait_for(lambda: any(b"GIT_CONFIG_GLOBAL" in content for content in watch.seen))
    wait_for(lambda: any(name in line for line in api.stack.children().values()))
    for pid, line in api.stack.children().items():
        if name in line:
            os.kill(pid, 9)
    forge.release(repo)
    wait_for(lambda: _has_ended(api, row))


def _travelled(forge: Forge, secrets: Any) -> bool:
    """Whether every secret was sent to the forge, where it belongs."""
    sent = json.dumps(forge.authorizations).encode()
    return all(search([secret], [("sent", sent)]) for secret in secrets)


def _stranger() -> str:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return " ".join(key.export_public_key().decode().split()[:2])


def _alias(ssh_forge: SSHForge, repo: Repo, number: int) -> str:
    """Another url of the same repository, and so another remote."""
    name = f"ssh-{os.getpid()}-{number}.git"
    (ssh_forge.root / name).symlink_to(repo.bare)
    return ssh_forge.url(repo).replace(repo.bare.name, name)
