"""Serializers of tokens: a row of an answer, and the body that makes one."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from access.models import Token
from keeptrusts.api.fields import Input, Line


class TokenInput(Input):
    """`POST /v1/tokens`."""

    name = Line(max_length=200)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must lie in the future")
        return value


class TokenRow(serializers.ModelSerializer[Token]):
    """A token as lists show it: never its text, never its digest."""

    class Meta:
        model = Token
        fields = ["id", "name", "hint", "created_at", "expires_at", "revoked_at"]
