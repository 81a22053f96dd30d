"""Calls to forges through an outbound proxy: what passes, who is told what, who is blamed."""

import base64
import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.errors import ProxyFailedError, RemoteError
from gitrepos.forge import check, connections
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.forge.proxy import Proxy
from gitrepos.forge.secret import basic
from gitrepos.models import Host, Link, Remote
from gitrepos.sync import preview
from tests.support.asking import LOOPBACK, MAIN, ask, failure
from tests.support.credentials import deploy_key
from tests.support.forge import Forge
from tests.support.outbound import Outbound
from tests.support.repo import Repo, policy
from tests.support.sshforge import SSHForge
from tests.support.syncing import link, poll, shown
from tests.support.tls import Authority

LOGIN = "alice:s%40cret"
TOKEN = "a-token-of-the-forge"
NAME = "git.example"
# As they are before any test changes them.
_PROXY_SECONDS, _DEADLINE_SECONDS = connections._PROXY_SECONDS, check._DEADLINE_SECONDS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One that no system knows, for the forge and the proxy."""
    return Authority(tmp_path_factory.mktemp("tls") / "authority", NAME)


@pytest.fixture
def safe(authority: Authority, tmp_path: Path) -> Iterator[Forge]:
    """A forge by https, which only the proxy finds by its name."""
    with Forge(tmp_path / "safe", tls=authority.server) as forge:
        yield forge


@pytest.fixture
def private(safe: Forge, tmp_path: Path) -> Repo:
    """A repository with a commit on it, under the name."""
    repo = safe.repository(tmp_path / "private")
    repo.commit({"bot/policy-config.yaml": policy()})
    repo.url = repo.url.replace("127.0.0.1", NAME)
    return repo


@pytest.fixture(params=["http", "https"])
def outbound(
    request: pytest.FixtureRequest, authority: Authority, safe: Forge
) -> Iterator[Outbound]:
    """A proxy that wants a login."""
    tls = authority.server if request.param == "https" else None
    with Outbound(tls=tls, login="alice:s@cret") as running:
        running.places[NAME] = ("127.0.0.1", safe.port)
        yield running


@pytest.fixture
def plain() -> Iterator[Outbound]:
    """A proxy by http that asks for nothing."""
    with Outbound() as running:
        yield running


def listed(url: str, through: Proxy, ca_file: str = "", *, by_git: bool) -> dict[str, str]:
    """The heads of a url through a proxy, asked by us or by git itself; a failure is raised."""
    if not by_git:
        (answer,) = ask(url, proxy=through, ca_file=ca_file, secret=basic(TOKEN))
        if answer.error:
            raise answer.error
        return dict(answer.heads)
    terms = check.Terms(LOOPBACK, ca_file=ca_file, proxy=through)
    access = check.access(parse(url, schemes=["https", "http"]), basic(TOKEN), terms=terms)
    output = runner.run(
        ["ls-remote", "origin", MAIN], access=access, deadline_seconds=10, max_bytes=4096
    )
    return dict(line.split("\t")[::-1] for line in output.decode().splitlines())


ways = pytest.mark.parametrize("by_git", [False, True], ids=["us", "git"])


# libcurl with GnuTLS, as git has it on Debian 12, hangs now and then with TLS inside of TLS.
@pytest.mark.parametrize(
    ("outbound", "by_git"),
    [("http", False), ("http", True), ("https", False)],
    indirect=["outbound"],
)
def test_https_goes_through_a_tunnel(
    outbound: Outbound, safe: Forge, private: Repo, authority: Authority, by_git: bool
) -> None:
    """By name, with each secret shown to the one that it is for."""
    ca_file = str(authority.ca_file)

    found = listed(private.url, outbound.setting(), ca_file, by_git=by_git)

    encoded = base64.b64encode(b"alice:s@cret").decode()
    assert found == {MAIN: private.git("rev-parse", "HEAD")}
    assert set(outbound.asked) == {("CONNECT", f"{NAME}:{safe.port}")}
    assert outbound.headers[-1]["Proxy-Authorization"] == f"Basic {encoded}"
    assert all("Authorization" not in headers for headers in outbound.headers)
    assert {value for _, value in safe.authorizations} == {basic(TOKEN).authorization}


@ways
def test_plain_http_is_asked_of_the_proxy(
    plain: Outbound, forge: Forge, repo: Repo, by_git: bool
) -> None:
    """With the whole url; it sees the forge's credential, since nothing hides it."""
    commit = repo.commit({"bot/policy-config.yaml": policy()})

    assert listed(repo.url, plain.setting(), by_git=by_git) == {MAIN: commit}
    assert {target.split("?")[0].rpartition(".git")[0] + ".git" for _, target in plain.asked} == {
        repo.url
    }
    assert plain.headers[-1]["Authorization"] == basic(TOKEN).authorization


