"""Authentication of gateways, by tokens of their own and by enrolment tokens."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateways.mirror.mirror import fleet
from gateways.mirror.rows import Known
from gateways.models import EnrolmentToken
from gateways.registry import enrolment, gateways, tokens
from keeptrusts import counters
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor
from keeptrusts.api.errors import GoneError


class _Bearer(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        """The value of `WWW-Authenticate`; with it DRF answers 401, not 403."""
        return "Bearer"


class GatewayAuthentication(_Bearer):
    """Authentication by a gateway's token, against rows as new as the request."""

    def authenticate(self, request: Request) -> tuple[Known, None]:
        """The gateway that sent the request.

        Raises:
            NotAuthenticated: the request carries no bearer token.
            AuthenticationFailed: the token is not known.
            GoneError: the gateway was deleted (`gateway_deleted`).
        """
        token = _bearer(request)
        fleet.refresh(counters.read())
        return admitted(fleet.gateway(token), token), None


class EnrolmentAuthentication(_Bearer):
    """Authentication by an enrolment token."""

    def authenticate(self, request: Request) -> tuple[EnrolmentToken, None]:
        """The enrolment token that the request carries.

        Raises:
            NotAuthenticated: the request carries no bearer token.
            AuthenticationFailed: the token is not known, revoked or expired.
        """
        row = enrolment.find(_bearer(request))
        if row is None:
            message = (
                "This is no enrolment token, which begins with kte_, or it is revoked or expired;"
                " ask for a new one."
            )
            raise AuthenticationFailed(message)
        acting.begin(Actor("enrolment_token", str(row.pk), row.name))
        return row, None


class Itself(BasePermission):
    """Permission of a gateway to ask about itself, and about no other."""

    message = "This token belongs to another gateway; send the one of this gateway."

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: Any = request.user
        return isinstance(caller, Known) and bool(caller.id == view.kwargs["gateway_id"])


class MayEnrol(BasePermission):
    """Permission to enrol, for the bearer of an enrolment token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, EnrolmentToken)


def admitted(gateway: Known | None, token: str) -> Known:
    """Let `gateway` in, to which `token` belongs.

    The first use of a new token ends the one before it.

    Raises:
        AuthenticationFailed: there is no gateway with this token.
        GoneError: the gateway was deleted (`gateway_deleted`).
    """
    if gateway is None:
        raise AuthenticationFailed(tokens.UNKNOWN)
    if gateway.deleted_at is not None:
        raise GoneError("gateway_deleted", "This gateway was deleted; register it again to use it.")
    if gateway.previous_digest and gateway.is_newest(token):
        gateways.retire_previous_token(gateway.id)
    return gateway


def _bearer(request: Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotAuthenticated("Send the header: Authorization: Bearer TOKEN.")
    return text.strip()
