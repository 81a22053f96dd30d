"""Statements that are said again with a newer sequence, to gateways that are ahead of the database.

They were told something that a restore, or a late standby, lost; what is older they refuse.
"""

import time
from collections.abc import Mapping

import structlog
from django.db import transaction

from configurations.publish import publish
from events import audit
from events import log as events
from gateways.models import Gateway, State
from gateways.registry.gateways import count_change
from keeptrusts.api.errors import ConflictError, NotFoundError

log = structlog.get_logger(__name__)

_AT_ONCE = 500
_MOST_NAMED = 100
# Gateways refuse what is over a day ahead of their clocks.
_MOST_AHEAD_US = 3_600_000_000


def reissue(gateway_id: str, *, above: int) -> bool:
    """Give a gateway's statement a sequence newer than `above`, which it says that it has.

    Returns False, and changes nothing, when `above` is ahead of the clock: a sequence from the
    future is not followed.
    """
    with transaction.atomic():
        seq = publish()
        if seq <= above:
            transaction.set_rollback(True)
            return False
        _write_policies([gateway_id], seq, count_change())
        return True


def reissue_keys(gateway_id: str, *, above: int) -> bool:
    """As `reissue`, for the gateway's list of client keys."""
    with transaction.atomic():
        count = count_change()
        if count <= above:
            transaction.set_rollback(True)
            return False
        _write_keys([gateway_id], count)
        return True


def after_loss(policies: Mapping[str, int], keys: Mapping[str, int]) -> None:
    """Say all again to gateways that were told what the database lost, and record it.

    The mappings have, by gateway, the lost sequence of its policy and of its client keys, as this
    control plane itself read them. One that is over an hour ahead of the clock is no measure.
    """
    latest = time.time_ns() // 1000 + _MOST_AHEAD_US
    with transaction.atomic():
        seq = publish(above=max((n for n in policies.values() if n < latest), default=0))
        count = count_change(above=max((n for n in keys.values() if n < latest), default=0))
        _write_policies(list(policies), seq, count)
        _write_keys(list(keys), count)
        concerned = sorted(policies.keys() | keys.keys())
        message = (
            f"The database lost changes that {len(concerned)} gateways had heard of: a backup was"
            " restored, or a late standby took over. They are told what it says now."
        )
        details = {"gateways": concerned[:_MOST_NAMED], "gateway_count": len(concerned)}
        events.record(events.Kind.RESTORED, message, details=details)
    log.warning("the database lost changes; statements are reissued", gateways=len(concerned))


def reissue_asked(gateway_id: str) -> None:
    """Say a gateway's policy and client keys again, above whatever it reported last.

    Raises:
        NotFoundError: there is no such gateway.
        ConflictError: what it has is over an hour ahead of the clock (`gateway_ahead`).
    """
    with transaction.atomic():
        said = State.objects.filter(pk=gateway_id).values_list("running_seq", "keys_seq").first()
        policy_seq, keys_seq = said or (0, None)
        if max(policy_seq, keys_seq or 0) > time.time_ns() // 1000 + _MOST_AHEAD_US:
            raise ConflictError(
                "gateway_ahead",
                f"Gateway {gateway_id!r} has a sequence over an hour ahead of this clock; set the"
                " clock right, or run kt gateway reset-trust there.",
            )
        seq, count = publish(above=policy_seq), count_change(above=keys_seq or 0)
        if not Gateway.objects.filter(pk=gateway_id, deleted_at=None).exists():
            raise NotFoundError(f"gateway {gateway_id!r}")
        _write_policies([gateway_id], seq, count)
        _write_keys([gateway_id], count)
        audit.record("gateway.reissued", gateway_id)


def _write_policies(ids: list[str], seq: int, count: int) -> None:
    for at in range(0, len(ids), _AT_ONCE):
        rows = Gateway.objects.filter(pk__in=ids[at : at + _AT_ONCE])
        rows.update(bound_seq=seq, changed_seq=count)


def _write_keys(ids: list[str], count: int) -> None:
    for at in range(0, len(ids), _AT_ONCE):
        rows = Gateway.objects.filter(pk__in=ids[at : at + _AT_ONCE]).exclude(keys_hash="")
        rows.update(keys_seq=count, changed_seq=count)
