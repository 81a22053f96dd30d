"""Serializers of tokens, trusts and rules of sign-in: bodies that make and change them."""

import ipaddress
import re
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from access import sights
from access.roles import ROLES, VIEWER
from access.sights import NARROWABLE, Sight
from access.signin.forms import MOST_CLAIMS, MOST_VALUES
from access.trusts import forms
from keeptrusts.api.fields import Choice, Flag, Input, Labels, Line, Lines, Text, Whole

_MOST_NETWORKS = 20
_MOST_PERSONAL = 20
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_MOST_GLOBS = 50
_LONGEST_OVERLAP_SECONDS = 7 * 86_400
_LONGEST_JWT_SECONDS = 86_400


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


class Networks(serializers.ListField):
    """Networks from which alone a credential is good; none: from any."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Cidr(), max_length=_MOST_NETWORKS, **kwargs)


class Address(Line):
    """An address as a commit's author has it."""

    json_schema = {"pattern": f"^{_ADDRESS.pattern}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data).lower()
        if not _ADDRESS.fullmatch(value):
            raise serializers.ValidationError("must be an address such as ada@example.com")
        return value


class FutureTime(serializers.DateTimeField):
    """A time to come, or null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, value: Any) -> Any:
        found = super().to_internal_value(value)
        if found <= timezone.now():
            raise serializers.ValidationError("must lie in the future")
        return found


class IdGlob(Text):
    """A glob of ids of configurations; `*` stands for any characters, three times at most."""

    json_schema = {"pattern": "^[a-z0-9._*-]{1,200}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if wrong := sights.problem(value):
            raise serializers.ValidationError(wrong)
        return value


class SightInput(Input):
    """The configurations that a credential is narrowed to, by `ids`, by `labels`, or by both."""

    json_schema = {"minProperties": 1}

    ids = serializers.ListField(child=IdGlob(), max_length=_MOST_GLOBS, default=list)
    labels = Labels(default=dict)

    def validate(self, attrs: dict[str, Any]) -> Any:
        # In a PATCH the defaults are left out.
        found = {"ids": [], "labels": {}, **attrs}
        if not found["ids"] and not found["labels"]:
            raise serializers.ValidationError("must have ids or labels")
        return Sight.read(found)


class TokenEdit(Input):
    """`PATCH /v1/tokens/{id}`; an `expires_at` of null is the latest that is allowed."""

    json_schema = {"minProperties": 1}

    name = Line(max_length=200, required=False)
    note = Lines(max_length=500, required=False, allow_blank=True)
    expires_at = FutureTime(required=False)
    emails = serializers.ListField(
        child=Address(max_length=254),
        max_length=_MOST_PERSONAL,
        required=False,
        help_text="Addresses that its holder commits with; of another's token alone.",
    )
    signers = serializers.ListField(
        child=Line(max_length=100),
        max_length=_MOST_PERSONAL,
        required=False,
        help_text="Fingerprints of keys that its holder signs with; of another's token alone.",
    )


class TokenInput(TokenEdit):
    """`POST /v1/tokens`."""

    json_schema = {}

    name = Line(max_length=200)
    role = Choice(list(ROLES), default=VIEWER)
    networks = Networks(default=list)
    sight = SightInput(default=None, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["sight"] is not None and attrs["role"] not in NARROWABLE:
            able = ", ".join(NARROWABLE)
            raise serializers.ValidationError({"sight": [f"is for the roles {able} alone"]})
        return attrs


class TokenRotation(Input):
    """`POST /v1/tokens/{id}/rotate`."""

    overlap_seconds = Whole(
        min_value=0,
        max_value=_LONGEST_OVERLAP_SECONDS,
        default=3600,
        help_text="How long the text before stays good.",
    )


class ForgeId(Text):
    """An id by which a forge knows a repository or project, which is digits as text."""

    json_schema = {"pattern": "^[0-9]{0,20}$"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not re.fullmatch("[0-9]{0,20}", value):
            raise serializers.ValidationError("must be digits, such as 123456")
        return value


class TrustInput(Input):
    """`POST /v1/trusts`, and in part `PATCH /v1/trusts/{id}`; `forms` checks them together."""

    name = Line(max_length=200)
    issuer = Line(max_length=500, help_text="The `iss` of its JWTs, exactly.")
    audience = Line(max_length=500, help_text="The `aud` of its JWTs, exactly.")
    repository_id = ForgeId(default="", allow_blank=True)
    project_id = ForgeId(default="", allow_blank=True)
    subject = Line(max_length=500, default="", allow_blank=True)
    ref = Line(
        max_length=500,
        default="",
        allow_blank=True,
        help_text="A whole name such as refs/heads/main; one `*` may stand in its last part.",
    )
    environment = Line(max_length=500, default="", allow_blank=True)
    role = Choice(list(forms.ROLES), default="ci")
    networks = Networks(default=list)
    sight = SightInput(default=None, allow_null=True)
    max_seconds = Whole(
        min_value=60,
        max_value=_LONGEST_JWT_SECONDS,
        default=3600,
        help_text="The longest life of a JWT, `exp` less `iat`.",
    )
    enabled = Flag(default=True)
    expires_at = FutureTime(default=None)


class WantedClaims(serializers.DictField):
    """Claims that are all wanted, each with the texts of which it has one."""

    json_schema = {"minProperties": 1, "maxProperties": MOST_CLAIMS}

    def __init__(self, **kwargs: Any) -> None:
        texts = serializers.ListField(
            child=Line(max_length=500), min_length=1, max_length=MOST_VALUES
        )
        super().__init__(child=texts, allow_empty=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if len(found) > MOST_CLAIMS:
            raise serializers.ValidationError(f"must be at most {MOST_CLAIMS}")
        for name in found:
            Line(max_length=200).run_validation(name)
        return found


class SignInRuleInput(Input):
    """`POST /v1/sign-in-rules`, and in part `PATCH`; `signin.forms` checks them together."""

    name = Line(max_length=200)
    issuer = Line(max_length=500, help_text="The issuer of the provider, exactly.")
    claims = WantedClaims(
        help_text="Claims that the provider says all of, each with texts of which it has one."
    )
    position = Whole(
        min_value=1,
        max_value=9999,
        default=100,
        help_text="Of several rules that somebody meets the lowest counts, then the oldest.",
    )
    role = Choice(list(ROLES), default=VIEWER)
    networks = Networks(default=list)
    sight = SightInput(default=None, allow_null=True)
    enabled = Flag(default=True)
    expires_at = FutureTime(default=None)