def test_the_proxys_login_stays_with_it(forge: Forge, repo: Repo) -> None:
    """By plain http, too, the forge never sees it."""
    repo.commit({"bot/policy-config.yaml": policy()})
    seen: list[str] = []
    forge.twists[repo.bare.name] = lambda _method, reply: reply
    with Outbound(login="alice:s@cret") as running:
        listed(repo.url, running.setting(), by_git=False)
        seen = [name for headers in running.headers for name in headers]

    assert "Proxy-Authorization" in seen
    assert {value for path, value in forge.authorizations if repo.bare.name in path} == {
        basic(TOKEN).authorization
    }


def test_a_tunnel_is_kept(
    outbound: Outbound, safe: Forge, private: Repo, authority: Authority
) -> None:
    """It costs more than the question."""
    for _ in range(4):
        listed(private.url, outbound.setting(), str(authority.ca_file), by_git=False)

    assert len(outbound.asked) == len(safe.connections) == 2


def test_an_exception_is_called_directly(plain: Outbound, repo: Repo) -> None:
    """Under the same guard as without a proxy."""
    commit = repo.commit({"bot/policy-config.yaml": policy()})
    direct = plain.setting("127.0.0.0/8")

    assert listed(repo.url, direct, by_git=False) == {MAIN: commit}
    assert failure(repo.url, allowed=(), proxy=direct).code == "host_not_allowed"
    assert plain.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "gitlab", "10.0.0.1"])
def test_the_proxy_is_not_asked_for_an_inner_address(plain: Outbound, host: str) -> None:
    """Nor for a name that only such have."""
    error = failure(f"http://{host}/repo.git", allowed=(), proxy=plain.setting())

    assert (error.code, plain.asked) == ("host_not_allowed", [])


def _refusing(status: int) -> Callable[[Outbound], None]:
    def refuse(running: Outbound) -> None:
        running.status = status

    return refuse


def _dropping(running: Outbound) -> None:
    running.drops = True


def _locked(running: Outbound) -> None:
    running.login = "bob:another"


FAULTS = [
    pytest.param(_refusing(403), "403", id="403"),
    pytest.param(_refusing(502), "502", id="502"),
    pytest.param(_refusing(503), "503", id="503"),
    pytest.param(_locked, "407", id="407"),
    pytest.param(_dropping, "", id="drops"),
]


@ways
@pytest.mark.parametrize(("misbehave", "word"), FAULTS)
def test_a_proxy_that_refuses_a_tunnel_is_blamed(
    plain: Outbound,
    safe: Forge,
    private: Repo,
    misbehave: Callable[[Outbound], None],
    word: str,
    by_git: bool,
) -> None:
    """And not the forge; with its place, without its login."""
    through = dataclasses.replace(plain.setting(), user="alice", password="s@cret")
    misbehave(plain)

    with pytest.raises(ProxyFailedError) as caught:
        listed(private.url, through, by_git=by_git)

    assert word in caught.value.message
    assert "proxy" in caught.value.message.lower()
    assert "s@cret" not in caught.value.message
    assert safe.connections == []


@pytest.mark.parametrize(
    ("status", "by_git"), [(407, False), (407, True), (502, False), (504, False)]
)
def test_a_proxy_that_refuses_plain_http_is_blamed(
    plain: Outbound, repo: Repo, status: int, by_git: bool
) -> None:
    """By the statuses that are a proxy's own."""
    plain.status = status

    with pytest.raises(ProxyFailedError, match=str(status)):
        listed(repo.url, plain.setting(), by_git=by_git)


@ways
@pytest.mark.parametrize("url", ["https://git.example/a.git", "http://git.example/a.git"])
def test_a_proxy_that_is_down_is_blamed(url: str, by_git: bool) -> None:
    """Nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(ProxyFailedError, match=f"proxy 127.0.0.1.*{port}"):
        listed(url, Proxy("http", "127.0.0.1", port), by_git=by_git)


@ways
def test_a_proxy_without_an_address_is_blamed(by_git: bool) -> None:
    """Its name does not resolve."""
    with pytest.raises(ProxyFailedError, match=r"[Pp]roxy.*nowhere\.invalid"):
        listed("https://git.example/a.git", Proxy("http", "nowhere.invalid", 3128), by_git=by_git)


def test_a_proxy_with_a_bad_certificate_is_blamed(tmp_path: Path, authority: Authority) -> None:
    """Its own, and not that of a forge behind it."""
    with Outbound(tls=authority.server) as running:
        error = failure("https://git.example/a.git", proxy=running.setting())

    assert error.code == "proxy_failed"
    assert "TLS certificate verification failed" in error.message


def test_a_forge_with_a_bad_certificate_is_not_the_proxys_fault(
    plain: Outbound, safe: Forge, private: Repo
) -> None:
    """The tunnel was made, and nothing is sent through it."""
    plain.places[NAME] = ("127.0.0.1", safe.port)

    error = failure(private.url, proxy=plain.setting())

    assert error.code == "unreachable"
    assert "TLS certificate verification failed" in error.message
    assert safe.requests == []


def test_what_the_forge_answers_is_the_forges(plain: Outbound, forge: Forge, repo: Repo) -> None:
    """Refusals and limits come through."""
    codes = []
    for status, headers in ((401, {}), (404, {}), (429, {"Retry-After": "9"}), (503, {})):
        forge.answers[repo.bare.name] = status, headers, b""
        codes.append(failure(repo.url, proxy=plain.setting()).code)
    forge.release(repo)

    assert codes == ["auth_failed", "repo_not_found", "rate_limited", "unreachable"]


def test_a_proxy_that_hangs_is_blamed(plain: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the check's own deadline, which would blame the forge."""
    monkeypatch.setattr(connections, "_PROXY_SECONDS", 0.2)
    plain.hangs.clear()

    error = failure("https://git.example/a.git", proxy=plain.setting())
    plain.hangs.set()

    assert (error.code, "in time" in error.message) == ("proxy_failed", True)
    assert _PROXY_SECONDS < _DEADLINE_SECONDS


