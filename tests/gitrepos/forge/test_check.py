"""The check against real servers: one request, on a connection that is kept."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitrepos.errors import RateLimitedError
from gitrepos.forge import check, connections, eventloop, kept, smart_http
from gitrepos.forge.secret import bearer
from gitrepos.forge.wire.pkt_line import frame
from tests.support.asking import MAIN, PER_HOST, ask, failure, heads
from tests.support.forge import Forge, Reply
from tests.support.processes import below
from tests.support.raw import serving
from tests.support.repo import Repo, policy
from tests.support.stack import wait_for

TYPE = b"Content-Type: application/x-git-upload-pack-result\r\n"
OTHER = frame(f"{'1' * 40} refs/heads/other\n")
OK = b"HTTP/1.1 200 OK\r\n" + TYPE


@pytest.fixture
def full(repo: Repo) -> Repo:
    """A repository with a commit."""
    repo.commit({"bot/policy-config.yaml": policy()})
    return repo


@pytest.fixture
def unknown(fresh: Forge, tmp_path: Path) -> Repo:
    """A repository with a commit on it."""
    repo = fresh.repository(tmp_path / "unknown")
    repo.commit({"bot/policy-config.yaml": policy()})
    return repo


@pytest.mark.smoke
def test_a_check_is_one_request(fresh: Forge, unknown: Repo) -> None:
    """For all its refs, the first time too; HEAD is one of them."""
    commit = unknown.git("rev-parse", "HEAD")

    found = heads(unknown.url, MAIN, "HEAD", "refs/heads/gone")

    assert found == {MAIN: commit, "HEAD": commit, "refs/heads/gone": ""}
    assert [method for method, _ in fresh.calls(unknown)] == ["POST"]


def test_a_connection_is_kept_for_the_next_tick(fresh: Forge, unknown: Repo) -> None:
    """A host that is asked again soon gets no second handshake."""
    eventloop.close()  # Another server of the tests may have had this port.
    for _ in range(5):
        heads(unknown.url)

    assert len(fresh.calls(unknown)) == 5
    assert len(fresh.connections) == 2  # A first visit promises no second.


def test_a_host_that_is_asked_once_keeps_no_connection(fresh: Forge, unknown: Repo) -> None:
    """Else each of a hundred thousand would hold an open file."""
    heads(unknown.url)

    assert _open_to(fresh.port) == []


def test_no_more_connections_are_kept_than_files_may_be_open(
    fresh: Forge, unknown: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound each is closed after its answer."""
    eventloop.close()
    for module in (connections, kept):
        monkeypatch.setattr(module, "MOST_KEPT", 0)
    for _ in range(3):
        heads(unknown.url)

    assert len(fresh.connections) == 3


def test_a_kept_connection_that_the_server_closes_is_made_again(full: Repo) -> None:
    """Forges do that after a while, at any moment."""
    commit = full.git("rev-parse", "HEAD")
    heads(full.url)
    heads(full.url)
    body = frame(f"{commit} {MAIN}\n") + b"0000"
    answers = iter(range(100))

    def say(connection: socket.socket) -> None:
        """Answer, then hang up on the second request as soon as it comes."""
        if next(answers) in (0, 1, 2):
            connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            connection.recv(65536)

    with serving(say) as url:
        found = [heads(url) for _ in range(3)]

    assert found == [{MAIN: commit}] * 3


def test_an_answer_that_is_not_plain_is_asked_for_in_the_other_way(full: Repo) -> None:
    """One that lasts until its connection ends; the server is known for it then."""
    commit = full.git("rev-parse", "HEAD")
    asked: list[None] = []

    def say(connection: socket.socket) -> None:
        asked.append(None)
        connection.sendall(OK + b"\r\n" + frame(f"{commit} {MAIN}\n") + b"0000")

    with serving(say) as url:
        found = [heads(url) for _ in range(4)]

    assert (found, len(asked)) == ([{MAIN: commit}] * 4, 5)


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_on_a_kept_connection_is_asked_for_once(
    fresh: Forge, unknown: Repo, status: int
) -> None:
    """Each call more would make the limit longer."""
    heads(unknown.url)
    heads(unknown.url)
    fresh.answers[unknown.bare.name] = (status, {"Retry-After": "7"}, b"")

    error = failure(unknown.url)

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after_seconds, len(fresh.calls(unknown))) == (7, 3)


