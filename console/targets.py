"""Targets of the audit log: the name of what an entry is about, and its page if it has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console import inside

# The page of what is changed, by the first word of the action. Of the others there is none.
_PAGES = {
    "configuration": "/configurations/{target}",
    "git_repo": "/repositories/{target}",
    "git_credential": "/repositories/credentials/{target}",
    "gateway": "/gateways/{target}",
    "gateway_binding": "/gateway-bindings",
    "enrolment_token": "/gateways/enrol/{target}",
    "token": "/access",
    "trust": "/access",
    "sign_in_rule": "/access",
    "notification_endpoint": "/notifications",
}
# Ids that people gave; all others are made up by the control plane, and tell nobody anything.
_NAMED = ("configuration", "gateway", "client_key")
# Where an entry has the name of what it is about, the likeliest first.
_NAMES = ("name", "url", "configuration_id")
_GONE = ("deleted", "removed", "released")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Target:
    """What an entry is about: its `page` is empty where there is none, or none any more."""

    name: str
    page: str


def target(entry: Mapping[str, Any]) -> Target:
    """What an entry of the API's audit log is about."""
    of, _, done = entry["action"].partition(".")
    values = {**(entry["before"] or {}), **(entry["after"] or {})}
    if number := values.get("request"):
        return Target(f"request {number}", inside.path("/requests/{number}", number=number))
    if of == "session":
        return Target(str(values.get("name") or entry["actor"]["name"] or entry["target"]), "")
    page = "" if done in _GONE else inside.path(_PAGES.get(of, ""), target=entry["target"])
    return Target(_name(of, entry["target"], values), page)


def _name(of: str, identifier: str, values: Mapping[str, Any]) -> str:
    if of in _NAMED:
        return identifier
    found = next((str(values[name]) for name in _NAMES if values.get(name)), "")
    return found or f"{of.replace('_', ' ')} {identifier[:_SHOWN]}"
