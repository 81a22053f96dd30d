"""`kt` as the client of a whole control plane, as people use it."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kt.cli.main import main
from tests.support.eyes import strong, weak
from tests.support.issuer import AUDIENCE, Issuer, github_claims
from tests.support.repo import Repo, policy
from tests.support.stack import ROOT, Stack, wait_for


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Person = Callable[..., Done]


@pytest.fixture
def login(
    shared_stack: Stack, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> Callable[..., Person]:  # fmt: skip
    """Somebody logs in, with a role or as the first admin, and runs `kt` in this process."""

    def made(name: str = "", role: str = "editor", **more: Any) -> Person:
        home = tmp_path_factory.mktemp("home")
        token = shared_stack.token()
        if name:
            body = {"name": name, "role": role, **more}
            token = shared_stack.request("POST", "/v1/tokens", body).data["token"]
        (home / "token").write_text(token)

        def run(*argv: str) -> Done:
            with monkeypatch.context() as patched:
                patched.setenv("HOME", str(home))
                for variable in ("XDG_CONFIG_HOME", "KEEPTRUSTS_API_URL", "KEEPTRUSTS_API_TOKEN"):
                    patched.delenv(variable, raising=False)
                capsys.readouterr()
                code = main(argv)
                out, err = capsys.readouterr()
            assert token not in out + err
            return Done(code, out, err)

        assert run("login", shared_stack.url, "--token-file", str(home / "token")).code == 0
        return run

    return made


def data(done: Done) -> Any:
    """What a command printed as JSON."""
    return json.loads(done.out)


def test_a_link_from_its_first_sync_to_its_end(login: Callable[..., Person], repo: Repo) -> None:
    """Each state of it is seen, and each has the command that helps."""
    kt = login()
    name, file = "kt-link", "a/kt-link/policy-config.yaml"
    repo.commit({file: policy("One", id=name)})

    tried = kt("repos", "test", repo.url, "--path", "a")
    added = kt("repos", "add", repo.url, "--path", "a", "--branch", "main", "--interval", "2")
    again = kt("repos", "add", repo.url, "--path", "a", "--branch", "main")
    assert (tried.code, "1 policy files" in tried.out) == (0, True)
    assert (added.code, f"synced   {name}" in added.out) == (0, True), added
    assert (again.code, "409 already_linked" in again.err) == (2, True)

    short = added.out[:8]
    repo.commit({file: "pack: {name: broken}\n"})
    broken = kt("repos", "sync", short)
    status = data(kt("status", "--json"))
    assert (broken.code, "quarantined" in broken.out, f"{file}:1:" in broken.out) == (1, True, True)
    assert {"quarantined": f"kt repos show {short}"}.items() <= {
        need["kind"]: need["command"] for need in status["needs"] if repo.url in need["what"]
    }.items()

    repo.commit({file: policy("Two", id=name)})
    assert kt("repos", "sync", repo.url).code == 0
    assert len(data(kt("configurations", "history", name, "--json"))) == 2
    assert "pack.name" in kt("configurations", "diff", name).out
    assert kt("repos", "suspend", short).out.split()[1] == "suspended"
    refused = kt("repos", "sync", short)
    assert (refused.code, "409 suspended" in refused.err) == (2, True)
    assert kt("repos", "resume", short).code == 0
    removed = kt("repos", "remove", short, "--yes")
    assert removed.out.endswith(f"in force with nobody to feed them: {name}\n")
    assert short not in kt("repos", "list").out


def test_a_held_commit_is_looked_at_and_confirmed(login: Callable[..., Person], repo: Repo) -> None:
    """By the command that the status names."""
    kt = login()
    name, file = "kt-held", "kt-held/policy-config.yaml"
    repo.commit({file: strong(name)})
    assert kt("repos", "add", repo.url, "--fail-on", "weaker").code == 0
    repo.commit({file: weak(name)})
    held = kt("repos", "sync", repo.url)

    needs = data(kt("status", "--json"))["needs"]
    [command] = [need["command"] for need in needs if repo.url in need["what"]]
    confirmed = kt(*shlex.split(command)[1:], "--yes")

    assert (held.code, "weaker" in held.out or "held" in held.out) == (1, True)
    assert (confirmed.code, "synced" in confirmed.out) == (0, True), confirmed


def test_a_pin_under_four_eyes_is_asked_for_by_the_command_that_is_told(
    login: Callable[..., Person], shared_stack: Stack
) -> None:
    """And confirmed by somebody else, as it was shown."""
    body = {"id": "kt-eyes", "content": policy("Eyes", id="kt-eyes"), "four_eyes": True}
    assert shared_stack.request("POST", "/v1/configurations", body).status == 201
    ada = login("kt-ada", emails=["kt-ada@example.com"])
    bob = login("kt-bob", emails=["kt-bob@example.com"])

    refused = ada("configurations", "pin", "kt-eyes", "--reason", "an audit")
    [line] = [one for one in refused.err.splitlines() if "ask for it: " in one]
    asked = ada(*shlex.split(line.partition("ask for it: kt ")[2]))
    number = asked.out.split()[1]
    own, other = (one("requests", "confirm", number, "--yes") for one in (ada, bob))

    assert (refused.code, "409 second_person_needed" in refused.err) == (2, True)
    assert (own.code, "403 same_token" in own.err) == (2, True)
    assert other == (0, f"request {number} is confirmed\n", "")
    row = data(bob("configurations", "show", "kt-eyes", "--json"))
    assert row["pin"]["reason"] == "an audit"


def test_the_exact_bytes_are_printed(shared_stack: Stack, tmp_path: Path) -> None:
    """As they are in force, into whatever stands behind."""
    content = f"# Grüße\r\n{policy('Bytes', id='kt-bytes')}"
    body = {"id": "kt-bytes", "content": content}
    assert shared_stack.request("POST", "/v1/configurations", body).status == 201

    done = subprocess.run(
        [sys.executable, "-m", "kt", "configurations", "show", "kt-bytes", "--content"],
        env=_variables(shared_stack), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == content.encode()


def _variables(stack: Stack) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent",
        "KEEPTRUSTS_API_URL": stack.url, "KEEPTRUSTS_API_TOKEN": stack.token(),
    }  # fmt: skip


def test_events_are_followed_as_they_happen(shared_stack: Stack, tmp_path: Path) -> None:
    """Until somebody ends it."""
    body = {"id": "kt-follow", "content": policy("Follow", id="kt-follow")}
    assert shared_stack.request("POST", "/v1/configurations", body).status == 201
    command = [sys.executable, "-m", "kt", "events", "--follow", "--configuration", "kt-follow"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=_variables(shared_stack), stdout=output,
            # Whatever runs the tests may have it ignored, and a child inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        try:
            for kind, method, body in (("pinned", "POST", {"reason": "r"}),
                                       ("unpinned", "DELETE", None)):  # fmt: skip
                shared_stack.request(method, "/v1/configurations/kt-follow/pin", body)
                wait_for(lambda kind=kind: f"  {kind} " in log.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=60)

    assert code == 130
    assert [line.split()[2] for line in log.read_text().splitlines()] == ["pinned", "unpinned"]


def test_a_gateway_and_its_token(
    login: Callable[..., Person], shared_stack: Stack, tmp_path: Path
) -> None:
    """Registered, bound, listed with its state, removed; the token is in the file alone."""
    kt = login()
    body = {"id": "kt-edge", "content": policy("Edge", id="kt-edge")}
    assert shared_stack.request("POST", "/v1/configurations", body).status == 201

    added = kt("gateways", "add", "kt-edge-1", "--label", "kt=edge", "--token-file",
               str(tmp_path / "token"))  # fmt: skip
    bound = kt("gateways", "bind", "kt-edge", "--selector", "kt=edge")
    [row] = [one for one in data(kt("gateways", "list", "--json")) if one["id"] == "kt-edge-1"]
    token = (tmp_path / "token").read_text().strip()

    assert (added.code, bound.code) == (0, 0)
    assert token.startswith("ktg_")
    assert token not in added.out + added.err
    assert (row["bound"], row["state"]) == ("kt-edge", "offline")
    assert kt("gateways", "unbind", "kt-edge").code == 0
    assert kt("gateways", "bind", "kt-edge", "kt-edge-1").out == "kt-edge-1 enforces kt-edge\n"
    assert kt("gateways", "remove", "kt-edge-1", "--yes", "--release").code == 0


def test_tokens_and_trusts_come_and_go(
    login: Callable[..., Person], shared_stack: Stack, tmp_path: Path
) -> None:
    """A token that was made logs in, rotates itself where it is kept, and ends."""
    kt = login()
    file = str(tmp_path / "token")
    assert kt("tokens", "create", "kt script", "--role", "ci", "--token-file", file).code == 0
    assert kt("login", shared_stack.url, "--name", "script", "--token-file", file).code == 0

    assert data(kt("whoami", "--json"))["token"]["name"] == "kt script"
    rotated = kt("tokens", "rotate", "--overlap", "0")
    assert (rotated.code, kt("whoami").code) == (0, 0), rotated
    denied = kt("tokens", "list")
    assert (denied.code, "403 permission_denied" in denied.err) == (2, True)
    assert kt("logout").code == 0
    assert kt("tokens", "revoke", "kt script", "--yes").code == 0
    made = kt("trusts", "create", "kt jobs", "--repository-id", "1", "--environment", "e",
              "--audience", "https://keeptrusts.example.com")  # fmt: skip
    assert made.code == 0, made
    assert "kt jobs" in kt("trusts", "list").out
    assert kt("trusts", "remove", "kt jobs", "--yes").code == 0
    assert "trust.deleted" in kt("audit", "--limit", "3").out


FILE = """\
git_credentials:
  - name: kt-deploy
    kind: token
    hosts: ["{host}"]
    token: {{env: KT_TEST_TOKEN}}
