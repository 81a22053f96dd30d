"""Secrets of any length, which are cut out whole."""

from __future__ import annotations

import base64
import json
import random

from tests.kt.gateway.stream.streams import cut


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def private_key(chance: random.Random, size: int) -> str:
    """A key of `size` characters, as a file has it."""
    body = "\n".join(cut(base64.b64encode(chance.randbytes(size)).decode(), 64))
    begin, end = "-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"
    return begin + body[: max(1, size - len(begin + end))] + end


def web_token(chance: random.Random, size: int) -> str:
    """A JSON Web Token of about `size` characters, or the shortest."""
    random_bytes = chance.randbytes(max(0, size - 90) * 9 // 16)
    payload = json.dumps({"x": base64.b64encode(random_bytes).decode()})
    parts = (b'{"alg":"HS256","typ":"JWT"}', payload.encode(), chance.randbytes(16))
    return ".".join(map(_url_safe, parts))


def access_token(chance: random.Random, size: int) -> str:
    """A token whose issuer sets no length."""
    return "ghp_" + "".join(chance.choices("abcdefghijkXYZ0123456789", k=size - 4))


def spaced_term(_: random.Random, size: int) -> str:
    """A term with blanks between its words."""
    return f"Project{' ' * (size - 13)}Falcon"


SECRETS = (private_key, web_token, access_token, spaced_term)
