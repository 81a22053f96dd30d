"""Checks of a policy's content before it comes into force."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from keeptrusts.api.errors import ApiError, ConflictError, FieldError
from keeptrusts.judge.asking import ANYBODY, Asker
from keeptrusts.judge.errors import TooCostlyError
from keeptrusts.judge.policies import TOO_COSTLY, compare, explain, verify
from keeptrusts.judge.trials import Trial, tried
from kt.policy.findings import Finding
from kt.policy.identity import identify
from kt.policy.language.forms import FORMS
from kt.policy.report import Pack

ID = re.compile(FORMS["id"].pattern)
ID_WORDS = FORMS["id"].words
# Parts of a policy whose changes that are neither stronger nor weaker let no call off: which
# models serve is not what is judged.
_ENFORCING_NOTHING = ("pack", "providers", "testing")


def check(content: bytes, *, asker: Asker = ANYBODY) -> Pack:
    """The pack of a content, which must be valid.

    Raises:
        ApiError: it is not (`policy_invalid`); `details` has each error's line and column.
    """
    report = verify(content, asker=asker)
    if not report.ok or report.pack is None:
        raise _invalid(report.errors)
    return report.pack


def judgement(content: bytes, *, directory: str | None, asker: Asker = ANYBODY) -> dict[str, Any]:
    """The result of a check as data: all findings, and the id that the content would get."""
    report = verify(content, directory=directory, asker=asker)
    pack = report.pack or Pack()
    named = identify(pack, directory=directory)
    findings = [*report.findings, *([named] if isinstance(named, Finding) else [])]
    return {
        "valid": all(finding.severity != "error" for finding in findings),
        "id": None if isinstance(named, Finding) else named,
        "pack": {
            "id": pack.id,
            "name": pack.name,
            "version": pack.version,
            "enabled": pack.enabled,
        },
        "chain": list(report.chain),
        "findings": [asdict(finding) for finding in findings],
    }


def compared(before: bytes, after: bytes, *, asker: Asker = ANYBODY) -> list[dict[str, Any]]:
    """All differences in what two contents enforce, each with its `effect`.

    `effect` is stronger, weaker or other.

    Raises:
        ConflictError: the present rules refuse one of them (`not_comparable`), or they differ too
            much (`too_costly`).
    """
    try:
        changes = compare(before, after, asker=asker)
    except TooCostlyError as exc:
        message = f"The comparison {exc}; compare versions that differ less."
        raise ConflictError(TOO_COSTLY, message) from exc
    if changes is None:
        message = "A version that the present rules refuse cannot be compared."
        raise ConflictError("not_comparable", message)
    return [asdict(change) for change in changes]


def weakened(before: bytes, after: bytes, *, asker: Asker = ANYBODY) -> list[str]:
    """What a content may enforce less of than another, a sentence each.

    Also what is neither more nor less: a kind that runs elsewhere does not run where it did.

    Raises:
        ConflictError: as `compared`.
    """
    changes = compared(before, after, asker=asker)
    return [change["message"] for change in changes if _may_weaken(change)]


def _may_weaken(change: Mapping[str, Any]) -> bool:
    about = change["path"].partition(".")[0]
    return change["effect"] == "weaker" or (
        change["effect"] == "other" and about not in _ENFORCING_NOTHING
    )


def explained(content: bytes, *, asker: Asker = ANYBODY) -> dict[str, Any]:
    """What lint says of a stored content, and what it enforces in words.

    `enforces` is None where the present rules refuse it.

    Raises:
        ConflictError: it takes too much (`too_costly`).
    """
    report = verify(content, asker=asker)
    try:
        sentences = explain(content, asker=asker) if report.ok else None
    except TooCostlyError as exc:
        raise ConflictError(TOO_COSTLY, f"The content {exc}.") from exc
    return {
        "valid": report.ok,
        "chain": list(report.chain),
        "findings": [asdict(finding) for finding in report.findings],
        "enforces": None if sentences is None else [asdict(one) for one in sentences],
    }


def decided(
    content: bytes, trial: Trial, *, asker: Asker = ANYBODY, field: str = "content"
) -> dict[str, Any]:
    """What a content decides about a text; `field` of the request named the content.

    Raises:
        ApiError: lint refuses the content (`policy_invalid`).
        ConflictError: it takes too much (`too_costly`).
    """
    try:
        found = tried(content, trial, asker=asker)
    except TooCostlyError as exc:
        raise ConflictError(TOO_COSTLY, f"The trial {exc}; try a shorter text.") from exc
    if found.errors:
        raise _invalid(found.errors, field=field)
    values = asdict(found)
    del values["errors"]
    return values | {"detections": list(values["detections"]), "targets": list(values["targets"])}


def _invalid(errors: Sequence[Finding], *, field: str = "content") -> ApiError:
    first = errors[0]
    return ApiError(
        "policy_invalid",
        f"{field}: line {first.line}, column {first.column}: {first.message}",
        details=[{"field": field, **asdict(finding)} for finding in errors],
    )


def identity(pack: Pack, *, asked: str | None) -> str:
    """The id of a content: `asked`, else the one that the content gives itself.

    Raises:
        FieldError: the two differ, or there is none.
    """
    if asked and pack.id and pack.id != asked:
        raise FieldError("id", f"is {asked!r}, but the content's pack.id is {pack.id!r}")
    named = asked or identify(pack)
    if isinstance(named, Finding):
        raise FieldError("id", f"{named.message}; send one, or put a pack.id into the content")
    return named
