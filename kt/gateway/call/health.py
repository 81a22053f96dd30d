"""Answers about the gateway: its health, configuration, models and metrics."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from kt import __version__
from kt.gateway.clients.callers import Caller
from kt.gateway.errors import NotFoundError
from kt.gateway.gateway import Gateway, describe
from kt.gateway.policy.targets import UpstreamTarget
from kt.gateway.records.metrics import Labels

if TYPE_CHECKING:
    from kt.tracing.exporter import Exporter


def health(gateway: Gateway) -> dict[str, Any]:
    """`/health`. A degraded gateway still serves, by the policy under `config`."""
    contact = gateway.control_plane() if gateway.control_plane else {}
    problem = contact.get("problem")
    problems = reasons(gateway)
    if problem:
        problems = [f"{problem['code']}: {problem['message']}", *problems]
    return {
        "status": "degraded" if problems else "healthy",
        "version": __version__,
        "uptime_seconds": round(gateway.uptime_seconds, 3),
        "policies_loaded": len(gateway.loaded.chain),
        "requests_processed": gateway.metrics.total("keeptrusts_requests_total"),
        "config": describe(gateway.loaded),
        "providers": _providers(gateway),
        "limits": {"shared": gateway.limits.are_shared},
        "client_keys": gateway.admission.shown(),
        "enforcing": gateway.loaded.is_configured and gateway.loaded.snapshot.enabled,
        "reasons": problems,
        **_control_plane(contact),
    }


def reasons(gateway: Gateway) -> list[str]:
    """The problems of the gateway itself."""
    limits = f"limits: {gateway.limits.problem}" if gateway.limits.problem else ""
    problems = [one for one in (gateway.problem, gateway.keys_problem, limits) if one]
    if not gateway.loaded.snapshot.enabled:
        problems.append("pack.enabled is false: nothing is enforced")
    return [*problems, *gateway.loaded.warnings, *gateway.models.problems()]


def refusal(gateway: Gateway) -> dict[str, str]:
    """The error of a reload of which something was not taken."""
    if not gateway.problem:
        told = {"type": "setting_error", "code": "client_keys_invalid"}
        return {**told, "message": gateway.keys_problem}
    message = "; ".join(one for one in (gateway.problem, gateway.keys_problem) if one)
    return {"type": "policy_error", "code": "policy_invalid", "message": message}


def _control_plane(contact: dict[str, Any]) -> dict[str, Any]:
    return {"control_plane": contact} if contact else {}


def _providers(gateway: Gateway) -> dict[str, str]:
    return {target.id: _state(gateway, target) for target in gateway.loaded.targets}


def _state(gateway: Gateway, target: Any) -> str:
    if target.problem:
        return "unavailable"
    return "failing" if gateway.router.is_open(target) else "available"


def config(gateway: Gateway) -> dict[str, Any]:
    """`/keeptrusts/config`: the policy in force, without its terms, patterns and keys."""
    loaded = gateway.loaded
    return {
        **describe(loaded),
        "name": loaded.pack.name,
        "enabled": loaded.snapshot.enabled,
        "chain": list(loaded.chain),
        "targets": [_target(one) for one in loaded.targets],
        **_control_plane(gateway.control_plane() if gateway.control_plane else {}),
    }


def _target(target: UpstreamTarget) -> dict[str, str]:
    asked = {"asked_for": target.alias} if target.alias else {}
    return {"id": target.id, "provider": target.provider, "model": target.models, **asked}


def models(gateway: Gateway, caller: Caller | None) -> dict[str, Any]:
    """`/v1/models`: the models that the policy names, and those that its globs let through.

    Of them those that the caller's key may use.
    """
    owners = {
        name: target.provider
        for target in gateway.loaded.targets
        for name in gateway.catalogue.names(target)
        if caller is None or caller.may_use(name)
    }
    data = [_model(name, owner) for name, owner in owners.items()]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, "has_more": False, **ends}


def model(gateway: Gateway, caller: Caller | None, name: str) -> dict[str, Any]:
    """`/v1/models/NAME`: one that a target serves, by name or by a glob.

    Raises:
        NotFoundError: none does, or the caller's key may not use it.
    """
    is_allowed = caller is None or caller.may_use(name)
    for target in gateway.loaded.targets if is_allowed else ():
        if any(target.serves(name, wanted) for wanted in ("openai", "anthropic")):
            return _model(name, target.provider)
    message = f"No target serves the model {name!r}."
    raise NotFoundError(message, code="model_not_found", param="model")


def _model(name: str, owner: str) -> dict[str, Any]:
    """A model as OpenAI's clients read it, and as Anthropic's do."""
    own = {"id": name, "object": "model", "created": 0, "owned_by": owner}
    return {**own, "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def metrics(gateway: Gateway) -> bytes:
    """`/metrics`, in Prometheus' text format."""
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
            "keeptrusts_client_keys": [((), len(gateway.callers))],
            "keeptrusts_limits_shared": [((), int(gateway.limits.are_shared))],
            "keeptrusts_uptime_seconds": [((), gateway.uptime_seconds)],
            "keeptrusts_decision_log_dropped": [((), gateway.journal.dropped)],
            "keeptrusts_target_up": [
                ((("target", target.id),), int(_state(gateway, target) == "available"))
                for target in loaded.targets
            ],
            **_spans(gateway.spans),
            **_contact(gateway.control_plane() if gateway.control_plane else {}),
        }
    )


def _spans(exporter: Exporter | None) -> dict[str, list[tuple[Labels, float]]]:
    if exporter is None:
        return {}
    return {
        "keeptrusts_spans_sent": [((), exporter.sent)],
        "keeptrusts_spans_dropped": [((), exporter.dropped)],
    }


def _contact(contact: dict[str, Any]) -> dict[str, list[tuple[Labels, float]]]:
    """The gauges of a managed gateway."""
    if not contact:
        return {}
    problem, last = contact["problem"], contact["last_contact_at"]
    confirmed = contact["confirmed_at"]
    return {
        "keeptrusts_publish_seq": [((), contact["publish_seq"] or 0)],
        "keeptrusts_last_contact_timestamp_seconds": [((), _seconds(last))] if last else [],
        "keeptrusts_policy_confirmed_timestamp_seconds": (
            [((), _seconds(confirmed))] if confirmed else []
        ),
        "keeptrusts_stream_connected": [((), int(contact["streaming"]))],
        "keeptrusts_gateway_problem": [((("code", problem["code"]),), 1)] if problem else [],
        "keeptrusts_spool_bytes": [((), contact["spool_bytes"])],
        **{f"keeptrusts_{name}": [((), count)] for name, count in contact["counters"].items()},
    }


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
