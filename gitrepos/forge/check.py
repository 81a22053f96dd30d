"""The check: where the refs of a remote stand, in one request. No database.

There is a question for each remote; answers come as they arrive, and one that hangs delays no
other. One event loop asks all at once, and its connections outlive the call; git itself is
started only for remotes without smart HTTP.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog

from gitrepos.errors import (
    AuthFailedError,
    BadAnswerError,
    BusyError,
    InternalError,
    RemoteError,
    TimedOutError,
    TooLargeError,
)
from gitrepos.forge import eventloop, installations, smart_http
from gitrepos.forge.addresses import Network, RepoURL, resolve
from gitrepos.forge.connections import Dial
from gitrepos.forge.documents import CallTerms
from gitrepos.forge.git import runner
from gitrepos.forge.proxy import DIRECT, Proxy
from gitrepos.forge.secret import Secret
from gitrepos.forge.wire import ls_refs

log = structlog.get_logger(__name__)

_DEADLINE_SECONDS = 10
_TURN_SECONDS = 20
_IN_FLIGHT = 256
_GITS = 16
_GITS_PER_HOST = 4
_GROUP_SECONDS = 0.2
_MAX_BYTES = 64 * 1024
_MAX_LISTING_BYTES = 4 * 1024 * 1024
_MAX_HOSTS = 10_000
# The connection to a host that is called again within this time is kept open.
_AGAIN_SECONDS = 60
_LATE = "The server did not answer in time."

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class RefsQuestion(Generic[Key]):
    """A question for a remote: full ref names (`refs/heads/main`) or `HEAD`.

    A name that ends in a slash is for all refs below it. The answer has the same `key`.
    """

    key: Key
    url: RepoURL
    secret: Secret
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefsAnswer(Generic[Key]):
    """The answer of a remote: the id of each ref, empty where there is none; or an error.

    An annotated tag's commit is that of `NAME^{}`.
    """

    key: Key
    heads: Mapping[str, str]
    error: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The operator's terms for calls to forges.

    `allowed` networks may be called besides public addresses; a host gets `per_host` calls at
    once; `ca_file` has authorities that are trusted besides the system's. What `proxy` serves is
    called through it.
    """

    allowed: tuple[Network, ...] = ()
    per_host: int = 32
    ca_file: str = ""
    proxy: Proxy = DIRECT

    def of_documents(self) -> CallTerms:
        """The same terms for calls to the forge's API."""
        return CallTerms(("https", "http"), self.allowed, self.ca_file, self.proxy)


def check(
    questions: Sequence[RefsQuestion[Key]], *, terms: Terms
) -> Iterator[list[RefsAnswer[Key]]]:
    """Ask every remote once; answers come as they arrive, in groups, which may be empty.

    Each call takes 10 s at most, however many there are, after a wait of 20 s at most for a place
    at its host. An error is in the answer: no `RemoteError` is raised.
    """
    answers: list[RefsAnswer[Key]] = []
    asking = eventloop.submit(_ask_all(questions, terms, answers))
    try:
        while True:
            done, _ = wait([asking], timeout=_GROUP_SECONDS)
            group = answers[:]
            del answers[: len(group)]
            yield group
            if done:
                return asking.result()
    finally:
        asking.cancel()


def access(url: RepoURL, secret: Secret, *, terms: Terms) -> runner.Access:
    """Look up the addresses of `url`, and pin git to those that are allowed.

    Behind a proxy nothing is looked up, and the name is judged. A secret that is an installation's
    has a token from here on.

    Raises:
        AppUnansweredError: there is no token.
        HostNotAllowedError: none of the addresses is allowed.
        RateLimitedError: the forge's API asks for fewer requests.
        UnreachableError: the name does not resolve.
    """
    if secret.installation is not None:
        secret = eventloop.submit(installations.proven(secret, terms.of_documents())).result()
    if terms.proxy.serves(url):
        terms.proxy.judge(url, allowed=terms.allowed)
        return runner.Access(url, secret=secret, ca_file=terms.ca_file, proxy=terms.proxy)
    addresses = () if url.scheme == "file" else resolve(url, allowed=terms.allowed)
    return runner.Access(url=url, addresses=addresses, secret=secret, ca_file=terms.ca_file)


async def _ask_all(
    questions: Sequence[RefsQuestion[Key]], terms: Terms, answers: list[RefsAnswer[Key]]
) -> None:
    asker = _asker(terms)
    async with asyncio.TaskGroup() as group:
        for question in questions:
            group.create_task(asker.ask(question, answers))


def _asker(terms: Terms) -> "_Asker":
    key = asyncio.get_running_loop(), terms
    if key not in _askers:
        _askers[key] = _Asker(terms)
    return _askers[key]


class _Host:
    """The state of a server: free places, facts of it, and when (monotonic) it was last called."""

    def __init__(self, places: int) -> None:
        self.turns = asyncio.Semaphore(places)
        self.gits = asyncio.Semaphore(_GITS_PER_HOST)
        self.known = smart_http.ServerFacts()
        self.asked_at = float("-inf")

    def is_frequent(self) -> bool:
        """True when it was called in the last minute; this call counts as one."""
        before, self.asked_at = self.asked_at, time.monotonic()
        return self.asked_at - before < _AGAIN_SECONDS


