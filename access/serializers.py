"""Serializers of tokens: rows of answers, and the bodies that make and change them."""

import ipaddress
import re
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from access.models import Token
from access.roles import ROLES, VIEWER
from keeptrusts.api.fields import Choice, Input, Line, Lines, Text, Whole

_MOST_NETWORKS = 20
_MOST_PERSONAL = 20
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
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


class Address(Line):
    """An address as a commit's author has it, in lower case."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data).lower()
        if not _ADDRESS.fullmatch(value):
            raise serializers.ValidationError("must be an address such as ada@example.com")
        return value


class TokenEdit(Input):
    """`PATCH /v1/tokens/{id}`; an `expires_at` of null is the latest that is allowed."""

    name = Line(max_length=200, required=False)
    note = Lines(max_length=500, required=False, allow_blank=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    emails = serializers.ListField(
        child=Address(max_length=254), max_length=_MOST_PERSONAL, required=False
    )
    signers = serializers.ListField(
        child=Line(max_length=100), max_length=_MOST_PERSONAL, required=False
    )

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must lie in the future")
        return value


class TokenInput(TokenEdit):
    """`POST /v1/tokens`."""

    name = Line(max_length=200)
    role = Choice(list(ROLES), default=VIEWER)
    networks = serializers.ListField(child=Cidr(), max_length=_MOST_NETWORKS, default=list)


class TokenRotation(Input):
    """`POST /v1/tokens/{id}/rotate`."""

    overlap_seconds = Whole(min_value=0, max_value=_LONGEST_OVERLAP_SECONDS, default=3600)


class TokenRow(serializers.ModelSerializer[Token]):
    """A token as lists show it: never its text, never its digest."""

    class Meta:
        model = Token
        fields = [
            "id", "name", "role", "note", "hint", "networks", "emails", "signers", "made_by",
            "created_at", "expires_at", "revoked_at", "last_used_at", "previous_until",
        ]  # fmt: skip
