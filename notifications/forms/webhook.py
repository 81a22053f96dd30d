"""Standard Webhooks: the body, and the headers that sign it.

Source: the specification of Standard Webhooks, "Webhook Structure" and "Signature scheme".
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence

from keeptrusts.api.printable import encode
from notifications.forms.told import Told

_PREFIX = "whsec_"
_SECRET_BYTES = 32
# Receivers bound bodies; the specification advises to stay under 20 kB.
_MOST_DETAILS_BYTES = 16_000


def new_secret() -> str:
    """A secret for signing."""
    return _PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def body(told: Told) -> bytes:
    """The bytes that are sent, the same at each attempt; too large details are left out."""
    details = dict(told.details)
    is_whole = len(encode(details)) <= _MOST_DETAILS_BYTES
    data = {
        "id": told.event,
        "kind": told.kind,
        "git_repo": told.git_repo,
        "configuration": told.configuration,
        "message": told.message,
        "details": details if is_whole else {},
        "details_left_out": not is_whole,
        "repository": told.repository,
        "url": told.page,
        "created_at": told.at,
    }
    return encode({"type": told.kind, "timestamp": told.at, "data": data})


def headers(
    message_id: str, sent_at: int, content: bytes, secrets: Sequence[str]
) -> Mapping[str, str]:
    """The headers by which a receiver knows a message again, and that it is from us.

    `sent_at` is of this attempt, in seconds since 1970. Each secret signs, the newest first.
    """
    signed = b".".join((message_id.encode(), str(sent_at).encode(), content))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
