"""Calls to forges' APIs that tell the status of a commit. No database.

A call asks first whether the repository is public, unless that is known: unless the forge says that
it is not, nothing is told of gateways, configurations and the console's address.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from commitstatus import forges
from commitstatus.due import Due
from commitstatus.forges import APIRequest, Forge, Said
from commitstatus.proofs import Proof
from gitrepos.errors import (
    InternalError,
    RateLimitedError,
    RemoteError,
    TooLargeError,
    UnreachableError,
)
from gitrepos.forge import documents, eventloop, installations
from gitrepos.forge.addresses import BadURLError, RepoURL, parse
from gitrepos.forge.documents import CallTerms
from gitrepos.forge.wire import refusals
from gitrepos.forge.wire.refusals import AnswerHead

log = structlog.get_logger(__name__)

_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Message:
    """A status for a commit of the repository of `url`, told by an API with a proof.

    `visibility` is empty where it is to be asked for. `described` is what stands beside the commit
    already, in the same state.
    """

    forge: str
    api_url: str
    proof: Proof
    url: str
    due: Due
    status_name: str
    more_url: str = ""
    visibility: str = ""
    described: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a status was not told; `pause_seconds` is for all messages of the credential."""

    code: str
    message: str
    pause_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a message: what was told, or why not; and how visible the repository is.

    It is not sent where the same stands there already, and skipped where the API failed meanwhile.
    """

    visibility: str = ""
    description: str = ""
    is_sent: bool = False
    is_skipped: bool = False
    failed: Failed | None = None


def send(messages: Sequence[Message], *, terms: CallTerms) -> list[Result]:
    """Send messages, several at once; the result of each, in their order.

    No error of an API is raised. One that hangs delays the others by a few seconds at most, since
    after the first failure that pauses its credential nothing more is sent there.
    """
    return eventloop.submit(_send(messages, terms)).result()


async def _send(messages: Sequence[Message], terms: CallTerms) -> list[Result]:
    turns, down = asyncio.Semaphore(_AT_ONCE), set[str]()

    async def one(message: Message) -> Result:
        async with turns:
            if message.api_url in down:
                return Result(is_skipped=True)
            result = await _told(message, terms)
            if result.failed and result.failed.pause_seconds:
                down.add(message.api_url)
            return result

    return await asyncio.gather(*map(one, messages))


async def _told(message: Message, terms: CallTerms) -> Result:
    """The result of one message."""
    try:
        return await _tell(message, forges.FORGES[message.forge], terms)
    except forges.NotOfForgeError as exc:
        return Result(failed=Failed("not_of_forge", str(exc)))
    except RemoteError as exc:
        return Result(failed=_failed(exc))
    except Exception:
        # A bug at one status must not cost the others theirs.
        log.exception("status crashed", api=message.api_url)
        return Result(failed=_failed(InternalError("Telling the status crashed; see the log.")))


def _failed(error: RemoteError) -> Failed:
    pause = 0
    if isinstance(error, RateLimitedError):
        pause = 60 if error.retry_after_seconds is None else max(error.retry_after_seconds, 1)
    elif isinstance(error, UnreachableError) or error.code in ("timeout", "app_unanswered"):
        pause = 30
    return Failed(error.code, error.message, pause)


async def _tell(message: Message, forge: Forge, terms: CallTerms) -> Result:
    path = forges.path_of(forge, message.api_url, message.url)
    proof = await _proof(message, forge, terms)
    visibility = message.visibility
    if not visibility:
        asked = forges.question(forge, message.api_url, path, proof)
        visibility = await _visibility(asked, forge, message, terms)
    description = message.due.text(visibility)
    if description == message.described:
        return Result(visibility, description)
    said = Said(
        message.due.commit, message.due.state, description, message.status_name,
        message.more_url if visibility == forges.PRIVATE else "",
    )  # fmt: skip
    head, body = await _answer(
        forges.telling(forge, message.api_url, path, said, proof), message, terms
    )
    if not forges.is_told(forge, said, head.status, body):
        return Result(visibility, failed=_refused(head, message))
    return Result(visibility, description, is_sent=True)


async def _visibility(asked: APIRequest, forge: Forge, message: Message, terms: CallTerms) -> str:
    try:
        head, body = await _answer(asked, message, terms)
    except TooLargeError:
        return forges.PUBLIC
    return forges.visibility(forge, head.status, body)


async def _proof(message: Message, forge: Forge, terms: CallTerms) -> Mapping[str, str]:
    proof = message.proof
    if proof.installation is None:
        return forges.headers(forge, proof.token, proof.username)
    return forges.headers(forge, await installations.token(proof.installation, terms))


async def _answer(
    request: APIRequest, message: Message, terms: CallTerms
) -> tuple[AnswerHead, bytes]:
    """The answer to a request.

    Raises:
        RemoteError: there is none, or it says that no request can be answered with this proof now.
    """
    try:
        head, body = await documents.answer(request.url, request.body, request.headers, terms=terms)
    except BadURLError as exc:
        raise InternalError(f"A url of the API {exc}.") from exc
    if head.status == 401 and message.proof.installation is not None:
        installations.forget(message.proof.installation)
    error = refusals.refusal(head, _at(message))
    if isinstance(error, RateLimitedError):
        raise error
    return head, body


def _refused(head: AnswerHead, message: Message) -> Failed:
    """Why a status was refused, by the head of the answer, in no words of the server."""
    host = _at(message).host
    match head.status:
        case 401 | 403:
            words = f"{host} refuses the credential for statuses ({head.status})."
            return Failed("auth_failed", words)
        case 404 | 410:
            return Failed(
                "repo_not_found",
                f"{host} knows no such repository or commit, or hides it from this credential.",
            )
        case status if 300 <= status < 400:
            return Failed("moved", f"{host} redirects ({status}), and no redirect is followed.")
        case status if status >= 500:
            return _failed(UnreachableError(f"{host} failed ({status})."))
    return Failed("status_refused", f"{host} does not take the status ({head.status}).")


def _at(message: Message) -> RepoURL:
    return parse(f"{message.api_url}/x", schemes=("https", "http"))
