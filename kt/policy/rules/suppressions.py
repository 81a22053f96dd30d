"""Comments that suppress a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kt.lazy import TYPE_CHECKING
from kt.policy.report import Suppressed
from kt.policy.rules.base import CATALOGUE
from kt.policy.rules.text import BadSuppression, UnusedSuppression
from kt.policy.suggest import did_you_mean
from kt.policy.words import quoted

if TYPE_CHECKING:
    from typing import Protocol

    from kt.policy.findings import Finding
    from kt.policy.rules.base import Place

    class Comment(Place, Protocol):
        """A comment: what follows its beginning, and the line that it is about."""

        @property
        def text(self) -> str: ...

        @property
        def about(self) -> int: ...


BEGINNING = r"#[ \t]*kt:[ \t]*allow\b"
_FORM = "# kt: allow CODE because REASON"


_NEVER = ("W014", BadSuppression.code, UnusedSuppression.code)
# The name of the directory is not always known, and W013 is for authors.
_NOT_ALWAYS_LOOKED_FOR = ("W003", "W013")


def suppress(
    findings: Iterable[Finding], comments: Sequence[Comment], *, is_whole: bool
) -> tuple[list[Finding], list[Suppressed]]:
    """The findings that stay, those about comments among them, and those that are suppressed.

    `is_whole`: every rule has looked at the file, so that a comment can be seen to be unused.
    """
    read = [(comment, _read(comment)) for comment in comments]
    reasons = {(one.about, told[0]): told[1] for one, told in read if isinstance(told, tuple)}
    kept: list[Finding] = [told for _, told in read if not isinstance(told, tuple)]
    suppressed = []
    for finding in findings:
        reason = reasons.get((finding.line, finding.code))
        if reason is None or finding.severity == "error":
            kept.append(finding)
        else:
            suppressed.append(Suppressed(finding, reason))
    if is_whole and all(finding.severity == "warning" for finding in kept):
        used = {(one.finding.line, one.finding.code) for one in suppressed}
        kept.extend(_unused(read, used))
    return kept, suppressed


def _read(comment: Comment) -> tuple[str, str] | Finding:
    """The code and the reason of a comment, or what is wrong with it."""
    code, *rest = comment.text.split(None, 1) or [""]
    because, *reason = rest[0].split(None, 1) if rest else [""]
    if not code or code == "because":
        return _bad(comment, "the comment names no code", f"write {_FORM}")
    if code not in CATALOGUE:
        form = f"write {_FORM}, a comment for each code"
        is_one = code.isalnum()
        fix = did_you_mean(code, sorted(CATALOGUE), otherwise=form) if is_one else form
        return _bad(comment, f"there is no code {quoted(code)}", fix)
    if CATALOGUE[code].severity() == "error" or code in _NEVER:
        return _bad(comment, f"{code} cannot be suppressed", "mend it, and remove the comment")
    if because != "because" or not reason:
        fix = f"write # kt: allow {code} because, and the reason"
        return _bad(comment, f"the comment gives no reason why {code} is allowed", fix)
    return code, reason[0].strip()


def _unused(
    read: Iterable[tuple[Comment, tuple[str, str] | Finding]], used: set[tuple[int, str]]
) -> Iterator[Finding]:
    for comment, told in read:
        if not isinstance(told, tuple) or told[0] in _NOT_ALWAYS_LOOKED_FOR:
            continue
        if (comment.about, told[0]) not in used:
            message = f"line {comment.about} has no {told[0]} to suppress"
            yield UnusedSuppression.at(comment, "", message, "remove the comment")


def _bad(comment: Comment, message: str, fix: str) -> Finding:
    return BadSuppression.at(comment, "", message, fix)
