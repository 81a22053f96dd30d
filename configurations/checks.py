"""What the policy language says of a content that somebody wants in force."""

import re
from dataclasses import asdict
from typing import Any

from keeptrusts.api.errors import ApiError, ConflictError, FieldError
from kt.policy.diff import diff
from kt.policy.findings import Finding
from kt.policy.identity import identify
from kt.policy.language.forms import FORMS
from kt.policy.lint import lint
from kt.policy.report import Pack
from kt.policy.verify import verify

ID = re.compile(FORMS["id"].pattern)
ID_WORDS = FORMS["id"].words


def check(content: bytes) -> Pack:
    """The pack of a content that may be enforced.

    Raises: `ApiError` (`policy_invalid`) with every error's line and column in `details`.
    """
    report = verify(content)
    if not report.ok or report.pack is None:
        first = report.errors[0]
        raise ApiError(
            "policy_invalid",
            f"content: line {first.line}, column {first.column}: {first.message}",
            details=[{"field": "content", **asdict(finding)} for finding in report.errors],
        )
    return report.pack


def judgement(content: bytes, *, directory: str | None) -> dict[str, Any]:
    """What `check` would say, as data: every finding, and the id the content would get."""
    report = verify(content, directory=directory)
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


def compared(before: bytes, after: bytes) -> list[dict[str, Any]]:
    """Every difference in what two contents enforce, `effect` stronger, weaker or other.

    Raises: `ConflictError` when the present rules refuse one of them, so that nobody can say.
    """
    if not (lint(before).ok and lint(after).ok):
        message = "A version that the present rules refuse cannot be compared."
        raise ConflictError("not_comparable", message)
    return [asdict(change) for change in diff(before, after)]


def identity(pack: Pack, *, asked: str | None) -> str:
    """The id a content goes by: `asked` unless the content names another itself.

    Raises: `FieldError` when the two disagree, or neither gives an id.
    """
    if asked and pack.id and pack.id != asked:
        raise FieldError("id", f"is {asked!r}, but the content's pack.id is {pack.id!r}")
    named = asked or identify(pack)
    if isinstance(named, Finding):
        raise FieldError("id", f"{named.message}; send one, or put a pack.id into the content")
    return named
