"""Forms of gateways: the bodies that they make, and what the API does with them."""

from django.http import QueryDict

from console.pages.base import Act, Context
from console.pages.reading import labels, moment, whole

_ONE = "/v1/gateways/{gateway_id}"
_NONE: Context = {"labels": {}, "configuration": None}


def _closed(given: QueryDict) -> Context:
    """Whether it asks for client keys; empty leaves that as it is."""
    chosen = given.get("client_keys", "")
    return {"client_keys": chosen} if chosen else {}


REGISTER = Act(
    "POST", "/v1/gateways", "Registered. Its token is shown here and never again.",
    {"id": str, "name": str, "labels": labels, "configuration": str}, shows=True,
)  # fmt: skip
EDIT = Act(
    "PATCH", _ONE, "The gateway is changed.", {"name": str, "labels": labels}, {"labels": {}},
    builds=_closed, action="gateways.edit", asks="gateway.edit", target="{gateway_id}",
)  # fmt: skip
BIND = Act(
    "PATCH", _ONE, "Bound: it is told within a second or two.", {"configuration": str}, _NONE,
    asks="gateway.bind", target="{gateway_id}",
)  # fmt: skip
ROTATE = Act(
    "POST", f"{_ONE}/rotate-token",
    "It has a new token, shown here and never again. The one before opens until the new one is"
    " used, for a day at most.", shows=True,
)  # fmt: skip
REISSUE = Act("POST", f"{_ONE}/reissue", "Its policy and its client keys are said again.")
DELETE = Act(
    "DELETE", _ONE, "Deleted: its token opens nothing. Its id stays reserved until it is released.",
    leads_to="/gateways?gone={gateway_id}",
)  # fmt: skip
RELEASE = Act("POST", f"{_ONE}/release", "Released: the id may be registered again.")

ENROL = Act(
    "POST", "/v1/enrolment-tokens", "Made. The token is shown here and never again.",
    {"name": str, "labels": labels, "configuration": str, "max_uses": whole, "expires_at": moment},
    shows=True,
)  # fmt: skip
REVOKE = Act(
    "DELETE", "/v1/enrolment-tokens/{token_id}",
    "Revoked: it enrols no gateway any more. Those that it enrolled stay.",
)  # fmt: skip
REVOKE_ALL = Act(
    "DELETE", "/v1/enrolment-tokens/{token_id}?descendants=true",
    "Revoked, and every gateway that it enrolled is deleted.",
)  # fmt: skip

BIND_LABELS = Act(
    "POST", "/v1/gateway-bindings", "Bound: gateways with all these labels are told.",
    {"configuration": str, "selector": labels}, asks="gateway_binding.create",
    target="{configuration}",
)  # fmt: skip
UNBIND_LABELS = Act(
    "DELETE", "/v1/gateway-bindings/{binding_id}", "The binding is removed.",
    asks="gateway_binding.delete", target="{binding_id}",
)  # fmt: skip
