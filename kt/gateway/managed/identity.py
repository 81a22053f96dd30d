"""Who a gateway is to its control plane, and whose signature it believes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"kt[ge]_([A-Za-z0-9_-]{43})\.[\x21-\x7e]{16,512}")
GATEWAY = "ktg_"
ENROLMENT = "kte_"


class TokenError(Exception):
    """A token that the control plane did not make."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`pin` is the fingerprint of the signing key that is trusted first."""

    token: str
    pin: str


def identity(token: str, prefix: str) -> Identity:
    """An identity from a token that begins with `prefix`.

    Raises:
        TokenError: it is none.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or not token.startswith(prefix):
        raise TokenError(f"is no token of a control plane: those begin with {prefix}")
    return Identity(token, match[1])
