"""Views of client keys, and the serializers of their bodies and rows."""

import hashlib
from functools import partial
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations.seen import of
from configurations.serializers import Id
from gateways.api.operations import TOO_LARGE
from gateways.api.shapes import ClientKeyShape, MadeClientKeyShape
from gateways.models import Gateway
from gateways.registry import clientkeys, queries
from keeptrusts.api.fields import Input, Labels, Text, Whole, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.operations import Operation
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from kt.policy.language.forms import FORMS

_MOST_GATEWAYS = 1000
_LONGEST_WINDOW_SECONDS = 31 * 86_400
_OF_NOTHING = {hashlib.sha256(text).hexdigest() for text in (b"", b"\n")}


class KeyName(Id):
    """The name of a key's holder, as in a gateway's file of keys."""

    json_schema = {**Id.json_schema, "maxLength": 100}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if len(value) > 100:
            raise serializers.ValidationError("must have at most 100 characters")
        return value


class Digest(Text):
    """The SHA-256 of a key in hexadecimal. No error shows what was sent: it may be a key."""

    json_schema = {"pattern": "^[0-9A-Fa-f]{64}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data).lower()
        if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise serializers.ValidationError(
                "must be 64 hexadecimal digits, the key's SHA-256: printf %s KEY | sha256sum"
            )
        if value in _OF_NOTHING:
            raise serializers.ValidationError("is the digest of an empty key")
        return value


class Glob(Text):
    """A model, or a glob of models, in one line."""

    json_schema = {"pattern": f"^{FORMS['line'].pattern}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not FORMS["line"].accepts(value):
            raise serializers.ValidationError(f"must be {FORMS['line'].words}")
        return value


class GatewayIds(serializers.ListField):
    """Ids of gateways that exist, without repetition, in order."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Id(), min_length=1, max_length=_MOST_GATEWAYS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        ids = set(super().to_internal_value(data))
        there = Gateway.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", flat=True)
        if missing := sorted(ids - set(there)):
            raise serializers.ValidationError(f"there is no gateway {missing[0]!r}")
        return sorted(ids)


class RateLimit(Input):
    """Calls in a window."""

    called = "RateLimitInput"

    max_requests = Whole(min_value=1, max_value=1_000_000_000)
    window_seconds = Whole(min_value=1, max_value=_LONGEST_WINDOW_SECONDS)


class TokenBudget(Input):
    """Tokens in a window."""

    called = "TokenBudgetInput"

    max_tokens = Whole(min_value=1, max_value=1_000_000_000_000)
    window_seconds = Whole(min_value=1, max_value=_LONGEST_WINDOW_SECONDS)


class ClientKeyEdit(Input):
    """`PATCH /v1/client-keys/{name}`; null takes a limit, or a choice of gateways, away."""

    json_schema = {"minProperties": 1}

    models = serializers.ListField(
        child=Glob(max_length=200),
        min_length=1,
        max_length=100,
        required=False,
        allow_null=True,
        source="model_globs",
    )
    rate_limit = RateLimit(required=False, allow_null=True)
    token_budget = TokenBudget(required=False, allow_null=True)
    gateways = GatewayIds(required=False, allow_null=True)
    selector = Labels(allow_empty=False, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("must have at least one field to change")
        return attrs


class ClientKeyInput(ClientKeyEdit):
    """`POST /v1/client-keys`; without `sha256` the key is made here."""

    json_schema = {}

    name = KeyName()
    sha256 = Digest(required=False, default="")


class RotationInput(Input):
    """`POST /v1/client-keys/{name}/rotate`; without `sha256` the key is made here."""

    called = "ClientKeyRotation"

    sha256 = Digest(required=False, default="")


def _row(request: Request, name: str) -> queries.Row:
    return queries.client_key(name, of(request))


CLIENT_KEY = Resource("/v1/client-keys/{}", "gateways.read", _row, counted_by(Gateway.COUNTER))


class ClientKeys(View):
    """List and make client keys."""

    query = {"GET": queries.CLIENT_KEYS.parameters}
    actions = {"GET": "gateways.read", "POST": "client_keys.edit"}
    narrowed = {"GET": FILTERED}
    shows_secret = ("POST",)
    described = {
        "GET": Operation(
            "listClientKeys",
            "Lists client keys, revoked ones too.",
            data=list[ClientKeyShape],
            errors=("404 not_found",),
        ),
        "POST": Operation(
            "createClientKey",
            "Makes a client key, or takes the digest of one. One that is made is shown here alone.",
            body=ClientKeyInput,
            example={
                "name": "web-shop",
                "models": ["gpt-4*"],
                "rate_limit": {"max_requests": 600, "window_seconds": 60},
            },
            data=MadeClientKeyShape,
            status=(201,),
            errors=("409 name_taken", "409 key_taken", TOO_LARGE),
        ),
    }

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.CLIENT_KEYS, seen, is_part=seen.is_narrowed)

    @written()
    def post(self, request: Request) -> Write:
        body, actor = valid(ClientKeyInput, request.data), bearer(request).name
        name, sha256 = body.pop("name"), body.pop("sha256")

        def create() -> Response:
            _, text = clientkeys.create(name, fields=body, sha256=sha256, actor=actor)
            return CLIENT_KEY.shown(request, name, status=201, also=_shown_once(text))

        return create


class OneClientKey(View):
    """Show, edit or revoke a client key."""

    actions = {"GET": "gateways.read", "PATCH": "client_keys.edit", "DELETE": "client_keys.edit"}
    narrowed = {"GET": FILTERED}
    described = {
        "GET": Operation("getClientKey", "Shows a client key.", data=ClientKeyShape, cached=True),
        "PATCH": Operation(
            "editClientKey",
            "Changes a client key.",
            body=ClientKeyEdit,
            example={"rate_limit": None},
            data=ClientKeyShape,
            errors=(TOO_LARGE,),
        ),
        "DELETE": Operation(
            "revokeClientKey", "Revokes a client key.", data=ClientKeyShape, errors=(TOO_LARGE,)
        ),
    }

    def get(self, request: Request, name: str) -> Response:
        return CLIENT_KEY.get(request, name)

    @written(CLIENT_KEY)
    def patch(self, request: Request, name: str) -> Write:
        fields = valid(ClientKeyEdit, request.data)
        edit = partial(clientkeys.edit, name, fields=fields, actor=bearer(request).name)
        return CLIENT_KEY.showing(request, name, edit)

    @written(CLIENT_KEY)
    def delete(self, request: Request, name: str) -> Write:
        revoke = partial(clientkeys.revoke, name, actor=bearer(request).name)
        return CLIENT_KEY.showing(request, name, revoke)


class RotateClientKey(View):
    """Replace a client key; the one before is valid, too, until it is ended."""

    actions = {"POST": "client_keys.edit"}
    shows_secret = ("POST",)
    described = {
        "POST": Operation(
            "rotateClientKey",
            "Replaces a client key; the one before stays valid until it is ended.",
            body=RotationInput,
            data=MadeClientKeyShape,
            errors=("409 key_taken", TOO_LARGE),
            headers=("Location",),
        ),
    }

    @written(CLIENT_KEY)
    def post(self, request: Request, name: str) -> Write:
        sha256, actor = valid(RotationInput, request.data)["sha256"], bearer(request).name

        def rotate() -> Response:
            _, text = clientkeys.rotate(name, sha256=sha256, actor=actor)
            return CLIENT_KEY.shown(request, name, also=_shown_once(text), is_located=True)

        return rotate


class PreviousClientKey(View):
    """End the key before the last rotation."""

    actions = {"DELETE": "client_keys.edit"}
    described = {
        "DELETE": Operation(
            "endPreviousClientKey",
            "Ends the key before the last rotation.",
            data=ClientKeyShape,
            errors=(TOO_LARGE,),
        ),
    }

    @written(CLIENT_KEY)
    def delete(self, request: Request, name: str) -> Write:
        end = partial(clientkeys.end_previous, name, actor=bearer(request).name)
        return CLIENT_KEY.showing(request, name, end)


def _shown_once(text: str) -> dict[str, str]:
    """A key that was made here: it is stored nowhere."""
    return {"key": text} if text else {}
