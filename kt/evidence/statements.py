"""Files of evidence as statements of in-toto, in an envelope of DSSE that the log's key signs.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md,
https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kt.evidence import canonical, leaves, notes

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "urn:keeptrusts:evidence:v1"


class EnvelopeError(ValueError):
    """An envelope that is none, or is not signed by the log whose file it has."""


def envelope(
    file: Mapping[str, Any], by: notes.Verifier, sign: Callable[[bytes], bytes]
) -> dict[str, Any]:
    """The envelope of a file; `sign` signs by the private half of `by`."""
    statement = {
        "_type": _STATEMENT_TYPE,
        "predicateType": _PREDICATE_TYPE,
        "subject": _subjects(file),
        "predicate": file,
    }
    payload = canonical.encode(statement)
    signature = base64.b64encode(sign(_signed(payload))).decode()
    return {
        "payloadType": _PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": by.text(), "sig": signature}],
    }


def is_envelope(value: Any) -> bool:
    """Whether a value is to be opened before it is a file."""
    return isinstance(value, dict) and "payloadType" in value


def opened(value: Mapping[str, Any], read: Callable[[bytes], Any]) -> Any:
    """The file in an envelope; `read` reads JSON.

    Raises:
        EnvelopeError: it is no envelope, its signature is not by the key of the file, or it says
            that it is about something else than the file.
    """
    if value.get("payloadType") != _PAYLOAD_TYPE:
        raise EnvelopeError("an envelope of something else")
    payload = _unb64(value.get("payload"))
    statement = read(payload)
    if not isinstance(statement, dict) or statement.get("_type") != _STATEMENT_TYPE:
        raise EnvelopeError("an envelope without a statement")
    file = statement.get("predicate")
    if statement.get("predicateType") != _PREDICATE_TYPE or not isinstance(file, dict):
        raise EnvelopeError("a statement of something else")
    signatures = value.get("signatures")
    if not _is_signed(file.get("key"), signatures, _signed(payload)):
        raise EnvelopeError("an envelope that the log's key did not sign")
    try:
        is_about_it = statement.get("subject") == _subjects(file)
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise EnvelopeError("a statement about no file of evidence") from exc
    if not is_about_it:
        raise EnvelopeError("a statement about something else than what it proves")
    return file


def _subjects(file: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The contents that a file tells of, and without any the file itself."""
    shown = [
        leaves.read(entry["leaf"].encode(errors="replace")).facts
        for part in file["trees"]
        for entry in part["entries"]
    ]
    found = {
        f"{facts['configuration']}/{facts['version']}": facts["content_hash"]
        for facts in shown
        if {"configuration", "version", "content_hash"} <= set(facts)
    } or {"evidence": sha256(canonical.encode(file)).hexdigest()}
    return [{"name": name, "digest": {"sha256": found[name]}} for name in sorted(found)]


def _signed(payload: bytes) -> bytes:
    """What a signature of DSSE is upon."""
    kind = _PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _is_signed(key: Any, signatures: Any, message: bytes) -> bool:
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(key, str):
        return False
    one = signatures[0]
    if not isinstance(one, dict) or one.get("keyid") != key:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(notes.verifier(key).public)
        public.verify(_unb64(one.get("sig")), message)
    except (notes.NoteError, InvalidSignature):
        return False
    return True


def _unb64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as exc:
        raise EnvelopeError("an envelope without base64") from exc
