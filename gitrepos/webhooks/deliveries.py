"""Webhook deliveries: each verified, then answered with a poll of its link.

Nothing else in a delivery counts: what is in force comes from git alone.
"""

import functools
import re
import secrets
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import UUID

import redis
import structlog
from django.utils import timezone

from gitrepos import refs
from gitrepos.links import links
from gitrepos.links.sealed_secrets import sealed_webhook_secret, webhook_secret_of
from gitrepos.models import Link
from gitrepos.webhooks import forges
from gitrepos.webhooks.forges import Delivery, Headers, Push
from keeptrusts import statements
from keeptrusts.api.errors import ApiError, UnavailableError
from keeptrusts.redis_client import client
from keeptrusts.sealing import SealError
from keeptrusts.serving.doors import Door
from kt.policy.words import shown

log = structlog.get_logger(__name__)

# Longer than a signature with a time is valid. The others are valid for ever, and a forge's id is
# not signed: a replay that is not known any more, or under another id, costs no more than a poll.
_REMEMBERED_SECONDS = 86_400
_MOST_REMEMBERED = 1000


class UnsignedError(ApiError):
    """The sender does not know the link's secret, or the link has none or does not exist: 401."""

    status = 401
    headers = {"WWW-Authenticate": 'Signature realm="webhook_secret"'}

    def __init__(self) -> None:
        super().__init__(
            "unsigned",
            "The delivery is not signed with a webhook_secret of this link; a signature with a"
            " time in it is valid for five minutes.",
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a delivery; `ignored` is the code of the reason to ignore it, or empty."""

    ignored: str
    message: str


def look(method: str, _path: str, headers: Headers) -> None:
    """Refuse a delivery by its headers alone, before its body is read.

    Raises:
        UnsignedError: it has no signature in a form that any forge sends.
    """
    if method == "POST" and not forges.is_signed(headers):
        raise UnsignedError


DOOR = Door("forges", re.compile("/v1/git-repos/[^/]+/webhook"), places=4, check=look)


def take(link_id: UUID, headers: Headers, body: bytes) -> Receipt:
    """Verify a delivery and make its link due; many that arrive together ask for one sync.

    Raises:
        UnsignedError: the signature is wrong; the same for a link without a secret or none at all.
        ApiError: the body cannot be read (`unreadable`).
        NotFoundError: the link was deleted meanwhile.
        UnavailableError: the broker does not answer.
    """
    link = next(iter(_links(pk=link_id)), None) or Link(pk=link_id)
    key, mark = f"keeptrusts:deliveries:{link_id}", _mark(link, headers, body)
    if not _is_new(key, mark):
        return Receipt("replayed", "This delivery was taken before.")
    try:
        delivery = _read(headers, body)
        ignored = _ignored(link, delivery)
        links.hear(link_id, commit=None if ignored else _commit(link, delivery))
    except BaseException:
        client().zrem(key, mark)  # One that failed may be sent again.
        raise
    log.info("a push was heard", git_repo=str(link_id), ignored=ignored.ignored if ignored else "")
    return ignored or Receipt("", "The link is polled now.")


_links = statements.objects(lambda pk: Link.objects.filter(pk=pk), pk=UUID)


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
    """The link's secret; for a link without one, a random secret that takes as long to decrypt."""
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


def _is_new(key: str, mark: str) -> bool:
    """Remember a delivery among the last thousand of its link; False if it was there."""
    now = timezone.now().timestamp()
    try:
        with client().pipeline() as pipe:
            pipe.zremrangebyscore(key, "-inf", now - _REMEMBERED_SECONDS)
            pipe.zadd(key, {mark: now}, nx=True)
            pipe.zremrangebyrank(key, 0, -_MOST_REMEMBERED - 1)
            pipe.expire(key, _REMEMBERED_SECONDS)
            return bool(pipe.execute()[1])
    except redis.RedisError as exc:
        log.warning("broker failed", error=str(exc))
        raise UnavailableError("The broker") from exc


def _ignored(link: Link, delivery: Delivery) -> Receipt | None:
    if not delivery.pushes:
        return Receipt("no_push", f"{shown(delivery.event)} moves no branch and no tag.")
    if not _is_of(link, delivery.repository):
        return Receipt("other_repository", f"The link is not to {shown(delivery.repository)}.")
    if not _matching(link, delivery):
        pushed = ", ".join(shown(refs.short(push.ref)) for push in delivery.pushes[:5])
        return Receipt("other_branch", f"The link does not follow {pushed}.")
    if link.suspended:
        return Receipt("suspended", "The link is suspended.")
    return None


def _is_of(link: Link, repository: str) -> bool:
    """True when the delivery is about the link's repository; a hook may serve an organisation."""
    # Azure DevOps writes `project/_git/name`, with blanks as %20, and by ssh `project/name`.
    name = unquote(link.url).lower().removesuffix(".git").replace("/_git/", "/")
    return not repository or name.endswith(f"/{repository.lower()}")


def _matching(link: Link, delivery: Delivery) -> list[Push]:
    """The pushes of what the link follows; those of branches where that of HEAD is unknown."""
    followed, default = refs.of(link), delivery.default_branch
    return [push for push in delivery.pushes if followed.is_moved_by(push.ref, default)]


def _commit(link: Link, delivery: Delivery) -> str:
    """The new head of the followed branch; empty for a tag, and where the delivery does not say."""
    is_known = refs.of(link).key != refs.HEAD or delivery.default_branch
    return _matching(link, delivery)[-1].commit if is_known else ""
