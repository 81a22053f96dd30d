"""base64url without padding, the form of keys, statements and signatures."""

import base64


def b64u(raw: bytes) -> str:
    """Encode as base64url without padding.

    Source: RFC 4648, section 5.
    """
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
