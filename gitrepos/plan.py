"""What one commit changes, decided without doing it. Pure: no database, no clock, no git."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from gitrepos.snapshot import Defect, File, Snapshot
from kt.policy.files import FILE_NAME, MAX_BYTES
from kt.policy.findings import Finding, Pack
from kt.policy.identity import identify
from kt.policy.verify import verify
from kt.policy.words import quoted

_DIFFERS, _UNKNOWN = "checkout_differs", "checkout_unknown"
CHECKOUT_CODES = (_DIFFERS, _UNKNOWN)
_MAX_FINDINGS = 100

Outcome = Literal["synced", "unlinked", "quarantined", "conflict", "missing"]


@dataclass(frozen=True, slots=True)
class Linked:
    """A row of what git said before: see `models.LinkedFile`."""

    path: str
    configuration: str
    blob: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a configuration's id now, as `configurations.models.Configuration` says it."""

    owner: str
    origin_url: str
    content_hash: str
    git_hash: str
    archived: bool


@dataclass(frozen=True, slots=True)
class Link:
    """What the plan must know of the link itself."""

    id: str
    url: str
    auto_create: bool
    adopt: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file of the commit after reading it: which id it names, and whether it may be enforced.

    `unchanged` says that it is in force already, as it stands in git.
    """

    path: str
    blob: str
    configuration: str
    name: str = ""
    content: bytes = b""
    content_hash: str = ""
    findings: tuple[Finding, ...] = ()
    unchanged: bool = False

    @property
    def ok(self) -> bool:
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one file. `publish`: its content is the configuration's next version.

    `adopt`: what is in force stands, and this link feeds it from now on.
    """

    candidate: Candidate
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    publish: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`decisions` are sorted by path. `missing` lost their file and stay in force; `dropped`
    rows say nothing any more: their configuration never was theirs, or has another file now.
    """

    decisions: tuple[Decision, ...]
    missing: tuple[Linked, ...] = ()
    dropped: tuple[Linked, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether a reader of configurations will see a difference."""
        return any(decision.publish or decision.adopt for decision in self.decisions)

    def counts(self) -> dict[str, int]:
        """Files by outcome, those that are missing included."""
        outcomes = Counter(str(decision.outcome) for decision in self.decisions)
        return dict(outcomes + Counter(missing=len(self.missing)))


def settled(linked: Iterable[Linked]) -> dict[str, str]:
    """The blob of each path whose bytes need no second look: it is in force as it stands."""
    return {row.path: row.blob for row in linked if row.outcome == "synced"}


def read(snapshot: Snapshot, linked: Sequence[Linked]) -> tuple[Candidate, ...]:
    """Lint every file whose bytes came with the snapshot; the others are as `linked` says."""
    before = {row.path: row for row in linked if row.outcome != "missing"}
    return tuple(_candidate(file, before.get(file.path)) for file in snapshot.files or ())


def plan(
    candidates: Sequence[Candidate],
    *,
    linked: Sequence[Linked],
    holders: Mapping[str, Holder],
    link: Link,
) -> Plan:
    """Decide what a commit changes.

    `holders` has every existing configuration that a candidate or a linked row names. A file
    that may not be enforced is quarantined and never hides its neighbours; what it fed stays
    in force. Planning a commit that was already applied publishes nothing.

    Source: CI/CD guide, "GitOps Policy Sync".
    """
    named = Counter(c.configuration for c in candidates if c.configuration)
    decisions = tuple(_decision(candidate, named, holders, link) for candidate in candidates)
    present = {(d.candidate.path, d.candidate.configuration) for d in decisions}
    gone = [row for row in linked if (row.path, row.configuration) not in present]
    missing = [row for row in gone if row.configuration not in named and _fed(row, holders, link)]
    return Plan(
        decisions=decisions,
        missing=tuple(missing),
        dropped=tuple(row for row in gone if row not in missing),
    )


def _candidate(file: File, row: Linked | None) -> Candidate:
    if file.defect is not None:
        configuration = row.configuration if row else ""
        return Candidate(file.path, file.blob, configuration, findings=(_from_defect(file.defect),))
    warnings = tuple(_checkout_warnings(file.attributes))
    if file.content is None:
        assert row is not None  # Only a settled file comes without its bytes.
        return Candidate(file.path, file.blob, row.configuration, findings=warnings, unchanged=True)
    return _linted(file, file.content, row, warnings)


def _linted(
    file: File, content: bytes, row: Linked | None, warnings: Sequence[Finding]
) -> Candidate:
    directory, stem = _names(file.path)
    report = verify(content, directory=directory)
    findings = [*report.findings, *warnings]
    pack = report.pack or Pack()
    named = identify(pack, directory=directory, stem=stem)
    if isinstance(named, Finding):
        findings.append(named)
        named = ""
    if any(finding.severity == "error" for finding in findings) and row and row.configuration:
        named = row.configuration  # What it fed stays in force, whatever the broken file says.
    return Candidate(
        file.path,
        file.blob,
        named,
        name=pack.name or "",
        content=content,
        content_hash=hashlib.sha256(content).hexdigest(),
        findings=tuple(map(_printable, _bounded(findings))),
    )