def test_no_process_is_started(fresh: Forge, unknown: Repo) -> None:
    """While the server thinks about it."""
    hold = fresh.holds[unknown.bare.name] = threading.Event()
    asker = threading.Thread(target=heads, args=(unknown.url,))
    asker.start()
    wait_for(lambda: fresh.calls(unknown))

    children = below(os.getpid())

    hold.set()
    asker.join()
    assert children == {}


def test_many_are_asked_at_once(fresh: Forge, unknown: Repo) -> None:
    """As many of one host as its share allows are in flight before one has answered."""
    names = [f"twin-{number}.git" for number in range(PER_HOST)]
    for name in names:
        (fresh.root / name).symlink_to(unknown.bare)
    gate = threading.Event()
    fresh.holds.update(dict.fromkeys(names, gate))
    found: list[check.RefsAnswer[int]] = []
    asker = threading.Thread(
        target=lambda: found.extend(ask(*(f"{fresh.url}/{name}" for name in names)))
    )
    asker.start()
    wait_for(lambda: len(fresh.requests) == len(names))
    gate.set()
    asker.join()

    assert {answer.heads[MAIN] for answer in found} == {unknown.git("rev-parse", "HEAD")}


@pytest.mark.parametrize("per_host", [2, 100])
def test_a_host_that_hangs_holds_no_place_of_another(
    fresh: Forge, unknown: Repo, full: Repo, monkeypatch: pytest.MonkeyPatch, per_host: int
) -> None:
    """However many of its repositories are asked for, and may be at once."""
    monkeypatch.setattr(check, "_IN_FLIGHT", 4)
    monkeypatch.setattr(check, "_TURN_SECONDS", 0.5)
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 2)
    eventloop.close()
    gate = fresh.holds[unknown.bare.name] = threading.Event()
    answers = ask(*[unknown.url] * 5, full.url, per_host=per_host)
    gate.set()

    errors = [answer.error and answer.error.code for answer in answers]
    assert errors == [*["timeout"] * 5, None]