def test_ssh_is_not_sent_past_the_proxy(plain: Outbound) -> None:
    """The link says so, instead of timing out; an exception is called as ever."""
    url = parse("git@git.example:org/repo.git", schemes=["ssh"])

    with pytest.raises(RemoteError, match="ssh does not go through the proxy") as caught:
        check.access(url, basic(TOKEN), terms=check.Terms(proxy=plain.setting()))

    assert (caught.value.code, caught.value.transient) == ("host_not_allowed", False)


@pytest.mark.django_db
def test_a_trial_asks_no_ssh_server_past_the_proxy(
    admin: APIClient,
    plain: Outbound,
    ssh_forge: SSHForge,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Not even for the keys that it shows to anybody; an exception is asked."""
    deploy_key(admin, ssh_forge)
    row = link(admin, ssh_forge.url(repo), credential="shared")
    stored = Link.objects.select_related("remote__shared").get(pk=row["id"])
    found = []
    for exceptions in ((), ("127.0.0.1",)):
        settings.ENV = dataclasses.replace(
            settings.ENV, git_proxy=plain.url, git_no_proxy=exceptions
        )
        found.append(bool(preview.of(stored)["host_keys"]))

    assert found == [False, True]


@pytest.mark.django_db
@pytest.mark.usefixtures("admin")
def test_links_are_synced_through_the_proxy(
    admin: APIClient,
    outbound: Outbound,
    private: Repo,
    authority: Authority,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """By the setting: checks and packs, without a git that calls anybody."""
    settings.ENV = dataclasses.replace(
        settings.ENV,
        git_proxy=outbound.setting().text,
        git_ca_file=str(authority.ca_file),
        git_allowed_networks=(),
    )
    row = link(admin, private.url, path="bot")
    poll()

    assert shown(admin, row)["status"] == "synced"
    assert {method for method, _ in outbound.asked} == {"CONNECT"}


@pytest.mark.django_db
def test_git_itself_fetches_through_the_proxy(
    admin: APIClient,
    plain: Outbound,
    forge: Forge,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """From a server that only it can talk to."""
    forge.old.add(repo.bare.name)
    repo.commit({"bot/policy-config.yaml": policy()})
    before = len(forge.connections)
    settings.ENV = dataclasses.replace(settings.ENV, git_proxy=plain.setting().text)
    row = link(admin, repo.url)
    poll()

    assert shown(admin, row)["status"] == "synced"
    assert len(forge.connections) - before <= len(plain.asked)


@pytest.mark.django_db
def test_a_proxy_that_is_down_is_no_strike_against_the_host(
    admin: APIClient,
    plain: Outbound,
    make_repo: Callable[[], Repo],
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Links say whose fault it is, keep their pace, and recover once it is back."""
    settings.ENV = dataclasses.replace(settings.ENV, git_proxy=plain.setting().text)
    repos = [make_repo() for _ in range(3)]
    for repo in repos:
        repo.commit({f"{repo.bare.stem}/policy-config.yaml": policy()})
    rows = [link(admin, repo.url) for repo in repos]
    poll()
    plain.drops = True
    poll_again()

    failed = {(shown(admin, row)["status"], shown(admin, row)["error"]["code"]) for row in rows}
    assert failed == {("error", "proxy_failed")}
    assert not Host.objects.exists()
    remotes = list(Remote.objects.all())
    assert {row.failures for row in remotes} == {0}
    plain.drops = False
    poll_again()
    assert {shown(admin, row)["status"] for row in rows} == {"synced"}


def poll_again() -> None:
    """Poll every remote, though it is not due."""
    Remote.objects.update(next_poll_at=timezone.now())
    poll()


@pytest.mark.django_db
def test_the_login_is_not_shown(
    admin: APIClient,
    repo: Repo,
    settings,  # type: ignore[no-untyped-def]
) -> None:
    """Not in the error of a link."""
    settings.ENV = dataclasses.replace(
        settings.ENV, git_proxy=f"http://{LOGIN}@127.0.0.1:9", git_no_proxy=()
    )
    row = link(admin, repo.url)
    poll()

    text = str(shown(admin, row))
    assert "127.0.0.1:9" in text
    assert "s%40cret" not in text
    assert "s@cret" not in text
