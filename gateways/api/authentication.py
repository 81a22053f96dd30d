"""Who asks: a gateway with a token of its own, or one that wants to enrol."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateways.mirror import Known, fleet
from gateways.models import EnrolmentToken
from gateways.registry import enrolment, gateways
from keeptrusts import counters
from keeptrusts.api.errors import GoneError


class _Bearer(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401, not 403."""
        return "Bearer"


class GatewayAuthentication(_Bearer):
    """Finds the gateway of a request; what it knows then is as new as the request."""

    def authenticate(self, request: Request) -> tuple[Known, None]:
        """Raises: `NotAuthenticated`, `AuthenticationFailed`; `GoneError` for a deleted one."""
        token = _bearer(request)
        fleet.refresh(counters.read())
        return admitted(fleet.gateway(token), token), None


class EnrolmentAuthentication(_Bearer):
    """Finds the enrolment token of a request."""

    def authenticate(self, request: Request) -> tuple[EnrolmentToken, None]:
        """Raises: `NotAuthenticated`; `AuthenticationFailed`, also for a revoked one."""
        found = enrolment.find(_bearer(request))
        if found is None:
            raise AuthenticationFailed("This enrolment token is not known, revoked or expired.")
        return found, None


class Itself(BasePermission):
    """A gateway may ask about itself, and about no other."""

    message = "This token is another gateway's."

    def has_permission(self, request: Request, view: Any) -> bool:
        known: Any = request.user
        return isinstance(known, Known) and bool(known.id == view.kwargs["gateway_id"])


class MayEnrol(BasePermission):
    """The bearer of an enrolment token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, EnrolmentToken)


def admitted(known: Known | None, token: str) -> Known:
    """The gateway that `token` was found to be of.

    The first use of a new token ends the one before it.

    Raises: `AuthenticationFailed`; `GoneError` (`gateway_deleted`).
    """
    if known is None:
        message = "This token is not known; send a gateway's own, which begins with ktg_."
        raise AuthenticationFailed(message)
    if known.deleted_at is not None:
        raise GoneError("gateway_deleted", "This gateway was deleted.")
    if known.previous_digest and known.is_newest(token):
        gateways.retire_previous_token(known.id)
    return known


def _bearer(request: Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotAuthenticated("Send the header: Authorization: Bearer TOKEN.")
    return text.strip()