def _bounded(findings: Sequence[Finding]) -> list[Finding]:
    """As many findings as a row may hold; what is left out are warnings before errors."""
    if len(findings) <= _MAX_FINDINGS:
        return list(findings)
    kept = sorted(findings, key=lambda finding: finding.severity != "error")[: _MAX_FINDINGS - 1]
    more = f"there are {len(findings) - len(kept)} more findings; kt policy lint lists them"
    kept.sort(key=lambda finding: (finding.line, finding.column))
    return [*kept, _warning("more_findings", more)]


def _checkout_warnings(attributes: Mapping[str, str] | None) -> list[Finding]:
    """What is to be said of a file that a checkout may give other bytes than git holds."""
    if attributes is None:
        message = (
            f"a .gitattributes on the way to the file is over {MAX_BYTES} bytes and was not"
            " read: sha256sum may print another hash than content_hash in a checkout"
        )
        return [_warning(_UNKNOWN, message)]
    attribute = _altering(attributes)
    if attribute is None:
        return []
    message = (
        f"the attribute {quoted(attribute)} may change the file in a checkout, where sha256sum then"
        " prints another hash than content_hash; `-text -ident -filter` keeps its bytes"
    )
    return [_warning(_DIFFERS, message)]


def _altering(attributes: Mapping[str, str]) -> str | None:
    """The attribute by which a checkout, on some machine, is not what git holds; or None.

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
    """The directory's name for a file called as policy files are, else the file's own stem."""
    *parents, name = path.split("/")
    if name == FILE_NAME:
        return (parents[-1] if parents else None), None
    return None, name.rpartition(".")[0] or name


def _decision(
    candidate: Candidate,
    named: Mapping[str, int],
    holders: Mapping[str, Holder],
    link: Link,
) -> Decision:
    findings = candidate.findings
    if named[candidate.configuration] > 1:
        message = f"another file of this commit names the id {candidate.configuration!r} too"
        findings = (*findings, _error("duplicate_id", message))
        return Decision(candidate, "conflict", findings)
    if candidate.unchanged:
        return Decision(candidate, "synced", findings)
    if not candidate.ok:
        return Decision(candidate, "quarantined", findings)
    holder = holders.get(candidate.configuration)
    refusal = _refusal(candidate.configuration, holder, link)
    if refusal is not None:
        return Decision(candidate, refusal[0], (*findings, refusal[1]))
    # What stands in force may be an override; it stands until the file changes in git.
    said = candidate.content_hash
    if holder is None or holder.archived or said not in (holder.git_hash, holder.content_hash):
        return Decision(candidate, "synced", findings, publish=True)
    news = not holder.owner or holder.git_hash != said
    return Decision(candidate, "synced", findings, adopt=news)


def _refusal(
    configuration: str, holder: Holder | None, link: Link
) -> tuple[Outcome, Finding] | None:
    """Why a link may not feed `configuration`, or None when it may."""
    if holder is None:
        if link.auto_create:
            return None
        message = (
            f"no configuration {configuration!r} exists, and the link has"
            " auto_create_configuration off"
        )
        return "unlinked", _error("unlinked", message)
    if holder.owner == link.id:
        return None
    if holder.owner:
        message = f"the configuration {configuration!r} is fed by the link {holder.owner}"
        return "conflict", _error("owned_by_another_link", message)
    if not link.auto_create or link.adopt or holder.origin_url == link.url:
        return None
    message = (
        f"the configuration {configuration!r} exists and was not made by this link;"
        ' set "adopt": true on the link to take it over'
    )
    return "conflict", _error("not_adopted", message)


def _fed(row: Linked, holders: Mapping[str, Holder], link: Link) -> bool:
    holder = holders.get(row.configuration)
    return holder is not None and holder.owner == link.id


def _from_defect(defect: Defect) -> Finding:
    return _error(defect.code, defect.message)


def _error(code: str, message: str) -> Finding:
    return Finding(code, "error", "", message, "", 1, 1)


def _warning(code: str, message: str) -> Finding:
    return Finding(code, "warning", "", message, "", 1, 1)


def _printable(finding: Finding) -> Finding:
    """A finding may quote the file; NUL and lone surrogates are more than a database holds."""
    texts = {
        key: value.encode(errors="replace").decode().replace("\0", "\ufffd")
        for key, value in asdict(finding).items()
        if isinstance(value, str)
    }
    changes: dict[str, Any] = texts
    return replace(finding, **changes)
