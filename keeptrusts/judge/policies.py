"""Policies before a judge: verified, and compared with another."""

import importlib
import math
import pkgutil
import time
from dataclasses import dataclass

import structlog

import kt.policy
from keeptrusts.judge.asking import ANYBODY, SECONDS, Asker, ask
from keeptrusts.judge.errors import CrashedError, TooCostlyError, UnansweredError
from keeptrusts.judge.gates import measure
from kt.policy.changes import Change
from kt.policy.diff import diff
from kt.policy.explaining.enforced import Sentence, enforced
from kt.policy.findings import Finding
from kt.policy.lint import lint
from kt.policy.mutants.gates import OPEN, Gates
from kt.policy.report import Pack, Report, Suppressed
from kt.policy.verify import verify as verify_here

log = structlog.get_logger(__name__)

TOO_COSTLY, NOT_JUDGED = "too_costly", "not_judged"
_FIX = "make it smaller: fewer or shorter terms, patterns and cases"

# The time that files of one commit may take which then are too costly.
WASTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Pack:
    id: str | None
    name: str | None
    version: str | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class _Report:
    """A report as it leaves a judge."""

    findings: tuple[Finding, ...]
    pack: _Pack | None
    chain: tuple[str, ...]
    complete: bool
    suppressed: tuple[tuple[Finding, str], ...]


def verify(content: bytes, /, *, directory: str | None = None, asker: Asker = ANYBODY) -> Report:
    """The report of a policy file as `kt.policy.verify` makes it, made by a judge.

    What takes too much has the error finding `too_costly`, what crashes the rules `internal`;
    both leave the rest of the file unread.

    Raises:
        CrowdedError: too many questions wait.
        JudgeFailedError: the judge ended, for no fault of the file.
    """
    try:
        found = ask(asker, _verified, content, directory)
    except TooCostlyError as exc:
        return _unread(TOO_COSTLY, f"the file {exc}", _FIX)
    except CrashedError as exc:
        log.error("the rules crashed", traceback=str(exc))  # noqa: TRY400 - another's traceback
        return _unread("internal", "the rules crashed on this content; the log says how", "")
    told = found.pack
    pack = Pack(told.id, told.name, told.version, told.enabled) if told is not None else None
    hidden = tuple(Suppressed(finding, reason) for finding, reason in found.suppressed)
    complete = found.complete
    return Report(found.findings, pack, found.chain, complete=complete, suppressed=hidden)


def compare(before: bytes, after: bytes, *, asker: Asker = ANYBODY) -> tuple[Change, ...] | None:
    """The differences of two policies, found by a judge; None where the rules refuse one of them.

    Raises:
        CrowdedError: too many questions wait.
        TooCostlyError: they take too much time or memory.
        JudgeFailedError: the judge ended, for no fault of theirs.
    """
    return ask(asker, _compared, before, after)


def explain(content: bytes, *, asker: Asker = ANYBODY) -> tuple[Sentence, ...] | None:
    """What a policy enforces in words, found by a judge; None where the rules refuse it.

    Raises:
        CrowdedError: too many questions wait.
        TooCostlyError: it takes too much time or memory.
        JudgeFailedError: the judge ended, for no fault of the file.
    """
    return ask(asker, _explained, content)


class Commit:
    """The verification of one commit's files, and the measure of their tests.

    Many costly files must not keep a worker for ever: once they took `wasted_seconds` together,
    and measures of tests, those that follow are not judged, and say so. The next sync has more time
    for them, since what is too costly is not judged twice, and nothing is measured twice. What got
    no answer for another reason waits for it, too, and what comes after `until` (monotonic).
    """

    def __init__(self, *, wasted_seconds: float = WASTED_SECONDS, until: float = math.inf) -> None:
        self._left_seconds = wasted_seconds
        self._until = until

    def verify(self, content: bytes, /, *, directory: str | None = None) -> Report:
        """The report of one file; see `verify`."""
        if self._is_over():
            return Report((_NO_TIME,), None, (), complete=False)
        try:
            report = verify(content, directory=directory)
        except UnansweredError as exc:
            self._left_seconds -= SECONDS
            return _unread(NOT_JUDGED, _again(exc), "")
        if TOO_COSTLY in {finding.code for finding in report.findings}:
            self._left_seconds -= SECONDS
        return report

    def measure(self, content: bytes, gates: Gates) -> tuple[Finding, ...]:
        """What gates say against a file that was verified; see `gates.measure`."""
        if gates == OPEN:
            return ()
        if self._is_over():
            return (_NO_TIME,)
        try:
            findings, seconds = measure(content, gates)
        except UnansweredError as exc:
            self._left_seconds -= SECONDS
            return (Finding(NOT_JUDGED, "error", "", _again(exc), "", 1, 1),)
        self._left_seconds -= seconds
        return findings

    def _is_over(self) -> bool:
        return self._left_seconds <= 0 or time.monotonic() >= self._until


_NO_TIME = Finding(
    NOT_JUDGED, "error", "",
    "other files of this commit took all time; the next poll goes on from here",
    "make the costly ones smaller", 1, 1,
)  # fmt: skip


def _again(exc: UnansweredError) -> str:
    return f"{exc} The next poll tries again."


def _unread(code: str, message: str, fix: str) -> Report:
    finding = Finding(code, "error", "", message, fix, 1, 1)
    return Report((finding,), None, (), complete=False)


def _verified(content: bytes, directory: str | None) -> _Report:
    report = verify_here(content, directory=directory)
    read = report.pack
    pack = _Pack(read.id, read.name, read.version, read.enabled) if read is not None else None
    hidden = tuple((one.finding, one.reason) for one in report.suppressed)
    return _Report(report.findings, pack, report.chain, report.complete, hidden)


def _compared(before: bytes, after: bytes) -> tuple[Change, ...] | None:
    if not (lint(before).ok and lint(after).ok):
        return None
    return diff(before, after)


def _explained(content: bytes) -> tuple[Sentence, ...] | None:
    return enforced(content) if lint(content).ok else None


FUNCTIONS = (_verified, _compared, _explained)


def warm_up() -> None:
    """Import all of the policy language, and use it once."""
    from kt.policy.decision.detectors import phones

    for module in pkgutil.walk_packages(kt.policy.__path__, f"{kt.policy.__name__}."):
        importlib.import_module(module.name)
    phones.load()
    for content in (_SAMPLE, _SAMPLE.replace(b"falcon", b"eagle"), b"pack: [\xff"):
        _verified(content, "sample")
    _compared(_SAMPLE, _SAMPLE.replace(b"falcon", b"eagle"))


_SAMPLE = b"""\
pack:
  name: Sample
  version: 1.0.0
  enabled: true
policies:
  chain:
    - prompt-injection
    - pii-detector
    - dlp-filter
    - safety-filter
    - human-oversight
policy:
  safety-filter:
    block_if: [falcon]
    fuzzy_matching: true
    action: block
testing:
  suites:
    - name: Sample
      cases:
        - name: sample
          input: {messages: [{role: user, content: "Where is project falcon? A1B2 9f%41 aGVsbG8="}]}
          expected: {verdict: block}
"""
