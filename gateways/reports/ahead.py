"""Gateways that report more than the database knows: they are told its word again.

The process of gateways sees a loss by itself. This is for what nobody who runs now remembers.
"""

import time
from collections.abc import Mapping
from typing import Any

import redis
import structlog

from gateways.mirror.mirror import fleet
from gateways.registry import reissues
from gateways.reports import live
from keeptrusts import counters

log = structlog.get_logger(__name__)


def tell_again(gateway_id: str, report: Mapping[str, Any]) -> None:
    """Reissue the policy, or the client keys, of a gateway that is ahead of the database."""
    problem = (report["problem"] or {}).get("code")
    _tell_policy(gateway_id, report["running"], is_refused=problem == "statement_older")
    _tell_keys(gateway_id, report["client_keys"], is_refused=problem == "keys_older")


def _tell_policy(gateway_id: str, running: Mapping[str, Any] | None, *, is_refused: bool) -> None:
    desired = fleet.desired(gateway_id)
    if running is None or desired is None:
        return
    runs_seq = running["publish_seq"]
    is_other = is_refused and running["content_hash"] != desired.content_hash
    is_ahead = runs_seq > desired.publish_seq or (runs_seq == desired.publish_seq and is_other)
    is_due = is_ahead and _may_reissue(gateway_id, "policy", runs_seq)
    if is_due and reissues.reissue(gateway_id, above=runs_seq):
        log.warning("gateway was ahead of the database; statement reissued", gateway=gateway_id)
        fleet.refresh(counters.read())


def _tell_keys(gateway_id: str, runs: Mapping[str, Any] | None, *, is_refused: bool) -> None:
    desired = fleet.desired_keys(gateway_id)
    if runs is None or desired is None:
        return
    runs_seq = runs["keys_seq"]
    # A report does not say which list it is; the gateway refuses another with the same sequence.
    is_ahead = runs_seq > desired.keys_seq or (runs_seq == desired.keys_seq and is_refused)
    is_due = is_ahead and _may_reissue(gateway_id, "keys", runs_seq)
    if is_due and reissues.reissue_keys(gateway_id, above=runs_seq):
        log.warning("gateway had newer client keys; its list is reissued", gateway=gateway_id)
        fleet.refresh(counters.read())


def _may_reissue(gateway_id: str, what: str, runs_seq: int) -> bool:
    """Whether nothing was reissued for a gateway just now.

    Each is a write and a publication, which a gateway must not cause with every report; and one
    that says a time of the future is not followed there.
    """
    if runs_seq > time.time_ns() // 1000:
        return False
    try:
        return live.is_first_ahead(gateway_id, what)
    except redis.RedisError as exc:
        log.warning("nothing is reissued without Redis", gateway=gateway_id, error=str(exc))
        return False
