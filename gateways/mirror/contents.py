"""Bytes that gateways get, found by their hash and cached."""

from functools import lru_cache

from configurations.models import Version
from gateways.models import ClientKeyList
from kt.tracing import context

_KEPT_CONTENTS = 64
_KEPT_LISTS = 16


@lru_cache(maxsize=_KEPT_CONTENTS)
def content(configuration_id: str, version: int, content_hash: str) -> bytes:
    """The content of a version, which after a restore may be another one.

    Raises:
        LookupError: the version has not this hash.
    """
    versions = Version.objects.filter(
        configuration=configuration_id, number=version, content_hash=content_hash
    )
    stored = versions.values_list("content", flat=True).first()
    if stored is None:
        raise LookupError(content_hash)
    return bytes(stored)


@lru_cache(maxsize=_KEPT_CONTENTS)
def trace_id(configuration_id: str, version: int) -> bytes:
    """The id of the trace that led to a version; empty where none is known."""
    versions = Version.objects.filter(configuration=configuration_id, number=version)
    found: str = versions.values_list("trace_id", flat=True).first() or ""
    return found.encode()


def trace_header(trace_id: str) -> dict[str, str]:
    """The header that names a trace beside what is signed; none where no trace is known."""
    return {context.HEADER: context.of_id(trace_id).header()} if context.is_id(trace_id) else {}


@lru_cache(maxsize=_KEPT_LISTS)
def key_list(content_hash: str) -> bytes:
    """A list of client keys.

    Raises:
        LookupError: no gateway has it any more.
    """
    row = ClientKeyList.objects.filter(pk=content_hash).first()
    if row is None:
        raise LookupError(content_hash)
    return bytes(row.content)
