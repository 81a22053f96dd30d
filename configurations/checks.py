"""What the policy language says of a content that somebody wants in force."""

from dataclasses import asdict

from keeptrusts.errors import ApiError, FieldError
from kt.policy.findings import Finding, Pack
from kt.policy.identity import identify
from kt.policy.lint import lint


def check(content: bytes) -> Pack:
    """The pack of a content that may be enforced.

    Raises: `ApiError` (`policy_invalid`) with every error's line and column in `details`.
    """
    report = lint(content)
    if not report.ok or report.pack is None:
        first = report.errors[0]
        raise ApiError(
            "policy_invalid",
            f"content: line {first.line}, column {first.column}: {first.message}",
            details=[{"field": "content", **asdict(finding)} for finding in report.errors],
        )
    return report.pack


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
