"""The routes that say how the gateway is, and what it enforces."""

from __future__ import annotations

from typing import Any

from kt import __version__
from kt.gateway.gateway import Gateway, describe


def health(gateway: Gateway) -> dict[str, Any]:
    """`/health`: degraded is still serving, on the policy that stands under `config`."""
    reasons = _reasons(gateway)
    return {
        "status": "degraded" if reasons else "healthy",
        "version": __version__,
        "uptime_seconds": round(gateway.uptime_seconds, 3),
        "policies_loaded": len(gateway.loaded.chain),
        "requests_processed": gateway.metrics.total("keeptrusts_requests_total"),
        "config": describe(gateway.loaded),
        "providers": _providers(gateway),
        "enforcing": gateway.loaded.snapshot.enabled,
        "reasons": reasons,
    }


def _reasons(gateway: Gateway) -> list[str]:
    reasons = [gateway.problem] if gateway.problem else []
    if not gateway.loaded.snapshot.enabled:
        reasons.append("pack.enabled is false: nothing is enforced")
    return [*reasons, *gateway.loaded.warnings]


def _providers(gateway: Gateway) -> dict[str, str]:
    return {target.id: _state(gateway, target) for target in gateway.loaded.targets}


def _state(gateway: Gateway, target: Any) -> str:
    if target.problem:
        return "unavailable"
    return "failing" if gateway.router.is_open(target) else "available"


def config(gateway: Gateway) -> dict[str, Any]:
    """`/keeptrusts/config`: what is enforced, without its terms, patterns and keys."""
    loaded = gateway.loaded
    return {
        **describe(loaded),
        "name": loaded.pack.name,
        "enabled": loaded.snapshot.enabled,
        "chain": list(loaded.chain),
        "targets": [
            {"id": one.id, "provider": one.provider, "model": one.models} for one in loaded.targets
        ],
    }


def models(gateway: Gateway) -> dict[str, Any]:
    """`/v1/models`: the models that the policy names; a glob names none."""
    owners = {
        name: target.provider for target in gateway.loaded.targets for name in target.model_names
    }
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": owner}
        for name, owner in owners.items()
    ]
    return {"object": "list", "data": data}


def metrics(gateway: Gateway) -> bytes:
    """`/metrics`."""
    loaded = gateway.loaded
    labels = (
        ("id", loaded.id),
        ("version", str(loaded.pack.version)),
        ("content_hash", loaded.content_hash),
    )
    return gateway.metrics.render(
        {
            "keeptrusts_config_info": [(labels, 1)],
            "keeptrusts_config_degraded": [((), int(bool(gateway.problem)))],
            "keeptrusts_requests_in_flight": [((), gateway.in_flight)],
            "keeptrusts_uptime_seconds": [((), gateway.uptime_seconds)],
            "keeptrusts_decision_log_dropped": [((), gateway.journal.dropped)],
            "keeptrusts_target_up": [
                ((("target", target.id),), int(_state(gateway, target) == "available"))
                for target in loaded.targets
            ],
        }
    )
