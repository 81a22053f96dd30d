"""JWTs as they come: their parts, read strictly and within bounds. Pure.

Nothing of it is true before `keys` has verified the signature. Source: RFC 7515, 7519, 8725, 9864.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from access.trusts.refusals import JWTRefusedError, Reason

# The kind and curve of the key that each algorithm wants: neither `none` nor an HMAC is here.
ALGORITHMS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    **dict.fromkeys(("EdDSA", "Ed25519"), ("OKP", "Ed25519")),
}

MOST_CHARACTERS = 8 * 1024
_MOST_OF_HEADER = 512
_PART = re.compile(r"[A-Za-z0-9_-]+")
# Of a header, what may be there: all else is refused, above all keys that it brings or names
# (`jwk`, `jku`, `x5u`, `x5c`), `crit`, `b64`, `cty`, `enc` and `zip`.
_HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
_MOST_OF_KID = 256


@dataclass(frozen=True, slots=True)
class JWT:
    """The parts of a JWT. `text` is all of it; `digest` is of what its signature is over."""

    text: str
    algorithm: str
    kid: str
    claims: Mapping[str, Any]
    digest: str


def is_meant(text: str) -> bool:
    """Whether a text is meant as a JWT, or as another form of what JOSE signs or encrypts."""
    return text.count(".") >= 2 or text.startswith("{")


def read(text: str, *, most: int = MOST_CHARACTERS) -> JWT:
    """Take a JWT of at most so many characters apart.

    Raises:
        JWTRefusedError: it is too large, is no JSON of its kind, or its header says something
            that it may not.
    """
    if len(text) > most:
        raise JWTRefusedError(Reason.TOO_LARGE, f"it has {len(text)} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise JWTRefusedError(Reason.MALFORMED, f"it has {len(parts)} parts, not three")
    head, body, signature = parts
    if len(head) > _MOST_OF_HEADER:
        raise JWTRefusedError(Reason.TOO_LARGE, f"its header has {len(head)} characters")
    algorithm, kid = _headers(mapping(decoded(head)))
    claims = mapping(decoded(body))
    decoded(signature)
    digest = hashlib.sha256(f"{head}.{body}".encode()).hexdigest()
    return JWT(text, algorithm, kid, claims, digest)


def decoded(part: str) -> bytes:
    """The bytes of a part in base64url, of which each has one spelling.

    Raises:
        JWTRefusedError: it is none.
    """
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        raise JWTRefusedError(Reason.MALFORMED, "a part is not base64url without padding")
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part.encode():
        raise JWTRefusedError(Reason.MALFORMED, "a part has bits that are left over")
    return data


def mapping(data: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 that has each name once, and no NaN.

    Raises:
        JWTRefusedError: it is none.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise JWTRefusedError(Reason.MALFORMED, f"a part is no such JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise JWTRefusedError(Reason.MALFORMED, "a part is no JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _headers(header: Mapping[str, Any]) -> tuple[str, str]:
    """The algorithm and the key's id."""
    if others := sorted(header.keys() - _HEADERS):
        raise JWTRefusedError(Reason.HEADER, f"its header has {others[0]}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise JWTRefusedError(Reason.HEADER, f"its typ is {kind!r}")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise JWTRefusedError(Reason.ALGORITHM, f"its alg is {algorithm!r}")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MOST_OF_KID:
        raise JWTRefusedError(Reason.HEADER, "its header has no kid")
    return algorithm, kid
