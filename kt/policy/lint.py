"""The linter: all findings about a policy file, from its bytes alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from kt.lazy import TYPE_CHECKING
from kt.policy.language import DOCUMENT
from kt.policy.nodes import MappingNode, Node
from kt.policy.report import Report
from kt.policy.rules import blocks, chain, dialects, models, pack, patterns, providers, secrets
from kt.policy.rules.shape import TooManyFindings, WrongType
from kt.policy.rules.walk import walk
from kt.policy.words import described
from kt.policy.yaml.document import BOM, Document, read

if TYPE_CHECKING:
    from kt.policy.findings import Finding
    from kt.policy.report import Suppressed

MAX_FINDINGS = 500
_SUPPRESSING = b"kt:"


def lint(data: bytes, *, directory: str | None = None, authoring: bool = False) -> Report:
    """Lint one policy file. Nothing is raised, whatever the bytes.

    `directory` is the name of the directory that holds the file, None where it is unknown. With
    `authoring` it is also said what matters to whoever writes a file that has no error.
    All findings come in one run and in the order of the file, 500 at most. Time and memory
    are bounded: 1 MiB of input, 64 levels, 100,000 values.
    """
    return lint_document(read(data), data, directory=directory, authoring=authoring)


def lint_document(
    document: Document, data: bytes, *, directory: str | None = None, authoring: bool = False
) -> Report:
    """Lint a document that was read from `data`; see `lint`."""
    root = document.root
    findings = [*document.findings, *islice(_check(document, data, directory), MAX_FINDINGS + 1)]
    if not isinstance(root, MappingNode):
        return Report(_ordered(findings), None, (), complete=document.complete)
    if authoring and all(finding.severity != "error" for finding in findings):
        findings.extend(pack.check_named(root, directory))
    suppressed: tuple[Suppressed, ...] = ()
    if _SUPPRESSING in data and document.complete:
        findings, suppressed = _suppress(findings, data)
    names, complete = tuple(link.kind.text for link in chain.links(root)), document.complete
    told = pack.read_pack(root)
    return Report(_ordered(findings), told, names, complete=complete, suppressed=suppressed)


def _check(document: Document, data: bytes, directory: str | None) -> Iterator[Finding]:
    """The findings about a document that could be read to its end."""
    root = document.root
    if not document.complete or root is None:
        return
    if not isinstance(root, MappingNode):
        yield _not_a_mapping(root)
        return
    foreign = dialects.recognise(root)
    if foreign is not None:
        yield foreign
        return
    yield from walk(DOCUMENT, root, "")
    yield from chain.check(root)
    yield from pack.check(root, directory)
    yield from blocks.check(root)
    yield from models.check(root)
    yield from providers.check(root)
    yield from patterns.check(root)
    yield from secrets.check(root, data)


def _suppress(findings: list[Finding], data: bytes) -> tuple[list[Finding], tuple[Suppressed, ...]]:
    """The findings but those that comments of the file suppress, and these."""
    # Imported here: few files have such a comment.
    from kt.policy.rules.suppressions import BEGINNING, suppress
    from kt.policy.yaml.comments import comments

    found = comments(data.decode().removeprefix(BOM), BEGINNING)
    kept, gone = suppress(findings, found, is_whole=len(findings) <= MAX_FINDINGS)
    return kept, tuple(sorted(gone, key=lambda one: (one.finding.line, one.finding.column)))


def _not_a_mapping(root: Node) -> Finding:
    message = f"expected a policy, a mapping with pack and policies, got {described(root)}"
    return WrongType.at(root, "", message, "begin with pack: and policies:")


def _ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    ordered = sorted(findings, key=lambda finding: (finding.line, finding.column, finding.code))
    if len(ordered) <= MAX_FINDINGS:
        return tuple(ordered)
    last = ordered[MAX_FINDINGS - 1]
    message = f"there are more than {MAX_FINDINGS} findings; the rest is not listed"
    more = TooManyFindings.at(last, last.path, message, "mend these first")
    return (*ordered[:MAX_FINDINGS], more)
