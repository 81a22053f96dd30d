"""Making, finding, editing and deleting trusts: the only writer of `Trust`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access import tokens
from access.models import Token, Trust
from access.trusts import forms, issuers
from access.trusts.claims import Conditions
from events import audit
from keeptrusts import counters
from keeptrusts.api.errors import ConflictError, NotFoundError

_CONDITIONS = (
    "audience", "repository_id", "project_id", "subject", "ref", "environment", "max_seconds",
)  # fmt: skip
_AUDITED = (
    "name", "issuer", *_CONDITIONS, "role", "sight", "networks", "enabled", "made_by_id",
    "expires_at",
)  # fmt: skip

# The trusts in force by issuer, and the counter of tokens that they were read at.
_in_force: tuple[int, Mapping[str, Sequence[Trust]]] = (-1, {})


def create(fields: Mapping[str, Any], *, maker: Token) -> Trust:
    """Make a trust, which gives no more than its maker has.

    Raises:
        ConflictError: its name is taken (`name_taken`).
        FieldError: it would, or binds too little.
    """
    fields = _stored(fields)
    forms.check(fields, http="http" in settings.ENV.git_schemes)
    with transaction.atomic():
        counters.bump(tokens.COUNTER)
        _check_name(fields["name"])
        fields = {**fields, "expires_at": tokens.expiry(fields["expires_at"], maker)}
        tokens.check_gives(fields, maker)
        trust = Trust.objects.create(made_by=maker, created_at=timezone.now(), **fields)
        audit.record("trust.created", trust.pk, after=audit.fields(trust, _AUDITED))
        return trust


def edit(trust_id: UUID, fields: Mapping[str, Any], *, editor: Token) -> Trust:
    """Change a trust.

    Raises:
        ConflictError: its new name is taken (`name_taken`).
        FieldError: it would give more than its editor has, or bind too little.
        NotFoundError: no trust has this id.
    """
    with transaction.atomic():
        trust = _locked(trust_id)
        before = audit.fields(trust, _AUDITED)
        after = {name: getattr(trust, name) for name in forms.FIELDS} | _stored(fields)
        forms.check(after, http="http" in settings.ENV.git_schemes)
        if after["name"] != trust.name:
            _check_name(after["name"])
        if "expires_at" in fields:
            after["expires_at"] = tokens.expiry(fields["expires_at"], editor)
        if _gives(fields):
            tokens.check_gives(after, editor)
        for name, value in after.items():
            setattr(trust, name, value)
        trust.save()
        audit.record("trust.edited", trust.pk, before=before, after=audit.fields(trust, _AUDITED))
        _forget_issuer(str(before["issuer"]))
        return trust


def delete(trust_id: UUID) -> None:
    """Delete a trust: what it admitted is admitted no more.

    Raises:
        NotFoundError: no trust has this id.
    """
    with transaction.atomic():
        _delete(_locked(trust_id))


def revoke_line(token_id: UUID) -> Token:
    """Revoke a token and all that it made, and delete the trusts that any of these made.

    Raises:
        NotFoundError: no token has this id.
    """
    with transaction.atomic():
        token = tokens.revoke(token_id, with_descendants=True)
        for trust in made_by_line(token_id):
            _delete(trust)
        return token


def made_by_line(token_id: UUID) -> list[Trust]:
    """The trusts that a token and its descendants made, the oldest first.

    Raises:
        NotFoundError: no token has this id.
    """
    makers = [token_id, *(token.pk for token in tokens.descendants(token_id))]
    return list(Trust.objects.filter(made_by__in=makers).order_by("created_at", "id"))


def of_issuer(issuer: str, *, count: int) -> list[Trust]:
    """The trusts of an issuer that are in force, the oldest first.

    They are remembered for as long as the counter of tokens stands at `count`.
    """
    global _in_force
    at, found = _in_force
    if at != count:
        found = _read()
        _in_force = count, found
    now = timezone.now()
    trusts = found.get(issuer, ())
    return [one for one in trusts if one.expires_at is None or one.expires_at > now]


def conditions(trust: Trust) -> Conditions:
    """What a trust wants of a JWT."""
    return Conditions(**{name: getattr(trust, name) for name in _CONDITIONS})


def _stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the table has them."""
    sight = fields.get("sight")
    return {**fields, "sight": sight.stored()} if sight is not None else dict(fields)


def _gives(fields: Mapping[str, Any]) -> bool:
    """Whether a change may give more than there was; to rename or to disable does not."""
    return bool(fields.keys() - {"name", "enabled"}) or fields.get("enabled") is True


def _read() -> Mapping[str, Sequence[Trust]]:
    found = defaultdict(list)
    for trust in Trust.objects.filter(enabled=True).order_by("created_at", "id"):
        found[trust.issuer].append(trust)
    return dict(found)


def _check_name(name: str) -> None:
    """Check that no trust has a name, behind the lock of the counter.

    By names `kt apply` knows trusts. Some of before may have one; they keep it.
    """
    if Trust.objects.filter(name=name).exists():
        raise ConflictError("name_taken", f"There is a trust {name!r}.")


def _locked(trust_id: UUID) -> Trust:
    counters.bump(tokens.COUNTER)
    trust = Trust.objects.select_for_update(of=("self",)).filter(pk=trust_id).first()
    if trust is None:
        raise NotFoundError("trust with this id")
    return trust


def _delete(trust: Trust) -> None:
    audit.record("trust.deleted", trust.pk, before=audit.fields(trust, _AUDITED))
    issuer = trust.issuer
    trust.delete()
    _forget_issuer(issuer)


def _forget_issuer(issuer: str) -> None:
    if not Trust.objects.filter(issuer=issuer).exists():
        issuers.forget(issuer)
