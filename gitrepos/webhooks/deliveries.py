"""What a webhook does: nothing but have its link looked at. git stays the only truth."""

import contextlib
import functools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import redis
import structlog
from django.utils import timezone

from gitrepos.links import links
from gitrepos.links.sealed_secrets import sealed_webhook_secret, webhook_secret_of
from gitrepos.models import Link
from gitrepos.webhooks import forges
from gitrepos.webhooks.forges import Delivery, Headers, Push
from keeptrusts.api.errors import ApiError, ConflictError, UnavailableError
from keeptrusts.redis_client import client
from keeptrusts.sealing import SealError
from kt.policy.words import shown

log = structlog.get_logger(__name__)

# Longer than a timed signature holds. The others hold for ever; a replay after a day costs no
# more than a look at the forge.
_REMEMBERED_SECONDS = 86_400


class UnsignedError(ApiError):
    """401: whoever sent it does not know the link's secret, or there is none, or no such link."""

    status = 401
    headers = {"WWW-Authenticate": 'Signature realm="webhook_secret"'}

    def __init__(self) -> None:
        super().__init__(
            "unsigned",
            "The delivery is not signed with a webhook_secret of this link; a signature with a"
            " time in it holds for five minutes.",
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery; `ignored` is the code of why it asks for nothing, or empty."""

    ignored: str
    message: str


def take(link_id: UUID, headers: Headers, body: bytes) -> Receipt:
    """Verify a delivery and have its link looked at, once for as many as arrive together.

    Raises: `UnsignedError`, the same for a link without secret and one that does not exist;
    `ConflictError` (`replayed`); `ApiError` (`unreadable`); `NotFoundError` for a link that was
    deleted meanwhile.
    """
    link = Link.objects.filter(pk=link_id).first() or Link(pk=link_id)
    with _once(f"keeptrusts:delivery:{link_id}:{_mark(link, headers, body)}"):
        delivery = _read(headers, body)
        ignored = _ignored(link, delivery)
        links.hear(link_id, commit=None if ignored else _commit(link, delivery))
    return ignored or Receipt("", "The link is looked at now.")


def _mark(link: Link, headers: Headers, body: bytes) -> str:
    try:
        return forges.verify(headers, body, secret=_secret(link), now=timezone.now().timestamp())
    except forges.UnverifiedError as exc:
        raise UnsignedError from exc


def _read(headers: Headers, body: bytes) -> Delivery:
    try:
        return forges.read(headers, body)
    except forges.UnreadableError as exc:
        raise ApiError("unreadable", str(exc)) from exc


def _secret(link: Link) -> str:
    """The link's secret. One that nobody knows stands in, and costs as much to open."""
    owner = link if link.webhook_secret else _nobody()
    try:
        return webhook_secret_of(owner)
    except SealError as exc:
        log.warning("webhook_secret cannot be opened", git_repo=str(link.pk), reason=str(exc))
        raise UnsignedError from exc


@functools.cache
def _nobody() -> Link:
    link = Link()
    link.webhook_secret = sealed_webhook_secret(secrets.token_urlsafe(32), link)
    return link


@contextlib.contextmanager
def _once(key: str) -> Iterator[None]:
    """Refuse what was taken before; what fails on its way may be sent again."""
    try:
        is_new = client().set(key, 1, nx=True, ex=_REMEMBERED_SECONDS)
    except redis.RedisError as exc:
        log.warning("broker failed", error=str(exc))
        raise UnavailableError("The broker") from exc
    if not is_new:
        raise ConflictError("replayed", "This very delivery was taken before.")
    try:
        yield
    except BaseException:
        client().delete(key)
        raise


def _ignored(link: Link, delivery: Delivery) -> Receipt | None:
    if not delivery.pushes:
        return Receipt("no_push", f"{shown(delivery.event)} moves no branch.")
    if not _is_of(link, delivery.repository):
        return Receipt("other_repository", f"{shown(delivery.repository)} is not what is linked.")
    if not _matching(link, delivery):
        branches = ", ".join(shown(push.branch) for push in delivery.pushes[:5])
        return Receipt("other_branch", f"The link does not follow {branches}.")
    if link.suspended:
        return Receipt("suspended", "The link is suspended.")
    return None


def _is_of(link: Link, repository: str) -> bool:
    """Whether a hook of a whole organisation means the link's repository."""
    name = link.url.lower().removesuffix(".git")
    return not repository or name.endswith(f"/{repository.lower()}")


def _matching(link: Link, delivery: Delivery) -> list[Push]:
    """The pushes that may concern the link: all of them where nobody says which branch is HEAD."""
    followed = link.branch or delivery.default_branch
    return [push for push in delivery.pushes if push.branch == followed or not followed]


def _commit(link: Link, delivery: Delivery) -> str:
    """What the followed branch points at by now; empty where that is not said."""
    known = link.branch or delivery.default_branch
    return _matching(link, delivery)[-1].commit if known else ""
