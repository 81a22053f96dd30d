"""JWTs that changed something: each `jti` belongs to one JWT until that is over. Sign-ins, too.

A JWT may change as much as its role may while it lasts: a job has one and makes several calls.
"""

import hashlib
from datetime import UTC, datetime

from django.utils import timezone

from access.models import UsedJWT
from access.trusts import claims
from access.trusts.jwt import JWT
from access.trusts.refusals import JWTRefusedError, Reason


def note(token: JWT, *, issuer: str, until: float) -> None:
    """Note that a JWT changes something, which is over at `until` (seconds since 1970).

    Raises:
        JWTRefusedError: it has no `jti`, or another JWT had this one.
    """
    jti = claims.jti(token.claims)
    name = hashlib.sha256(f"{issuer} {jti}".encode("utf-8", "surrogatepass")).hexdigest()
    row = UsedJWT(pk=name, digest=token.digest, until=datetime.fromtimestamp(until, UTC))
    UsedJWT.objects.bulk_create([row], ignore_conflicts=True)
    # None where that of another was forgotten just now.
    kept = UsedJWT.objects.filter(pk=name).values_list("digest", flat=True).first()
    if kept != token.digest:
        raise JWTRefusedError(Reason.REPLAY, "another JWT had its jti")


def is_first(name: str, *, until: float) -> bool:
    """Whether nothing else was called so until now; whoever asks again hears that it was.

    It is remembered until then, in seconds since 1970.
    """
    key = hashlib.sha256(f"once {name}".encode()).hexdigest()
    ends = datetime.fromtimestamp(until, UTC)
    _, is_new = UsedJWT.objects.get_or_create(pk=key, defaults={"digest": key, "until": ends})
    return is_new


def prune() -> None:
    """Forget JWTs that are over."""
    UsedJWT.objects.filter(until__lt=timezone.now()).delete()
