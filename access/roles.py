"""Roles of tokens: which role may do what. Pure."""

from collections.abc import Mapping

# What can be done, with what it means. Each method of each endpoint is one of these.
ACTIONS: Mapping[str, str] = {
    "metrics.read": "read `/metrics`",
    "configurations.read": "read configurations, their versions, contents, differences, rollouts",
    "drift.read": "read drift",
    "configurations.check": "check a content without storing it",
    "links.preview": "test a link, and preview its next sync",
    "links.read": "read links, files, syncs and commit statuses, and credentials without secrets",
    "gateways.read": "read gateways, bindings, and client keys without secrets",
    "events.read": "read events",
    "decisions.read": "read decisions of gateways",
    "audit.read": "read the audit log",
    "configurations.edit": "make, edit, archive and roll back configurations",
    "configurations.pin": "pin a version, and release it",
    "links.edit": "link repositories, edit and remove links, and sync them",
    "links.confirm": "confirm a held commit",
    "gateways.bind": "bind gateways to configurations",
    "credentials.edit": "make, edit and remove credentials of git and of forges' APIs",
    "gateways.edit": "register, edit and remove gateways",
    "enrolment.manage": "read, make and revoke enrolment tokens",
    "client_keys.edit": "make, edit, rotate and revoke client keys",
    "requests.read": "read what waits for a second person",
    "requests.ask": "ask for a change that a second person confirms",
    "requests.confirm": "confirm or refuse what another person asked for",
    "requests.break_glass": "do it alone, with a reason that is told until another confirms it",
    "tokens.manage": "read, make, edit, rotate and revoke tokens",
    "trusts.manage": "read, make, edit and delete trusts",
    "sign_in_rules.manage": "read, make, edit and delete rules of sign-in",
    "notifications.manage": "read and edit notification endpoints, and send notifications again",
}

_METRICS = frozenset({"metrics.read"})
_CI = frozenset(
    {"configurations.read", "drift.read", "configurations.check", "links.preview"}
)  # fmt: skip
_VIEWER = _METRICS | frozenset(
    {
        "configurations.read",
        "drift.read",
        "links.read",
        "gateways.read",
        "events.read",
        "requests.read",
    }
)
_AUDITOR = _VIEWER | {"decisions.read", "audit.read"}
_EDITOR = _VIEWER | _CI | frozenset(
    {"configurations.edit", "configurations.pin", "links.edit", "links.confirm", "gateways.bind",
     "requests.ask", "requests.confirm"}
)  # fmt: skip

# Of whoever has a valid token, and of an endpoint that asks for none.
ANY, OPEN = "any", "open"

ADMIN, VIEWER = "admin", "viewer"
ROLES: Mapping[str, frozenset[str]] = {
    "metrics": _METRICS,
    "ci": _CI,
    VIEWER: _VIEWER,
    "auditor": _AUDITOR,
    "editor": _EDITOR,
    ADMIN: frozenset(ACTIONS),
}


def may(role: str, action: str) -> bool:
    """Whether a role may do something; a role that is not known may do nothing."""
    return action in ROLES.get(role, frozenset()) or (action == ANY and role in ROLES)


def with_action(action: str) -> list[str]:
    """The roles that may do something."""
    return [role for role, actions in ROLES.items() if action in actions]


def covers(role: str, other: str) -> bool:
    """Whether a role may do all that another may."""
    return ROLES[other] <= ROLES.get(role, frozenset())