def test_what_gets_no_turn_is_late(
    fresh: Forge, unknown: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check ends in bounded time, though its host answers nobody."""
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 3)
    monkeypatch.setattr(check, "_TURN_SECONDS", 1)
    eventloop.close()
    gate = fresh.holds[unknown.bare.name] = threading.Event()
    answers = ask(*[unknown.url] * 3, per_host=1)
    gate.set()

    assert {answer.error and answer.error.message for answer in answers} == {
        "The server did not answer in time.",
        "The server was busy with other repositories.",
    }


@pytest.mark.smoke
def test_an_old_server_is_asked_in_its_own_way(fresh: Forge, unknown: Repo) -> None:
    """It is recognized by what it says of itself, once."""
    fresh.old.add(unknown.bare.name)
    for _ in range(3):
        assert heads(unknown.url) == {MAIN: unknown.git("rev-parse", "HEAD")}

    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET", "GET", "GET"]


def test_a_server_that_was_renewed_is_asked_in_the_new_way(fresh: Forge, unknown: Repo) -> None:
    """As soon as it says so, or an hour later."""
    fresh.old.add(unknown.bare.name)
    heads(unknown.url)
    fresh.old.clear()
    fresh.requests.clear()
    for _ in range(2):
        heads(unknown.url)

    assert [method for method, _ in fresh.calls(unknown)] == ["GET", "POST", "POST"]


def test_an_old_server_is_forgotten_after_a_while(
    fresh: Forge, unknown: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And asked the new way again."""
    monkeypatch.setattr(smart_http, "_FORGET_SECONDS", 0)
    fresh.old.add(unknown.bare.name)
    for _ in range(2):
        heads(unknown.url)

    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET"] * 2


@pytest.mark.smoke
def test_a_sha256_repository_is_asked_in_its_own_format(fresh: Forge, tmp_path: Path) -> None:
    """Which its server tells once; its neighbours are asked as ever."""
    repo = fresh.repository(tmp_path / "long", object_format="sha256")
    commit = repo.commit({"bot/policy-config.yaml": policy()})
    for _ in range(3):
        assert heads(repo.url) == {MAIN: commit}

    assert len(commit) == 64
    assert [method for method, _ in fresh.calls(repo)] == ["POST", "GET", "POST", "POST", "POST"]


@pytest.mark.smoke
def test_a_server_without_git_is_read_by_git(fresh: Forge, unknown: Repo) -> None:
    """It hands out files; a branch that is not in them is not there."""
    unknown.git("update-server-info", at=unknown.bare)
    fresh.dumb.add(unknown.bare.name)

    found = [heads(unknown.url, MAIN, "refs/heads/gone") for _ in range(2)]

    assert found == [{MAIN: unknown.git("rev-parse", "HEAD"), "refs/heads/gone": ""}] * 2
    assert [method for method, _ in fresh.calls(unknown)].count("POST") == 1


@pytest.mark.parametrize("way", ["new", "old", "without git", "file"])
def test_tags_are_listed_with_their_commits(fresh: Forge, unknown: Repo, way: str) -> None:
    """By every kind of server, named or by what their names begin with."""
    commit = unknown.git("rev-parse", "HEAD")
    annotated, light = unknown.tag("v1.0.0", message="A release"), unknown.tag("v1.0.1")
    if way == "old":
        fresh.old.add(unknown.bare.name)
    if way == "without git":
        unknown.git("update-server-info", at=unknown.bare)
        fresh.dumb.add(unknown.bare.name)
    url = f"file://{unknown.bare}" if way == "file" else unknown.url

    named = {"refs/tags/v1.0.0": annotated, "refs/tags/v1.0.0^{}": commit}
    assert heads(url, "refs/tags/v1.0.0", "refs/tags/v1") == named | {"refs/tags/v1": ""}
    assert heads(url, "refs/tags/") == named | {"refs/tags/v1.0.1": light}
    assert light == commit


def test_files_that_vanish_are_no_missing_branch(fresh: Forge, unknown: Repo) -> None:
    """An empty list of a server without git proves nothing."""
    unknown.git("update-server-info", at=unknown.bare)
    fresh.dumb.add(unknown.bare.name)
    heads(unknown.url)
    (unknown.bare / "info/refs").write_bytes(b"")

    assert failure(unknown.url).code == "bad_answer"


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504])
def test_no_failure_of_the_server_is_taken_for_an_old_protocol(
    fresh: Forge, unknown: Repo, status: int
) -> None:
    """It is asked no other way, though that would be answered."""
    fresh.twists[unknown.bare.name] = lambda method, reply: (
        (status, {}, b"") if method == "POST" else reply
    )

    failure(unknown.url)

    assert [method for method, _ in fresh.calls(unknown)] == ["POST"]


@pytest.mark.parametrize(
    ("status", "code"), [(400, "bad_answer"), (404, "repo_not_found"), (500, "unreachable")]
)
def test_a_server_that_knows_the_question_is_not_asked_the_old_way(
    fresh: Forge, unknown: Repo, status: int, code: str
) -> None:
    """Its first answer stands."""
    fresh.twists[unknown.bare.name] = lambda method, reply: (
        (status, {}, b"") if method == "POST" else reply
    )

    assert failure(unknown.url).code == code
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET"]