git_repos:
  - url: {url}
    branch: main
    path: b/
    auto_create_configuration: true
    poll_interval_seconds: 60
    include: ["b/**"]
gateways:
  - id: kt-lab-1
    configuration: kt-lab
    labels: {{site: lab}}
    token_file: kt-lab-1.token
gateway_bindings:
  - configuration: kt-lab
    selector: {{kt-site: lab}}
trusts:
  - name: kt-lab jobs
    issuer: https://token.actions.githubusercontent.com
    audience: https://keeptrusts.example.com
    repository_id: "7"
    ref: refs/heads/main
    sight: {{ids: [kt-lab]}}
sign_in_rules:
  - name: kt-lab people
    issuer: https://login.example.com/realms/org
    claims: {{groups: [kt-lab]}}
forge_credentials:
  - name: kt-telling
    forge: gitea
    api_url: {host}/api/v1
    hosts: ["{host}"]
    token: {{env: KT_TEST_TOKEN}}
notification_endpoints:
  - name: kt lab's own
    kinds: [held, failed]
    labels: {{site: lab}}
    url: {{file: hook}}
    secret_file: kt-lab.whsec
"""


def test_a_control_plane_is_made_as_a_file_has_it(
    login: Callable[..., Person], repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing, in one go: what the link brings is there before what enforces it."""
    kt = login()
    repo.commit({"b/kt-lab/policy-config.yaml": policy("Lab", id="kt-lab")})
    host = repo.url.split("/")[2]
    file = tmp_path / "keeptrusts.yaml"
    file.write_text(FILE.format(url=repo.url, host=f"http://{host}"))
    monkeypatch.setenv("KT_TEST_TOKEN", "kt-forge-secret")
    (tmp_path / "hook").write_text(f"http://{host}/kt-hook-secret\n")
    argv = ("apply", "-f", str(file))

    planned = kt(*argv, "--dry-run")
    done = kt(*argv, "--yes")
    again = kt(*argv)
    monkeypatch.delenv("KT_TEST_TOKEN")

    assert [line.split()[0] for line in planned.out.splitlines() if line[0] in "+~-"] == ["+"] * 8
    assert (planned.code, done.code) == (1, 0), done
    assert again.out == "nothing to do\n", again
    for secret in ("kt-forge-secret", "kt-hook-secret"):
        assert secret not in planned.out + done.out + done.err
    assert (tmp_path / "kt-lab.whsec").read_text().startswith("whsec_")
    assert (tmp_path / "kt-lab-1.token").read_text().startswith("ktg_")
    [gateway] = [one for one in data(kt("gateways", "list", "--json")) if one["id"] == "kt-lab-1"]
    assert gateway["bound"] == "kt-lab"

    file.write_text(file.read_text().replace("site: lab}\n    token", "site: lab2}\n    token")
                    .replace("sight: {ids: [kt-lab]}\n", "enabled: false\n")
                    .replace("poll_interval_seconds: 60", "poll_interval_seconds: 90")
                    .replace("kinds: [held, failed]", "enabled: false"))  # fmt: skip
    edited = kt(*argv, "--yes")
    assert [line for line in edited.out.splitlines() if line.startswith("    ")] == [
        "    poll_interval_seconds: 60 -> 90",
        "    labels: site=lab -> site=lab2",
        '    sight: {"ids": ["kt-lab"], "labels": {}} -> -',
        "    enabled: yes -> no",
        "    kinds: held, failed -> -",
        "    enabled: yes -> no",
    ], edited  # fmt: skip
    assert kt(*argv).out == "nothing to do\n"
    exported = kt("export", "--kind", "forge_credentials,notification_endpoints")
    (tmp_path / "exported.yaml").write_text(exported.out)
    whole = kt("apply", "-f", str(tmp_path / "exported.yaml"))
    assert (whole.code, whole.out) == (0, "nothing to do\n"), whole


