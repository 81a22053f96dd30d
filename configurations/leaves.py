"""Leaves of evidence of versions that came into force."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db.models import F

from configurations.models import Configuration, Version
from evidence.log import Fact

_HIDDEN = ("repo_url", "ref", "path", "author", "message", "signer", "actor", "note")


def of(rows: Iterable[tuple[Configuration, Version]], *, tree: str = "") -> list[Fact]:
    """What a leaf tells of each version, for the audit of the change that puts it in force.

    `tree` is git's id of the state of the link's path.
    """
    return [Fact("version", _facts(row, version, tree)) for row, version in rows]


def standing() -> list[Fact]:
    """What a leaf tells of each version that is in force, for a log that knows of none."""
    rows = Configuration.objects.filter(status=Configuration.Status.ACTIVE).order_by("pk")
    versions = Version.objects.filter(configuration__in=rows, number=F("configuration__version"))
    known = {one.configuration_id: one for one in versions}
    return of((row, known[row.pk]) for row in rows if row.pk in known)


def _facts(row: Configuration, version: Version, tree: str) -> dict[str, Any]:
    return {
        "configuration": row.pk,
        "version": version.number,
        "publish_seq": row.publish_seq,
        "content_hash": version.content_hash,
        "source": version.source,
        "link": row.owner,
        "commit": version.commit,
        "tree": tree,
        "blob": blob_id(bytes(version.content), version.commit) if version.commit else "",
        "signer_key": version.signer_key,
        "rules": row.judged_rules,
        # What fails one of its own tests never comes into force.
        "own_tests": "passed" if row.judged_rules else "",
        "committed_at": version.committed_at,
        **{name: getattr(version, name) for name in _HIDDEN},
    }


def blob_id(content: bytes, commit: str) -> str:
    """Git's id of a content, by the algorithm that the id of a commit shows."""
    data = b"blob %d\x00" % len(content) + content
    if len(commit) == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
