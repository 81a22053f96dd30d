"""Fetching packs: one request each, or git itself where a server does not understand it."""

import asyncio
import gzip
import ipaddress
import signal
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import pytest

from gitrepos.errors import (
    BadAnswerError,
    HostNotAllowedError,
    MovedError,
    RemoteError,
    TimedOutError,
    UnreachableError,
)
from gitrepos.forge import eventloop, pack_fetch, secret
from gitrepos.forge.addresses import parse
from gitrepos.forge.exchange import NotPlainError
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.asking import MAIN, heads
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy
from tests.support.stack import wait_for

BOT = "bot/policy-config.yaml"
PACK = {"Content-Type": "application/x-git-upload-pack-result"}
TWO = ["POST", "POST"]
# git asks first what the server can do, and for a branch also where it stands.
BY_NAME, BY_ID = ["GET", "POST", "POST"], ["GET", "POST"]


def take(repo: Repo, folder: Path, head: str, *, url: str = "", token: str = "") -> Snapshot:
    """What a link to the whole of main takes; what goes wrong is raised."""
    proof = secret.basic(token) if token else secret.NOBODY
    access = runner.Access(parse(url or repo.url, schemes=["http"]), ("127.0.0.1",), proof)
    (taken,) = fetch.take(
        access, ref="refs/heads/main", head=head, asks=[FilesRequest("")], folder=folder / "work"
    )
    if isinstance(taken, RemoteError):
        raise taken
    return taken


def contents(taken: Snapshot) -> dict[str, bytes | None]:
    """The bytes of each file."""
    return {file.path: file.content for file in taken.files or ()}


def methods(forge: Forge, repo: Repo) -> list[str]:
    """What was asked of a repository."""
    return [method for method, _ in forge.calls(repo)]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_commit_costs_two_requests_on_one_connection(
    forge: Forge, tmp_path: Path, object_format: str
) -> None:
    """The first for its trees, the second for the blobs that are wanted of it."""
    repo = forge.repository(tmp_path / "clone", object_format=object_format)
    head = repo.commit({BOT: policy(), "other.bin": "x"})
    eventloop.close()  # With what it kept.
    before = len(forge.connections)

    taken = take(repo, tmp_path, head)

    assert (taken.commit.id, contents(taken)) == (head, {BOT: policy().encode()})
    assert methods(forge, repo) == TWO
    assert len(forge.connections) == before + 1


def test_the_next_sync_of_a_server_has_the_connection_of_the_last(
    forge: Forge, tmp_path: Path
) -> None:
    """Whichever its repository, and whoever asks for it; each with its own secret."""
    repos = [forge.repository(tmp_path / name) for name in ("one", "two")]
    heads = [repo.commit({BOT: policy()}) for repo in repos]
    eventloop.close()
    before = len(forge.connections)

    for repo, head in zip(repos, heads, strict=True):
        take(repo, tmp_path, head, token=repo.clone.name)

    assert [methods(forge, repo) for repo in repos] == [TWO, TWO]
    assert len(forge.connections) == before + 1
    assert forge.authorizations[-4:] == [
        (f"/{repo.bare.name}/git-upload-pack", secret.basic(repo.clone.name).authorization)
        for repo in repos
        for _ in TWO
    ]


