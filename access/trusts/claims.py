"""Checks of a JWT's claims against what a trust wants. Pure.

Sources: RFC 7519, section 4.1; the claims that GitHub and GitLab document for jobs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from access.trusts.refusals import JWTRefusedError, Reason

SKEW_SECONDS = 60
_LAST_SECOND = 2**40
_MOST_OF_SUBJECT = 500
_MOST_OF_JTI = 500
# A job for a pull request from anywhere, whose ref is the branch that it would be merged into.
_OF_OTHERS = {"event_name": "pull_request_target", "pipeline_source": "merge_request_event"}

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a trust, each empty where there is none.

    One of `repository_id` (GitHub's), `project_id` (GitLab's) and `subject` is there. `ref` and
    `environment` may have one `*` in the last part of their path.
    """

    audience: str
    repository_id: str = ""
    project_id: str = ""
    subject: str = ""
    ref: str = ""
    environment: str = ""
    max_seconds: int = 3600


def subject(claims: Claims) -> str:
    """Whom a JWT speaks of, for people.

    Raises:
        JWTRefusedError: it does not say.
    """
    return _text(claims, "sub", most=_MOST_OF_SUBJECT)


def jti(claims: Claims) -> str:
    """The id of a JWT.

    Raises:
        JWTRefusedError: it has none.
    """
    return _text(claims, "jti", most=_MOST_OF_JTI)


def check_times(claims: Claims, *, now: float, wants_nbf: bool = True) -> float:
    """Check the times of a JWT, in seconds since 1970; returns when it is over.

    Without `wants_nbf` it begins when it was issued, unless it says otherwise.

    Raises:
        JWTRefusedError: one is missing, or this is not its time.
    """
    issued, ends = _second(claims, "iat"), _second(claims, "exp")
    begins = _second(claims, "nbf") if wants_nbf or "nbf" in claims else issued
    if now >= ends + SKEW_SECONDS:
        raise JWTRefusedError(Reason.EXPIRED, f"it ended {now - ends:.0f} s ago")
    if max(begins, issued) > now + SKEW_SECONDS:
        raise JWTRefusedError(Reason.NOT_YET, f"it begins in {max(begins, issued) - now:.0f} s")
    if ends <= issued:
        raise JWTRefusedError(Reason.LIFETIME, "it ends before it was issued")
    return ends + SKEW_SECONDS


def check(claims: Claims, conditions: Conditions) -> None:
    """Check the claims of a JWT against a trust's conditions.

    Raises:
        JWTRefusedError: one is not met; the reasons come in the order of `Reason`.
    """
    lasts = claims["exp"] - claims["iat"]
    if lasts > conditions.max_seconds:
        raise JWTRefusedError(Reason.LIFETIME, f"it lasts {lasts} s, over {conditions.max_seconds}")
    audience = claims.get("aud")
    # Whoever is named besides could use here what was sent there.
    if audience not in (conditions.audience, [conditions.audience]):
        raise JWTRefusedError(
            Reason.AUDIENCE, f"its aud is {audience!r}, not {conditions.audience!r}"
        )
    _check_source(claims, conditions)
    if conditions.ref:
        _check_ref(claims, conditions)
    if conditions.environment:
        environment = _text(claims, "environment", reason=Reason.ENVIRONMENT)
        if not fits(conditions.environment, environment):
            raise JWTRefusedError(
                Reason.ENVIRONMENT,
                f"its environment is {environment!r}, not {conditions.environment!r}",
            )


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern with at most one `*`, in the last part of its path, means a name."""
    before, star, after = pattern.partition("*")
    if not star or ".." in name or name.endswith("/"):
        return name == pattern
    middle = name.removeprefix(before)
    is_framed = name.startswith(before) and middle.endswith(after)
    return is_framed and "/" not in middle


def _check_source(claims: Claims, conditions: Conditions) -> None:
    wanted = {
        "repository_id": conditions.repository_id,
        "project_id": conditions.project_id,
        "sub": conditions.subject,
    }
    for name, value in wanted.items():
        if value and claims.get(name) != value:
            raise JWTRefusedError(
                Reason.SOURCE, f"its {name} is {claims.get(name)!r}, not {value!r}"
            )


def _check_ref(claims: Claims, conditions: Conditions) -> None:
    # GitLab's `ref` is a short name, which a branch and a tag may share.
    name = "ref_path" if conditions.project_id else "ref"
    ref = _text(claims, name, reason=Reason.REF)
    if not fits(conditions.ref, ref):
        raise JWTRefusedError(Reason.REF, f"its {name} is {ref!r}, not {conditions.ref!r}")
    for event, value in _OF_OTHERS.items():
        if claims.get(event) == value:
            raise JWTRefusedError(
                Reason.REF, f"its {event} is {value}, whose code is not the ref's"
            )


def _text(
    claims: Claims, name: str, *, most: int = _MOST_OF_SUBJECT, reason: Reason = Reason.CLAIM
) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not re.search(r"\S", value) or len(value) > most:
        raise JWTRefusedError(reason, f"its {name} is {value!r}")
    return value


def _second(claims: Claims, name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LAST_SECOND:
        raise JWTRefusedError(Reason.CLAIM, f"its {name} is {value!r}")
    return value
