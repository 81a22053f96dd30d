"""Keys of issuers: which of a document can be used, and what a signature of theirs is. Pure.

Source: RFC 7517, 7518, 8037; OpenID Connect Discovery 1.0.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from access.trusts import jwt
from access.trusts.jwt import ALGORITHMS, JWT
from access.trusts.refusals import JWTRefusedError, Reason

Key = RSAKey | ECKey | OKPKey
Row = Mapping[str, Any]

_KINDS: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
# What is kept of a key: its public half, and what it is for.
_KEPT = ("kty", "kid", "crv", "n", "e", "x", "y", "alg", "use", "key_ops")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BITS = range(2048, 8193)
_MOST_OF_EXPONENT = 2**32
_MOST_KEYS = 50


class _Algorithms(jws.JWSRegistry):
    """joserfc's algorithms. It warns of the name EdDSA, by which issuers still sign."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


class BadDocumentError(Exception):
    """What an issuer says of itself cannot be used; the message says why, in our own words."""


def discovered(data: bytes, *, issuer: str) -> str:
    """The url of an issuer's keys, by its OpenID configuration.

    Raises:
        BadDocumentError: it is of another issuer, or names no such url.
    """
    return named_url(configuration(data, issuer=issuer), "jwks_uri", issuer=issuer)


def configuration(data: bytes, *, issuer: str) -> Row:
    """An issuer's OpenID configuration.

    Raises:
        BadDocumentError: it is none, or of another issuer.
    """
    document = _document(data)
    if document.get("issuer") != issuer:
        raise BadDocumentError("its configuration names another issuer")
    return document


def named_url(document: Row, name: str, *, issuer: str) -> str:
    """A url that an issuer's configuration names.

    Raises:
        BadDocumentError: it has none, or one where somebody else could speak in its place.
    """
    url = document.get(name)
    if not isinstance(url, str):
        raise BadDocumentError(f"its configuration has no {name}")
    # Whom https does not prove is believed for what it says itself, where that is allowed.
    if not url.startswith("https://") and _origin(url) != _origin(issuer):
        raise BadDocumentError(f"its {name} is neither https nor its own")
    return url


def usable(data: bytes) -> list[Row]:
    """The keys of a set that can be used, each by a `kid` of its own.

    Left out are those that sign nothing, secret and private ones, and weak ones.

    Raises:
        BadDocumentError: it is no set, or one of more than 50 keys.
    """
    rows = _document(data).get("keys")
    if not isinstance(rows, list) or len(rows) > _MOST_KEYS:
        raise BadDocumentError(f"its keys are no list of at most {_MOST_KEYS}")
    found = list(_public(rows))
    times = Counter(row["kid"] for row in found)
    return [row for row in found if times[row["kid"]] == 1]


def loaded(rows: Sequence[Row]) -> dict[str, Key]:
    """Keys that `usable` gave, by their ids."""
    return {row["kid"]: _KINDS[row["kty"]].import_key(dict(row)) for row in rows}


def verify(token: JWT, key: Key) -> None:
    """Verify the signature of a JWT by a key, which must be of the algorithm's kind.

    Raises:
        JWTRefusedError: it is not signed so.
    """
    row = key.as_dict(private=False)
    fits = (row["kty"], row.get("crv", "")) == ALGORITHMS[token.algorithm]
    if not fits or row.get("alg", token.algorithm) != token.algorithm:
        detail = f"the key {token.kid} is not for {token.algorithm}"
        raise JWTRefusedError(Reason.ALGORITHM, detail)
    try:
        jws.deserialize_compact(token.text, key, registry=_Algorithms())
    except (JoseError, ValueError) as exc:
        detail = f"the key {token.kid} did not make its signature"
        raise JWTRefusedError(Reason.SIGNATURE, detail) from exc


def _document(data: bytes) -> dict[str, Any]:
    try:
        return jwt.mapping(data)
    except JWTRefusedError as exc:
        raise BadDocumentError("its answer is no JSON object") from exc


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _public(rows: Sequence[Any]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, dict) and _is_for_signatures(row):
            kept = {name: row[name] for name in _KEPT if name in row}
            if _is_strong(kept):
                yield kept


def _is_for_signatures(row: Row) -> bool:
    kid, curve = row.get("kid"), row.get("crv", "")
    operations = row.get("key_ops", ["verify"])
    return (
        isinstance(kid, str)
        and (row.get("kty"), curve) in ALGORITHMS.values()
        and not _PRIVATE & row.keys()
        and row.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and row.get("alg", "RS256") in list(ALGORITHMS)
    )


def _is_strong(row: Row) -> bool:
    try:
        # joserfc warns of a weak key while it reads it, so that is looked at before.
        if row["kty"] == "RSA" and not _is_strong_rsa(row):
            return False
        _KINDS[row["kty"]].import_key(dict(row))
    except (JoseError, JWTRefusedError, UnsupportedAlgorithm, LookupError, TypeError, ValueError):
        return False
    return True


def _is_strong_rsa(row: Row) -> bool:
    modulus, exponent = (int.from_bytes(jwt.decoded(row[name])) for name in ("n", "e"))
    is_odd = modulus % 2 == 1 and exponent % 2 == 1
    return is_odd and modulus.bit_length() in _RSA_BITS and 1 < exponent < _MOST_OF_EXPONENT
