"""Resources that the feed tells of: who may hear of each, and what of the audit log is about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from access import tokens
from access.bearers import Bearer
from configurations import publish
from gateways.models import Gateway
from gitrepos.models import Link
from keeptrusts.api import parameters

EVENTS, SYNCS, LINKS = "events", "syncs", "git-repos"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource. `action` is what whoever hears of it must be allowed to do.

    `families` are first words of actions of the audit log; `counter` is the name of its change
    counter, empty for none.
    """

    action: str
    families: tuple[str, ...] = ()
    counter: str = ""


RESOURCES: Mapping[str, Resource] = {
    "configurations": Resource("configurations.read", ("configuration",), publish.COUNTER),
    LINKS: Resource("links.read", ("git_repo",), Link.EDITS),
    "git-credentials": Resource("links.read", ("git_credential",)),
    "gateways": Resource("gateways.read", ("gateway",), Gateway.COUNTER),
    "gateway-bindings": Resource("gateways.read", ("gateway_binding",), Gateway.COUNTER),
    "client-keys": Resource("gateways.read", ("client_key",), Gateway.COUNTER),
    "enrolment-tokens": Resource("enrolment.manage", ("enrolment_token",)),
    "tokens": Resource("tokens.manage", ("token",), tokens.COUNTER),
    "trusts": Resource("trusts.manage", ("trust",), tokens.COUNTER),
    "sign-in-rules": Resource("sign_in_rules.manage", ("sign_in_rule",), tokens.COUNTER),
    "notification-endpoints": Resource("notifications.manage", ("notification_endpoint",)),
    "requests": Resource("requests.read", ("request", "glass")),
    EVENTS: Resource("events.read"),
    SYNCS: Resource("links.read"),
}
ASKED = parameters.words(
    "resources",
    "The resources to hear of; all that the role may hear of where it is missing.",
    known=tuple(RESOURCES),
    default=tuple(RESOURCES),
)
_OF_FAMILY = {family: name for name, one in RESOURCES.items() for family in one.families}


def of_action(action: str) -> str:
    """The resource that an action of the audit log changed; empty for none that the feed has."""
    return _OF_FAMILY.get(action.partition(".")[0], "")


def heard_by(bearer: Bearer, asked: Collection[str]) -> frozenset[str]:
    """Those of `asked` that a bearer may hear of."""
    return frozenset(name for name in asked if bearer.may(RESOURCES[name].action))