def _posted(body: bytes, headers: dict[str, str]) -> Callable[[str, Reply], Reply]:
    return lambda method, reply: (200, headers, body) if method == "POST" else reply


ODD: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {"Content-Type": "application/x-git-upload-pack-result"}),
    "a page": (b"<html>", {"Content-Type": "text/html"}),
    "a good answer of another type": (b"0000", {"Content-Type": "text/plain"}),
    "a good answer without a type": (b"0000", {}),
    "a compressed one": (
        b"0000",
        {"Content-Type": "application/x-git-upload-pack-result", "Content-Encoding": "gzip"},
    ),
}


@pytest.mark.parametrize(("body", "headers"), ODD.values(), ids=ODD.keys())
def test_an_odd_answer_is_no_missing_branch(
    fresh: Forge, unknown: Repo, body: bytes, headers: dict[str, str]
) -> None:
    """The repository has the branch; the answer says nothing about it."""
    fresh.twists[unknown.bare.name] = _posted(body, headers)

    assert failure(unknown.url).code == "bad_answer"


def _trickle(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    for byte in itertools.cycle(OTHER):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _slow_head(connection: socket.socket) -> None:
    for number in range(10_000):
        connection.sendall(b"HTTP/1.1 200 OK\r\n" if not number else b"X-%d: y\r\n" % number)
        time.sleep(0.05)


def _endless(connection: socket.socket) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"%x\r\n%s\r\n" % (len(OTHER) * 1000, OTHER * 1000))


def _endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"x" * 65536)


def _sent(text: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text)


