"""`/v1/tokens` and `/v1/whoami`."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access import tokens
from access.authentication import bearer
from access.models import Token
from access.serializers import TokenInput, TokenRow
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.views import View


class Tokens(View):
    """List and make tokens."""

    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        rows = Token.objects.order_by("created_at", "id")
        return Response({"data": TokenRow(rows, many=True).data})

    def post(self, request: Request) -> Response:
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        token, text = tokens.create(
            body.validated_data["name"], expires_at=body.validated_data["expires_at"]
        )
        data = {**TokenRow(token).data, "token": text}
        return Response({"data": data}, status=201, headers={"Location": f"/v1/tokens/{token.id}"})


class OneToken(View):
    """Show or revoke a token."""

    def get(self, request: Request, token_id: UUID) -> Response:
        token = Token.objects.filter(pk=token_id).first()
        if token is None:
            raise NotFoundError("token with this id")
        return Response({"data": TokenRow(token).data})

    def delete(self, request: Request, token_id: UUID) -> Response:
        return Response({"data": TokenRow(tokens.revoke(token_id)).data})


class WhoAmI(View):
    """The token that asks."""

    def get(self, request: Request) -> Response:
        return Response({"data": {"token": TokenRow(bearer(request)).data}})
