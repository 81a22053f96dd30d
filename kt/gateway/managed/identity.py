"""A gateway's identity: its token, and the key that the token pins."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"kt[ge]_([A-Za-z0-9_-]{43})\.[\x21-\x7e]{16,512}")
GATEWAY = "ktg_"
ENROLMENT = "kte_"


class TokenError(Exception):
    """A text that is not a token of a control plane."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A token and its `pin`, the fingerprint of the signing key that is trusted first."""

    token: str
    pin: str


def identity(token: str, prefix: str) -> Identity:
    """An identity from a token that begins with `prefix`.

    Raises:
        TokenError: it is not such a token.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or not token.startswith(prefix):
        raise TokenError(f"is not a token of a control plane: those begin with {prefix}")
    return Identity(token, match[1])