def test_a_name_that_is_elsewhere_now_has_a_connection_of_its_own(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """One to where it was is never used for it."""
    head = repo.commit({BOT: policy()})
    url = parse(repo.url.replace("127.0.0.1", "forge.invalid"), schemes=["http"])
    asks = [FilesRequest("")]

    for address in ("127.0.0.1", "127.0.0.2"):
        with nullcontext() if address == "127.0.0.1" else pytest.raises(UnreachableError):
            fetch.take(
                runner.Access(url, (address,)), ref=MAIN, head=head, asks=asks, folder=tmp_path
            )

    assert methods(forge, repo) == TWO


def test_what_the_check_saw_is_what_is_taken(forge: Forge, repo: Repo, tmp_path: Path) -> None:
    """Though the branch has moved on, and no longer has it."""
    seen = repo.commit({BOT: policy("Seen")})
    repo.git("commit", "--quiet", "--amend", "-m", "Another")
    repo.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")

    taken = take(repo, tmp_path, seen)

    assert (taken.commit.id, methods(forge, repo)) == (seen, TWO)


def test_without_the_commit_that_the_check_saw_the_newest_is_taken(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """The server may have thrown it away by now."""
    head = repo.commit({BOT: policy()})

    taken = take(repo, tmp_path, "ab" * 20)

    assert (taken.commit.id, contents(taken)) == (head, {BOT: policy().encode()})


def test_a_commit_without_parents_or_with_many_is_taken_alone(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """What came before it is not asked for."""
    first = repo.commit({BOT: policy("One")})
    for number in range(3):
        last = repo.commit({BOT: policy(f"Next {number}")})
    sizes = []

    for head in (first, last):
        before = forge.sent_bytes
        take(repo, tmp_path, head)
        sizes.append(forge.sent_bytes - before)

    assert abs(sizes[1] - sizes[0]) < 200  # One commit and one tree are 300 bytes.


def _changed(change: Callable[[bytes], bytes]) -> Callable[[Reply], Reply]:
    return lambda reply: (reply[0], reply[1], change(reply[2]))


def _without_an_end(body: bytes) -> bytes:
    return body.removesuffix(b"0000")


UNCLEAN: dict[str, Callable[[Reply], Reply]] = {
    "garbage behind the end": _changed(lambda body: body + b"garbage"),
    "no end": _changed(_without_an_end),
    "an error in the pack": _changed(lambda body: _without_an_end(body) + b"0009\x03no\n0000"),
    "an error instead": _changed(lambda _: b"000aERR no"),
    "nothing": _changed(lambda _: b""),
    "a page": lambda reply: (200, {"Content-Type": "text/html"}, reply[2]),
    "no such page": lambda _: (404, {}, b""),
    "a request it does not know": lambda _: (400, {}, b""),
    "a request it stumbles over": lambda _: (500, {}, b""),
    "cut short": lambda reply: (200, {**PACK, "Content-Length": "100000"}, reply[2]),
}


@pytest.mark.parametrize("when", ["the trees", "the blobs"])
@pytest.mark.parametrize("twist", UNCLEAN.values(), ids=UNCLEAN.keys())
def test_an_answer_that_is_not_clean_has_git_ask(
    forge: Forge, repo: Repo, tmp_path: Path, twist: Callable[[Reply], Reply], when: str
) -> None:
    """For what is still wanted, once; it takes the same."""
    head = repo.commit({BOT: policy(), ".gitattributes": "* -text\n", "other.bin": "x"})
    left = [1] if when == "the trees" else [0, 1]

    def once(_method: str, reply: Reply) -> Reply:
        return twist(reply) if b"PACK" in reply[2] and left and left.pop(0) else reply

    forge.twists[repo.bare.name] = once

    taken = take(repo, tmp_path, head)

    assert (taken.commit.id, contents(taken)) == (head, {BOT: policy().encode()})
    asked = ["POST", *BY_NAME, *BY_ID] if when == "the trees" else [*TWO, *BY_ID]
    assert methods(forge, repo) == asked
    forge.release(repo)


@pytest.mark.parametrize(
    ("setting", "asked"),
    [
        # Sent whole at first, its blobs need not be asked for.
        ("uploadpack.allowFilter", ["POST", *BY_NAME]),
        # Of protocol 2 it hands out any object all the same.
        ("uploadpack.allowAnySHA1InWant", TWO),
    ],
)
def test_a_server_that_can_less_is_asked_no_more_than_it_can(
    forge: Forge, repo: Repo, tmp_path: Path, setting: str, asked: list[str]
) -> None:
    """What it can, nobody knows before."""
    head = repo.commit({BOT: policy(), "other.bin": "x"})
    repo.git("config", setting, "false", at=repo.bare)

    taken = take(repo, tmp_path, head)

    assert (contents(taken), methods(forge, repo)[: len(asked)]) == (
        {BOT: policy().encode()},
        asked,
    )


@pytest.mark.parametrize("names", [["HEAD"], ["HEAD", "HEAD^{tree}"]])
def test_a_pack_that_lacks_a_tree_is_a_bad_answer(
    forge: Forge, repo: Repo, tmp_path: Path, names: list[str]
) -> None:
    """Never a commit without files."""
    head = repo.commit({BOT: policy()})
    ids = "".join(f"{repo.git('rev-parse', name)}\n" for name in names)
    pack = b"\x01" + repo.raw("pack-objects", "-q", "--stdout", stdin=ids.encode())
    body = b"000dpackfile\n" + b"%04x%s" % (len(pack) + 4, pack) + b"0000"
    forge.answers[repo.bare.name] = (200, PACK, body)

    with pytest.raises(BadAnswerError):
        take(repo, tmp_path, head)

    assert methods(forge, repo) == ["POST"]
    forge.release(repo)


def test_a_server_that_likes_to_compress_is_asked_not_to(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """By the check and by the fetch: an answer would unpack to any size."""
    head = repo.commit({BOT: policy()})
    forge.gzips.add(repo.bare.name)

    assert heads(repo.url) == {MAIN: head}
    assert contents(take(repo, tmp_path, head)) == {BOT: policy().encode()}
    assert methods(forge, repo) == ["POST", *TWO]


def test_an_answer_that_a_proxy_compressed_all_the_same_is_read(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """Refs and packs, in no more requests."""
    head = repo.commit({BOT: policy()})
    forge.twists[repo.bare.name] = lambda _, reply: (
        reply[0], {**reply[1], "Content-Encoding": "gzip"}, gzip.compress(reply[2]),
    )  # fmt: skip

    assert heads(repo.url) == {MAIN: head}
    assert contents(take(repo, tmp_path, head)) == {BOT: policy().encode()}
    assert methods(forge, repo) == ["POST", *TWO]
    forge.release(repo)


def test_an_old_server_is_asked_by_git(forge: Forge, repo: Repo, tmp_path: Path) -> None:
    """It knows no protocol 2, and answers the question with nothing of use."""
    head = repo.commit({BOT: policy()})
    forge.old.add(repo.bare.name)

    assert contents(take(repo, tmp_path, head)) == {BOT: policy().encode()}


def test_a_server_without_git_is_asked_by_git(forge: Forge, repo: Repo, tmp_path: Path) -> None:
    """It hands out files, and refuses a POST."""
    head = repo.commit({BOT: policy()})
    repo.git("update-server-info", at=repo.bare)
    forge.dumb.add(repo.bare.name)

    assert contents(take(repo, tmp_path, head)) == {BOT: policy().encode()}
    assert methods(forge, repo)[:2] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, {}, b""), "auth_failed"),
        ((403, {}, b""), "auth_failed"),
        ((302, {"Location": "/elsewhere"}, b""), "moved"),
        ((429, {"Retry-After": "7"}, b""), "rate_limited"),
        ((503, {"Retry-After": "7"}, b""), "rate_limited"),
        ((503, {}, b""), "unreachable"),
    ],
)
def test_a_plain_refusal_is_not_asked_about_again(
    forge: Forge, repo: Repo, tmp_path: Path, answer: Reply, code: str
) -> None:
    """git would hear the same."""
    head = repo.commit({BOT: policy()})
    forge.answers[repo.bare.name] = answer

    with pytest.raises(RemoteError) as error:
        take(repo, tmp_path, head)

    assert (error.value.code, methods(forge, repo)) == (code, ["POST"])
    forge.release(repo)


def test_a_secret_that_comes_back_is_not_shown(forge: Forge, repo: Repo, tmp_path: Path) -> None:
    """A server may redirect to a url that holds it."""
    head = repo.commit({BOT: policy()})
    token = "kt-only-for-tests-0c4d"
    to = f"https://elsewhere.example/{token}/git-upload-pack"
    forge.answers[repo.bare.name] = (301, {"Location": to}, b"")

    with pytest.raises(MovedError, match=r"to https://elsewhere.example/\*\*\*, and") as error:
        take(repo, tmp_path, head, token=token)

    assert token not in str(error.value)
    forge.release(repo)


def test_a_name_leads_where_it_led_when_it_was_checked(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """Whatever a name server says by now."""
    head = repo.commit({BOT: policy()})
    url = repo.url.replace("127.0.0.1", "forge.invalid")

    taken = take(repo, tmp_path, head, url=url)

    assert (taken.commit.id, methods(forge, repo)) == (head, TWO)


def test_no_address_is_dialled_but_those_that_were_checked(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """In whatever form the url has another."""
    head = repo.commit({BOT: policy()})
    access = runner.Access(parse(repo.url, schemes=["http"]), (str(ipaddress.ip_address(1 << 24)),))

    with pytest.raises(HostNotAllowedError):
        fetch.take(
            access, ref="refs/heads/main", head=head, asks=[FilesRequest("")], folder=tmp_path
        )

    assert forge.calls(repo) == []


def _trickle(parts: int, client: BinaryIO) -> None:
    client.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nd\r\n000dpackfile\n\r\n"
    )
    for _ in range(parts):
        client.write(b"5\r\n0005\x01\r\n")
        time.sleep(0.2)


def test_an_answer_that_comes_too_slowly_is_given_up(
    forge: Forge, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before its deadline, however little of it comes again and again."""
    monkeypatch.setattr(pack_fetch, "_SLOW_SECONDS", 1)
    head = repo.commit({BOT: policy()})
    forge.streams[repo.bare.name] = partial(_trickle, 10_000)

    with pytest.raises(TimedOutError):
        take(repo, tmp_path, head)

    assert methods(forge, repo) == ["POST"]
    forge.release(repo)


def test_an_answer_that_comes_steadily_is_waited_for(
    forge: Forge, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than it may be slow: this one ends, and is then none that is clean."""
    monkeypatch.setattr(pack_fetch, "_SLOW_SECONDS", 4)
    monkeypatch.setattr(pack_fetch, "_SLOW_BYTES", 5)
    head = repo.commit({BOT: policy()})

    def once(client: BinaryIO) -> None:
        del forge.streams[repo.bare.name]
        _trickle(30, client)

    forge.streams[repo.bare.name] = once

    taken = take(repo, tmp_path, head)

    # It was read to its end, and git asked anew.
    assert (taken.commit.id, methods(forge, repo)) == (head, ["POST", *BY_NAME, *BY_ID])
    forge.release(repo)


def test_the_other_way_has_as_long_as_the_first(
    forge: Forge, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is slow to answer, and not plainly, is no silent one."""
    head = repo.commit({BOT: policy()})

    async def late(*_: object, slow: asyncio.Timeout) -> None:
        slow.reschedule(asyncio.get_running_loop().time())
        raise NotPlainError

    monkeypatch.setattr(
        pack_fetch.Courier, "_brought_plainly", lambda *args: late(*args, slow=args[-1])
    )

    assert take(repo, tmp_path, head).commit.id == head
    assert methods(forge, repo) == TWO
    eventloop.close()


def test_authorities_that_cannot_be_read_are_an_error_of_the_link(
    repo: Repo, tmp_path: Path
) -> None:
    """As they are for a poll."""
    url = parse(repo.url.replace("http:", "https:"), schemes=["https"])
    access = runner.Access(url, ("127.0.0.1",), ca_file=str(tmp_path / "none.pem"))

    with pytest.raises(UnreachableError):
        fetch.take(access, ref=MAIN, head="0" * 40, asks=[FilesRequest("")], folder=tmp_path)


def test_answers_that_end_with_their_connection_are_taken_in_the_other_way(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """Such a server is known by its first one, and is asked once for each from then on."""
    head = repo.commit({BOT: policy()})
    replies: list[Reply] = []
    forge.twists[repo.bare.name] = lambda _, reply: replies.append(reply) or reply
    take(repo, tmp_path, head)
    bodies = [body for _, _, body in replies]

    def unframed(_method: str, asked: bytes) -> Callable[[BinaryIO], None]:
        body = bodies[0 if b"filter" in asked else 1]
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n" % PACK["Content-Type"].encode()
        return lambda client: client.write(head + body) and None

    forge.instead[repo.bare.name] = unframed
    taken = [take(repo, tmp_path, head) for _ in range(2)]

    assert [contents(one) for one in taken] == [{BOT: policy().encode()}] * 2
    assert methods(forge, repo) == ["POST"] * (2 + 3 + 2)
    forge.release(repo)
    eventloop.close()


async def _busy() -> int:
    """How many things the event loop still does, besides answering this."""
    return len(asyncio.all_tasks()) - 2


def test_a_fetch_that_is_interrupted_leaves_nothing(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """As a worker's is, by a signal, when its time is over."""
    head = repo.commit({BOT: policy()})
    forge.holds[repo.bare.name] = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1)
        with pytest.raises(KeyboardInterrupt):
            take(repo, tmp_path, head)
    finally:
        signal.signal(signal.SIGALRM, before)

    wait_for(lambda: eventloop.submit(_busy()).result(5) == 0)
    assert list((tmp_path / "work").glob("*")) == []
    forge.release(repo)
