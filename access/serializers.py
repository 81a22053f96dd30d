"""Serializers of tokens: rows of answers, and the bodies that make and change them."""

import ipaddress
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from access import sights
from access.models import Token
from access.roles import ROLES, VIEWER
from access.sights import NARROWABLE, Sight
from keeptrusts.api.fields import Choice, Input, Line, Lines, Text, Whole

_MOST_NETWORKS = 20
_MOST_GLOBS = 50
_MOST_LABELS = 50
_LONGEST_OVERLAP_SECONDS = 7 * 86_400


class Cidr(Text):
    """A network such as 10.0.0.0/8, or one address."""

    def to_internal_value(self, data: Any) -> str:
        try:
            network = ipaddress.ip_network(super().to_internal_value(data))
        except ValueError as exc:
            raise serializers.ValidationError(f"{exc}; write such as 10.0.0.0/8") from exc
        address = network.network_address
        if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id):
            raise serializers.ValidationError("must be of IPv4, or of IPv6 without a zone")
        return str(network)


class IdGlob(Text):
    """A glob of ids of configurations."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if wrong := sights.problem(value):
            raise serializers.ValidationError(wrong)
        return value


class SightInput(Input):
    """The configurations that a credential is narrowed to, by `ids`, by `labels`, or by both."""

    ids = serializers.ListField(child=IdGlob(), max_length=_MOST_GLOBS, default=list)
    labels = serializers.DictField(child=Line(max_length=200, allow_blank=True), default=dict)

    def validate_labels(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) > _MOST_LABELS:
            raise serializers.ValidationError(f"must be at most {_MOST_LABELS}")
        return value

    def validate(self, attrs: dict[str, Any]) -> Any:
        if not attrs["ids"] and not attrs["labels"]:
            raise serializers.ValidationError("must have ids or labels")
        return Sight.read(attrs)


class TokenEdit(Input):
    """`PATCH /v1/tokens/{id}`; an `expires_at` of null is the latest that is allowed."""

    name = Line(max_length=200, required=False)
    note = Lines(max_length=500, required=False, allow_blank=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must lie in the future")
        return value


class TokenInput(TokenEdit):
    """`POST /v1/tokens`."""

    name = Line(max_length=200)
    role = Choice(list(ROLES), default=VIEWER)
    networks = serializers.ListField(child=Cidr(), max_length=_MOST_NETWORKS, default=list)
    sight = SightInput(default=None, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["sight"] is not None and attrs["role"] not in NARROWABLE:
            able = ", ".join(NARROWABLE)
            raise serializers.ValidationError({"sight": [f"is for the roles {able} alone"]})
        return attrs


class TokenRotation(Input):
    """`POST /v1/tokens/{id}/rotate`."""

    overlap_seconds = Whole(min_value=0, max_value=_LONGEST_OVERLAP_SECONDS, default=3600)


class TokenRow(serializers.ModelSerializer[Token]):
    """A token as lists show it: never its text, never its digest."""

    class Meta:
        model = Token
        fields = [
            "id", "name", "role", "note", "hint", "networks", "sight", "made_by", "created_at",
            "expires_at", "revoked_at", "last_used_at", "previous_until",
        ]  # fmt: skip
