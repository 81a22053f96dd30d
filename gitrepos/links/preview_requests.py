"""Requests for previews, handed from the web server to a worker through the database.

A message holds only a row's id: whoever reads the broker must neither see a secret nor have it
sent elsewhere.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q
from django.utils import timezone

from gitrepos.models import Link, PreviewRequest, Remote
from keeptrusts.api.errors import BusyError

_Row = TypeVar("_Row", bound=Model)

_MOST = 20
# Longer than a request waits for its answer.
_KEPT = timedelta(seconds=60)
_REMOTE = ("id", "url", "host", "credential", "shared_id")
_LINK = (
    "id", "url", "branch", "tag", "commit", "semver", "path", "root", "auto_create_configuration",
    "adopt", "id_prefix", "include", "exclude", "prune", "allowed_signers", "allowed_openpgp_keys",
    "fail_on", "four_eyes", "minimum_coverage", "minimum_killed", "confirmed_commit", "last_url",
    "last_ref", "last_commit",
)  # fmt: skip


def keep(link: Link) -> UUID:
    """Store a link, saved or not, for a worker; returns the id of the request.

    Raises:
        BusyError: too many requests wait.
    """
    forget_old()
    if PreviewRequest.objects.count() >= _MOST:
        raise BusyError("Too many previews wait for a worker; try again in a few seconds.")
    asked = {
        "remote": {name: _plain(getattr(link.remote, name)) for name in _REMOTE},
        "link": {name: _plain(getattr(link, name)) for name in _LINK},
    }
    return PreviewRequest.objects.create(asked=asked, created_at=timezone.now()).pk


def take(request_id: UUID) -> Link | None:
    """Take the link of a request, once; None when the request is gone or too old."""
    row = PreviewRequest.objects.exclude(_old(timezone.now())).filter(pk=request_id).first()
    if row is None or not forget(request_id):
        return None
    return _made(Link, row.asked["link"], remote=_made(Remote, row.asked["remote"]))


def forget(request_id: UUID) -> bool:
    """Delete a request; returns whether it was there."""
    return bool(PreviewRequest.objects.filter(pk=request_id).delete()[0])


def forget_old() -> None:
    """Delete the requests of web processes that were killed while they waited."""
    PreviewRequest.objects.filter(_old(timezone.now())).delete()


def _old(now: datetime) -> Q:
    """Requests older than a minute, or dated ahead by a clock that was set back since."""
    return Q(created_at__lt=now - _KEPT) | Q(created_at__gt=now + _KEPT)


def _made(model: type[_Row], values: Mapping[str, Any], **more: Any) -> _Row:
    """A row of the values, each of its column's own type."""
    columns = {column.attname: column for column in model._meta.concrete_fields}
    typed = {name: columns[name].to_python(value) for name, value in values.items()}
    return model(**typed, **more)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | list | None) else str(value)