@pytest.mark.parametrize(("kind", "count"), [("git-credentials", 6), ("trusts", 12)])
def test_those_who_apply_at_once_make_each_row_once(
    shared_stack: Stack, tmp_path: Path, kind: str, count: int
) -> None:
    """Who comes second with a row is told; by the next run all is as the file has it."""
    file = tmp_path / "keeptrusts.yaml"
    trust = (
        "  - name: kt-at-once {}\n    issuer: https://token.actions.githubusercontent.com\n"
        '    audience: https://keeptrusts.example.com\n    repository_id: "{}"\n'
        "    ref: refs/heads/main\n"
    )
    secret = "  - {{name: kt-at-once-{}, kind: token, hosts: [a.example], token: {{env: T}}}}\n"
    of_kind = {
        "git-credentials": "git_credentials:\n" + "".join(secret.format(n) for n in range(6)),
        "trusts": "trusts:\n" + "".join(trust.format(n, n) for n in range(12)),
    }
    file.write_text(of_kind[kind])
    argv = [sys.executable, "-m", "kt", "apply", "-f", str(file), "--yes"]
    environment = {**_variables(shared_stack), "T": "only-an-example"}

    def begun() -> subprocess.Popen[str]:
        return subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    ends = [(one.communicate(timeout=120)[1], one.returncode) for one in [begun() for _ in "abc"]]
    for _ in range(len(ends)):
        out, _ = (last := begun()).communicate(timeout=120)

    assert {code for _, code in ends} <= {0, 2}
    assert all("apply again to go on" in told for told, code in ends if code == 2)
    assert (last.returncode, out) == (0, "nothing to do\n")
    rows = shared_stack.request("GET", f"/v1/{kind}?q=kt-at-once").data
    assert len({row["name"] for row in rows}) == len(rows) == count