class _Asker:
    """Connections, places and facts of servers, kept across checks; for the event loop alone."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._dial = Dial(terms.allowed, ca_file=terms.ca_file, proxy=terms.proxy)
        self._hosts: dict[tuple[str, str, int], _Host] = {}
        self._turns = asyncio.Semaphore(_IN_FLIGHT)
        self._gits = ThreadPoolExecutor(_GITS, thread_name_prefix="git")
        eventloop.closing().push_async_callback(self._dial.close)
        eventloop.closing().callback(self._gits.shutdown, wait=False)

    async def ask(self, question: RefsQuestion[Key], answers: list[RefsAnswer[Key]]) -> None:
        """Ask a question and append the answer, or the error, to `answers`."""
        installation = question.secret.installation
        try:
            if installation is not None:
                proven = await installations.proven(question.secret, self._terms.of_documents())
                question = replace(question, secret=proven)
            answer = RefsAnswer(question.key, await self._heads(question))
        except RemoteError as error:
            if installation is not None and isinstance(error, AuthFailedError):
                installations.forget(installation)
            answer = RefsAnswer(question.key, {}, smart_http.shown(error, question.secret.hidden))
        except Exception:
            # An unforeseen answer of one server must not cost the others theirs.
            log.exception("check crashed", url=question.url.text)
            answer = RefsAnswer(question.key, {}, InternalError("The check crashed; see the log."))
        answers.append(answer)

    async def _heads(self, question: RefsQuestion[Key]) -> Mapping[str, str]:
        host = self._host(question.url)
        is_ours = question.url.scheme in ("https", "http") and not host.known.is_dumb()
        if is_ours and not self._terms.proxy.would_see(question.url, question.secret):
            with contextlib.suppress(smart_http.DumbError):
                return await self._smart(question, host)
        async with _turn(host.gits):
            ask = functools.partial(_by_git, question, self._terms)
            return await asyncio.get_running_loop().run_in_executor(self._gits, ask)

    async def _smart(self, question: RefsQuestion[Key], host: _Host) -> Mapping[str, str]:
        wish = smart_http.RefsRequest(
            question.url,
            question.refs,
            question.secret.authorization,
            question.secret.certificate,
            keep=host.is_frequent(),
        )
        async with _turn(host.turns, self._turns):
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    return await smart_http.heads(self._dial, wish, host.known)
            except TimeoutError as exc:
                raise TimedOutError(_LATE) from exc

    def _host(self, url: RepoURL) -> _Host:
        if len(self._hosts) > _MAX_HOSTS:
            self._hosts.clear()
        key = url.scheme, url.host, url.port
        if key not in self._hosts:
            # No host gets more places than it leaves to others, whatever the operator allows.
            self._hosts[key] = _Host(min(self._terms.per_host, _IN_FLIGHT // 2))
        return self._hosts[key]


_askers: dict[tuple[asyncio.AbstractEventLoop, Terms], _Asker] = {}


class _turn:  # noqa: N801 - it is used as a function, as `suppress` is.
    """Wait for a place at each semaphore, 20 s at most; a hanging host fills only its own.

    Raises:
        BusyError: no place became free in time.
    """

    __slots__ = ("_entered", "_places")

    def __init__(self, *places: asyncio.Semaphore) -> None:
        self._places = places
        self._entered = 0

    async def __aenter__(self) -> None:
        try:
            # Nearly always all are free, and a deadline costs more than a place.
            if any(place.locked() for place in self._places):
                async with asyncio.timeout(_TURN_SECONDS):
                    await self._enter()
            else:
                await self._enter()
        except TimeoutError as exc:
            self._leave()
            raise BusyError("The server was busy with other repositories.") from exc
        except BaseException:
            self._leave()
            raise

    async def _enter(self) -> None:
        for place in self._places:
            await place.acquire()
            self._entered += 1

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        for place in self._places[: self._entered]:
            place.release()
        self._entered = 0


def _by_git(question: RefsQuestion[Key], terms: Terms) -> dict[str, str]:
    """Ask with a git process: for ssh and file urls, and servers without smart HTTP."""
    until = time.monotonic() + _DEADLINE_SECONDS
    reached = access(question.url, question.secret, terms=terms)
    heads = _parsed(_listing(reached, question.refs, until), question.refs)
    if not any(heads.values()) and question.url.scheme in ("https", "http"):
        _prove(reached, until)
    return heads


def _listing(reached: runner.Access, refs: Sequence[str], until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimedOutError(_LATE)
    lists = any(ref.endswith("/") for ref in refs)
    return runner.run(
        ["ls-remote", "--quiet", "--", "origin", *(p for ref in refs for p in _patterns(ref))],
        access=reached,
        deadline_seconds=left,
        max_bytes=_MAX_LISTING_BYTES if lists else _MAX_BYTES,
    )


def _patterns(ref: str) -> list[str]:
    """The patterns of `ls-remote` for a ref of a question."""
    if ref.endswith("/"):
        return [f"{ref}*"]
    return [ref, f"{ref}{ls_refs.PEELED}"] if ls_refs.may_be_tag(ref) else [ref]


def _prove(reached: runner.Access, until: float) -> None:
    """Check that the server lists anything at all, so that it is a repository.

    Raises:
        BadAnswerError: it lists nothing.
    """
    with contextlib.suppress(TooLargeError):  # It lists more than is read.
        if not _listing(reached, (), until):
            raise BadAnswerError("The server's answer does not follow git's protocol: it is empty.")


def _parsed(output: bytes, refs: Sequence[str]) -> dict[str, str]:
    """The id of each ref in the output of `ls-remote`.

    git matches a pattern against the end of a name, so other refs may be among the lines.
    """
    wanted = ls_refs.Wanted(refs)
    for line in output.decode(errors="surrogateescape").split("\n"):
        there, _, name = line.partition("\t")
        if name and wanted.has(name):
            wanted.put(name, there)
    return wanted.ids()