HOSTILE: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "a trickle": (_trickle, "timeout"),
    "a trickle of headers": (_slow_head, "timeout"),
    "no end": (_endless, "too_large"),
    "no end of a header": (_endless_head, "bad_answer"),
    "nothing": (_sent(b""), "unreachable"),
    "no HTTP": (_sent(b"SSH-2.0-OpenSSH_9.2\r\n"), "bad_answer"),
    "less than promised": (_sent(OK + b"Content-Length: 60\r\n\r\n0000"), "bad_answer"),
    "a length that is none": (_sent(OK + b"Content-Length: -4\r\n\r\n0000"), "bad_answer"),
    "two lengths": (
        _sent(OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n00000"), "bad_answer",
    ),
    "a chunk cut short": (
        _sent(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n0000"), "bad_answer",
    ),
    "a chunk of no size": (
        _sent(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n0000"), "bad_answer",
    ),
    "informational for ever": (_sent(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), "unreachable"),
}  # fmt: skip


@pytest.mark.parametrize(("say", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_server_is_a_coded_error_in_bounded_time(
    say: Callable[[socket.socket], None],
    code: str,
    full: Repo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its neighbour in the same batch is answered."""
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", 8)
    monkeypatch.setattr(smart_http, "_MAX_BYTES", 1_000_000)
    if code == "timeout":
        monkeypatch.setattr(check, "_DEADLINE_SECONDS", 2)
    with serving(say) as url:
        hostile, neighbour = ask(url, full.url)

    assert hostile.error is not None
    assert hostile.error.code == code, hostile.error.message
    assert neighbour.heads == {MAIN: full.git("rev-parse", "HEAD")}


def test_many_refs_of_one_beginning_are_passed_over(full: Repo) -> None:
    """A branch is found among twenty thousand whose names go on after its own."""
    commit = full.git("rev-parse", "HEAD")
    rows = "".join(f"create refs/heads/main-{number} {commit}\n" for number in range(20_000))
    full.raw("update-ref", "--stdin", at=full.bare, stdin=rows.encode())

    assert heads(full.url) == {MAIN: commit}


LIMITS = [
    ("120", 120),
    ("0", 0),
    ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400),
    ("Mon, 01 Jan 1990 00:00:00 GMT", 0),
    ("99999999999999999999", 86_400),
    ("soon", None),
    ("-5", None),
    ("", None),
]


def test_a_limit_says_for_how_long(fresh: Forge, unknown: Repo) -> None:
    """In seconds or as a date; nonsense is no time, and no wait is longer than a day."""
    for text, seconds in LIMITS:
        fresh.answers[unknown.bare.name] = (429, {"Retry-After": text} if text else {}, b"")

        error = failure(unknown.url)

        assert isinstance(error, RateLimitedError), text
        assert error.retry_after_seconds == seconds, text


def test_a_limit_that_must_hide_a_secret_still_says_for_how_long(
    fresh: Forge, unknown: Repo
) -> None:
    """Even where the password is a word of the message."""
    fresh.answers[unknown.bare.name] = (429, {"Retry-After": "30"}, b"")

    error = failure(unknown.url, secret=bearer("fewer"))

    assert isinstance(error, RateLimitedError)
    assert (str(error), error.message) == ("The server asks for *** requests.",) * 2
    assert error.retry_after_seconds == 30


@pytest.mark.parametrize("status", [403, 503])
def test_a_refusal_until_later_is_a_limit(fresh: Forge, unknown: Repo, status: int) -> None:
    """Forges say it with these, too."""
    fresh.answers[unknown.bare.name] = (status, {"Retry-After": "30"}, b"")

    error = failure(unknown.url)

    assert (error.code, getattr(error, "retry_after_seconds", None)) == ("rate_limited", 30)


MOVES = [
    ("https://forge.example/new/repo.git/git-upload-pack", "https://forge.example/new/repo.git"),
    ("/new.git/git-upload-pack", "FORGE/new.git"),
    ("https://user:secret@forge.example/r.git/git-upload-pack", None),
    ("https://forge.example/sign-in?to=/r.git", None),
    ("file:///etc/passwd", None),
    ("https://[broken/git-upload-pack", None),
    ("", None),
]


def test_a_repository_that_moved_says_where_to(fresh: Forge, unknown: Repo) -> None:
    """If that is the url of a repository."""
    for location, shown in MOVES:
        fresh.answers[unknown.bare.name] = (301, {"Location": location}, b"")

        error = failure(unknown.url)

        where = f"to {shown.replace('FORGE', fresh.url)}" if shown else "elsewhere"
        assert (error.code, error.message) == (
            "moved",
            f"The server redirects {where}, and no redirect is followed: link the new url.",
        ), location


def test_a_bug_in_one_check_costs_the_others_nothing(
    full: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown as one, and the log says where."""
    real = smart_http.heads

    async def broken(dialled, wish, known):  # type: ignore[no-untyped-def]
        return (
            {} if wish.refs == ("refs/heads/bug",) and 1 // 0 else await real(dialled, wish, known)
        )

    monkeypatch.setattr(smart_http, "heads", broken)

    (bug,) = ask(full.url, refs=["refs/heads/bug"])
    (good,) = ask(full.url)

    assert bug.error is not None
    assert bug.error.code == "internal"
    assert good.error is None


def test_a_check_works_on_in_a_forked_child(full: Repo) -> None:
    """With a loop and connections of its own: the parent's are left alone."""
    commit = full.git("rev-parse", "HEAD")
    for _ in range(2):
        heads(full.url)
    child = os.fork()
    if child == 0:
        os._exit(0 if heads(full.url) == {MAIN: commit} else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert heads(full.url) == {MAIN: commit}


def test_a_check_after_the_end_begins_anew(full: Repo) -> None:
    """Nothing is left of the first: no thread, no connection."""
    for _ in range(2):
        heads(full.url)
    eventloop.close()
    threads = {thread.name for thread in threading.enumerate()}

    assert "eventloop" not in threads
    assert heads(full.url)[MAIN]


def _open_to(port: int) -> list[str]:
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [
        row for row in rows if row.split()[2].endswith(f":{port:04X}") and row.split()[3] == "01"
    ]