def test_a_credential_is_kept_changed_and_removed(
    login: Callable[..., Person], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of each kind that needs no key; what it is sent with is shown nowhere."""
    kt = login()
    monkeypatch.setenv("KT_TEST_TOKEN", "kt-secret-one")
    (tmp_path / "password").write_text("kt-secret-two\n")
    added = kt("credentials", "add", "kt-nightly", "--host", "forge.example", "--token-env",
               "KT_TEST_TOKEN", "--expires-at", "2999-01-01T00:00:00Z")  # fmt: skip
    basic = kt("credentials", "add", "kt-basic", "--kind", "basic", "--host", "forge.example",
               "--username", "u", "--password-file", str(tmp_path / "password"))  # fmt: skip
    wider = kt("credentials", "edit", "kt-nightly", "--host", "forge.example", "--host", "b:8443")
    edited = kt("credentials", "edit", "kt-nightly", "--host", "forge.example",
                "--host", "b:8443", "--token-env", "KT_TEST_TOKEN", "--name", "kt-daily",
                "--never-expires")  # fmt: skip
    shown = kt("credentials", "show", "kt-daily", "--json")
    listed = kt("credentials", "list", "--kind", "token,basic")

    assert [done.code for done in (added, basic, edited)] == [0, 0, 0], (added, basic, edited)
    assert (wider.code, "must be sent again with a new host" in wider.err) == (2, True)
    row = data(shown)
    assert (row["hosts"], row["expires_at"]) == (["forge.example", "b:8443"], None)
    assert {"kt-daily", "kt-basic"} <= set(listed.out.split())
    assert kt("credentials", "remove", "kt-daily", "--yes").code == 0
    assert kt("credentials", "remove", "kt-basic", "--yes").code == 0
    assert not [one for one in (added, basic, wider, edited, shown, listed)
                if "kt-secret" in one.out + one.err]  # fmt: skip


def test_what_is_exported_changes_nothing_when_it_is_applied(
    login: Callable[..., Person], tmp_path: Path
) -> None:
    """Whatever other tests left there, of every kind; to prune by it would remove nothing."""
    kt = login()
    exported = kt("export")
    file = tmp_path / "all.yaml"
    file.write_text(exported.out)

    assert exported.code == 0
    assert kt("apply", "-f", str(file), "--prune") == (0, "nothing to do\n", "")


def test_an_editor_applies_what_an_editor_may(
    login: Callable[..., Person], repo: Repo, tmp_path: Path
) -> None:
    """Links and bindings; of another kind the control plane says who may, and nothing is done."""
    kt = login("kt-editor")
    file = tmp_path / "keeptrusts.yaml"
    link = f"git_repos:\n  - url: {repo.url}\n    suspended: true\n"
    file.write_text(link)
    allowed = kt("apply", "-f", str(file), "--yes")
    file.write_text(f"{link}trusts: []\n")
    refused = kt("apply", "-f", str(file), "--yes")

    assert allowed.code == 0
    assert (refused.code, "403 permission_denied" in refused.err) == (2, True)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A forge that gives jobs their JWTs."""
    with Issuer("RSA") as running:
        yield running


def test_a_job_applies_the_file_of_its_repository_without_a_stored_secret(
    login: Callable[..., Person], shared_stack: Stack, issuer: Issuer, repo: Repo, tmp_path: Path
) -> None:
    """As docs/ci.md has it: by a trust, with a JWT of the job in the variable."""
    admin = login()
    made = admin(
        "trusts", "create", "kt set-up", "--issuer", issuer.url, "--audience", AUDIENCE,
        "--repository-id", "74", "--ref", "refs/heads/main", "--role", "editor",
    )  # fmt: skip
    assert made.code == 0, made
    file = tmp_path / "keeptrusts.yaml"
    repo.commit({"kt-job/policy-config.yaml": policy("Job", id="kt-job")})
    file.write_text(
        f"git_repos:\n  - url: {repo.url}\n    auto_create_configuration: true\n"
        "gateway_bindings:\n  - configuration: kt-job\n    selector: {kt-job: yes-it-is}\n"
    )

    def job(*argv: str) -> Done:
        token = issuer.token(github_claims(issuer.url))
        environment = {**_variables(shared_stack), "KEEPTRUSTS_API_TOKEN": token}
        command = [sys.executable, "-m", "kt", "apply", "--file", str(file), *argv]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)

    shown, applied, again = job("--dry-run"), job("--yes"), job("--yes")

    assert (shown.code, applied.code) == (1, 0), applied
    assert (again.code, again.out) == (0, "nothing to do\n")
    assert [row["actor"]["kind"] for row in data(admin("audit", "--limit", "2", "--action",
            "git_repo.linked,gateway_binding.created", "--json"))] == ["trust"] * 2  # fmt: skip
    assert admin("trusts", "remove", "kt set-up", "--yes").code == 0
