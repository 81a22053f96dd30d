"""Progress of what takes a while, from workers to whoever looks on, over Redis' pub/sub."""

from collections.abc import Mapping
from typing import Any

import orjson

from keeptrusts import sealing
from keeptrusts.api.printable import encode
from keeptrusts.messaging import publishing

CHANNEL = "keeptrusts:progress"


def tell(data: Mapping[str, Any], *, begins: bool = False) -> None:
    """Tell how far something is. It may be lost.

    Where nobody heard that something `begins`, no more is told.
    """
    if begins or publishing.is_heard(CHANNEL):
        publishing.publish(CHANNEL, sealing.vouch(encode(data), row=CHANNEL))


def read(told: bytes) -> Mapping[str, Any] | None:
    """What one of our processes told; None for what none of them did."""
    try:
        data: Mapping[str, Any] = orjson.loads(sealing.vouched(told, row=CHANNEL))
    except (sealing.SealError, TypeError):
        return None
    return data
