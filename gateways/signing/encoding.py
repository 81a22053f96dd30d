"""base64url without padding: how keys, statements and signatures travel."""

import base64


def b64u(raw: bytes) -> str:
    """Source: RFC 4648, section 5; padding left out."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64u(text: str) -> bytes:
    """Undo `b64u`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
