"""Candidates: the files of one commit, read, linted and named. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gitrepos.snapshot.values import File, Snapshot
from kt.policy.files import FILE_NAME, MAX_BYTES
from kt.policy.findings import Finding
from kt.policy.identity import identify
from kt.policy.language.forms import is_id
from kt.policy.report import Pack, Report
from kt.policy.storable import storable
from kt.policy.words import quoted

_DIFFERS, _UNKNOWN = "checkout_differs", "checkout_unknown"
CHECKOUT_CODES = (_DIFFERS, _UNKNOWN)
OWNED = "owned_by_another_link"
# Outcomes of rows without a file.
GONE = ("missing", "archived")
_MAX_FINDINGS = 100


class Verify(Protocol):
    """Verification of a file, as `kt.policy.verify` makes it, within a limited time."""

    def __call__(self, data: bytes, /, *, directory: str | None = None) -> Report: ...


class Measure(Protocol):
    """What the gates of a link say against a file that was verified, within a limited time."""

    def __call__(self, data: bytes, /) -> tuple[Finding, ...]: ...


def _ungated(_data: bytes, /) -> tuple[Finding, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Linked:
    """The row of a file from the last sync; see `models.LinkedFile`.

    `too_costly` is the finding of a file that took too much to be judged by the present rules.
    `measured` is what the link's gates said against it, empty where it passed; None where they are
    to be asked.
    """

    path: str
    configuration: str
    blob: str
    outcome: str
    content_hash: str = ""
    too_costly: Finding | None = None
    measured: tuple[Finding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file of the commit with the id that it names and its findings.

    `unchanged`: it is in force already, as it is in git. A file that is refused keeps the id that
    it had in `configuration`; `named` is then the one that it says itself. `unread`: nobody can
    tell which id it names.
    """

    path: str
    blob: str
    configuration: str
    name: str = ""
    content: bytes = b""
    content_hash: str = ""
    findings: tuple[Finding, ...] = ()
    unchanged: bool = False
    named: str = ""
    unread: bool = False

    @property
    def own_id(self) -> str:
        """The id that it says itself, or else the one that it had; empty for none."""
        return self.named or self.configuration

    @property
    def ok(self) -> bool:
        """True when no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


def settled(linked: Iterable[Linked]) -> dict[str, str]:
    """The blob of each path that is in force as it is in git, and needs no fetch."""
    return {row.path: row.blob for row in linked if row.outcome == "synced"}


def read(
    snapshot: Snapshot,
    linked: Sequence[Linked],
    *,
    verify: Verify,
    measure: Measure = _ungated,
    prefix: str = "",
    every: bool = False,
) -> tuple[Candidate, ...]:
    """Verify every file whose bytes are in the snapshot; the others are taken from `linked`.

    `prefix` stands before every id that a file names. A file that is in force as it is in git is
    not verified again, even if its bytes are there; with `every` it is, to be shown. One that was
    too costly is not either, until its bytes or the rules change. All else that passes is measured,
    once while its bytes, the rules and the gates stay.
    """
    before = {row.path: row for row in linked if row.outcome not in GONE}
    files = snapshot.files or ()
    return tuple(
        _candidate(file, before.get(file.path), verify, measure, prefix, every=every)
        for file in files
    )


def _candidate(
    file: File,
    row: Linked | None,
    verify: Verify,
    measure: Measure,
    prefix: str,
    *,
    every: bool,
) -> Candidate:
    if file.defect is not None:
        configuration = row.configuration if row else ""
        finding = error(file.defect.code, file.defect.message)
        return Candidate(file.path, file.blob, configuration, findings=(finding,), unread=True)
    more = tuple(_checkout_warnings(file.attributes))
    stands = row is not None and (row.outcome, row.blob) == ("synced", file.blob)
    if file.content is None or (stands and not every):
        assert row is not None  # Only a settled file comes without its bytes.
        return Candidate(
            file.path,
            file.blob,
            row.configuration,
            content_hash=row.content_hash,
            findings=more,
            unchanged=True,
        )
    directory, stem = _names(file.path)
    if row is not None and row.too_costly and row.blob == file.blob:
        report = Report((row.too_costly,), None, ())
    else:
        report = verify(file.content, directory=directory)
    named = _prefixed(prefix, identify(report.pack or Pack(), directory=directory, stem=stem))
    if report.ok and not stands:
        known = row.measured if row is not None and row.blob == file.blob else None
        more += measure(file.content) if known is None else known
    linted = _linted(file, file.content, row, report, named, more)
    if row is not None and stands:
        return replace(linted, configuration=row.configuration, unchanged=True)
    return linted


def _linted(
    file: File,
    content: bytes,
    row: Linked | None,
    report: Report,
    named: str | Finding,
    more: Sequence[Finding],
) -> Candidate:
    findings = [*report.findings, *more]
    if isinstance(named, Finding):
        findings.append(named)
        named = ""
    refused = any(finding.severity == "error" for finding in findings)
    # What a refused file fed stays in force, whatever id it names now.
    configuration = row.configuration if refused and row and row.configuration else named
    unread = refused and not (named and _is_told(report))
    return Candidate(
        file.path,
        file.blob,
        configuration,
        named="" if unread or configuration == named else named,
        unread=unread,
        name=(report.pack and report.pack.name) or "",
        content=content,
        content_hash=hashlib.sha256(content).hexdigest(),
        findings=storable(findings, _MAX_FINDINGS),
    )


def _is_told(report: Report) -> bool:
    """True when a refused file says its id beyond doubt: it names one, or was read to its end."""
    return report.pack is not None and (bool(report.pack.id) or report.complete)


def _prefixed(prefix: str, named: str | Finding) -> str | Finding:
    if isinstance(named, Finding) or is_id(prefix + named):
        return named if isinstance(named, Finding) else prefix + named
    return error("bad_id", f"{quoted(prefix + named)} is no id: with id_prefix it is too long")


def _checkout_warnings(attributes: Mapping[str, str] | None) -> list[Finding]:
    """The warning for a file that a checkout may give other bytes than git holds."""
    if attributes is None:
        message = (
            f"a .gitattributes on the way to the file is over {MAX_BYTES} bytes and was not"
            " read: sha256sum may print another hash than content_hash in a checkout"
        )
        return [warning(_UNKNOWN, message)]
    attribute = _altering(attributes)
    if attribute is None:
        return []
    message = (
        f"the attribute {quoted(attribute)} may change the file in a checkout, where sha256sum then"
        " prints another hash than content_hash; `-text -ident -filter` keeps its bytes"
    )
    return [warning(_DIFFERS, message)]


def _altering(attributes: Mapping[str, str]) -> str | None:
    """The attribute by which a checkout may differ from what git holds, or None.

    Ends of lines are changed by `text` (or its old name `crlf`) and by `eol`, but not with
    `-text`, nor with `eol=lf`, which no checkout acts upon. A filter or an encoding has a name.
    """
    text = "text" if "text" in attributes else "crlf"
    ends, eol = attributes.get(text, ""), attributes.get("eol", "")
    if eol == "crlf" and ends != "unset":
        return "eol=crlf"
    if eol != "lf" and ends in ("set", "auto"):
        return text if ends == "set" else f"{text}={ends}"
    if attributes.get("ident") == "set":
        return "ident"
    for name in ("filter", "working-tree-encoding"):
        value = attributes.get(name, "unset")
        if value not in ("set", "unset") and value.lower() not in ("utf-8", "utf8"):
            return f"{name}={value}"
    return None


def _names(path: str) -> tuple[str | None, str | None]:
    """The directory's name for a policy-config.yaml, else the file's own stem."""
    *parents, name = path.split("/")
    if name == FILE_NAME:
        return (parents[-1] if parents else None), None
    return None, name.rpartition(".")[0] or name


def error(code: str, message: str, suggestion: str = "") -> Finding:
    """A finding about a file as a whole."""
    return Finding(code, "error", "", message, suggestion, 1, 1)


def warning(code: str, message: str) -> Finding:
    """A warning about a file as a whole."""
    return Finding(code, "warning", "", message, "", 1, 1)
