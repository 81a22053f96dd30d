"""Serializers of credentials of forges' APIs, and of the choice of one for a link."""

import re
from typing import Any
from urllib.parse import urlsplit

from rest_framework import serializers

from commitstatus.credentials import SECRET_FIELDS
from commitstatus.models import ForgeKind, ProofKind
from gitrepos.api.credential_serializers import GITHUB, APIBase, AppFields, HostField
from gitrepos.links import given_keys
from keeptrusts.api.fields import Choice, Input, Text
from keeptrusts.judge.asking import ask
from keeptrusts.judge.errors import TooCostlyError
from keeptrusts.judge.policies import TOO_COSTLY

_MAX_HOSTS = 50
_NAME = "[a-z0-9][a-z0-9._-]*"
_STATUS_NAME = "[A-Za-z0-9][A-Za-z0-9 ._-]*"
# The public places of forges, each API with the host of its repositories.
_APIS = {
    ForgeKind.GITHUB: (GITHUB, "github.com"),
    ForgeKind.GITLAB: ("https://gitlab.com/api/v4", "gitlab.com"),
    ForgeKind.BITBUCKET: ("https://api.bitbucket.org/2.0", "bitbucket.org"),
}
_OF_KIND = {
    ProofKind.TOKEN: {"token", "username"},
    ProofKind.APP: {"private_key", "app_id", "installation_id"},
}
_NEEDED = {
    ProofKind.TOKEN: ("token",),
    ProofKind.APP: ("private_key", "app_id", "installation_id"),
}


class ForgeCredentialInput(AppFields):
    """The body of `PATCH /v1/forge-credentials/{id}`; `instance` is the row that it changes.

    Its context has the `asker` of the judge that reads keys.
    """

    called = "ForgeCredentialEdit"
    json_schema = {"minProperties": 1}

    name = Text(max_length=100, required=False, json_schema={"pattern": f"^{_NAME}$"})
    api_url = APIBase(max_length=300, required=False)
    hosts = serializers.ListField(
        child=HostField(max_length=300), required=False, allow_empty=False, max_length=_MAX_HOSTS
    )
    status_name = Text(max_length=60, required=False, json_schema={"pattern": f"^{_STATUS_NAME}$"})
    username = Text(max_length=255, required=False, allow_blank=True)
    token = Text(max_length=4000, required=False, json_schema={"pattern": "^[!-~]+$"})
    private_key = Text(max_length=20_000, required=False)

    def validate_name(self, value: str) -> str:
        if not re.fullmatch(_NAME, value):
            raise serializers.ValidationError(
                "must be of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
            )
        return value

    def validate_status_name(self, value: str) -> str:
        if not re.fullmatch(_STATUS_NAME, value):
            raise serializers.ValidationError(
                "must be of letters, digits, blanks, '.', '_' and '-', and begin with a letter"
                " or digit"
            )
        return value

    def validate_username(self, value: str) -> str:
        if ":" in value or not value.isprintable():
            raise serializers.ValidationError("must be printable and without a colon")
        return value

    def validate_token(self, value: str) -> str:
        if re.search(r"[^\x21-\x7e]", value):
            raise serializers.ValidationError("must be printable ASCII without spaces")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("names nothing to change")
        assert self.instance is not None
        return self._checked(attrs, ProofKind(self.instance.kind))

    def _checked(self, attrs: dict[str, Any], kind: ProofKind) -> dict[str, Any]:
        foreign = {name for one, names in _OF_KIND.items() if one != kind for name in names}
        if named := sorted(foreign & attrs.keys()):
            raise serializers.ValidationError({named[0]: [f"is not for the kind {kind.value}"]})
        if kind == ProofKind.APP and "private_key" in attrs:
            attrs["private_key"], attrs["fingerprint"] = self._key(attrs["private_key"])
        return attrs

    def _key(self, text: str) -> tuple[str, str]:
        """A private key as a judge reads it, and its fingerprint."""
        try:
            read = ask(self.context["asker"], given_keys.app_key, text, "")
        except TooCostlyError as exc:
            raise serializers.ValidationError({"private_key": [str(exc)]}, code=TOO_COSTLY) from exc
        if isinstance(read, given_keys.Refused):
            raise serializers.ValidationError({read.field: [read.message]})
        return read


class NewForgeCredential(ForgeCredentialInput):
    """The body of `POST /v1/forge-credentials`."""

    called = "ForgeCredentialInput"
    json_schema = {"required": ["forge", "name"]}

    forge = Choice(ForgeKind.choices)
    kind = Choice(ProofKind.choices, default=ProofKind.TOKEN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind, forge = ProofKind(attrs["kind"]), ForgeKind(attrs["forge"])
        if kind == ProofKind.APP and forge != ForgeKind.GITHUB:
            raise serializers.ValidationError({"kind": ["app is GitHub's alone"]})
        # A public place gets no token that was meant for a server of one's own.
        usual, host = _APIS.get(forge, ("", ""))
        if usual and attrs.get("hosts", [host]) == [host]:
            attrs.setdefault("api_url", usual)
        needed = ["name", "api_url", *_NEEDED[kind]]
        if missing := [name for name in needed if name not in attrs]:
            raise serializers.ValidationError({name: ["is required"] for name in missing})
        attrs.setdefault("status_name", "keeptrusts")
        attrs.setdefault("hosts", [_host(forge, attrs["api_url"])])
        return self._checked(attrs, kind)


def _host(forge: ForgeKind, api_url: str) -> str:
    """The server of whose repositories an API tells, where nobody says it."""
    usual, host = _APIS.get(forge, ("", ""))
    return host if api_url == usual else urlsplit(api_url).netloc


class CommitStatusChoice(Input):
    """The body of `PATCH /v1/git-repos/{id}/commit-status`."""

    credential = Text(
        max_length=100,
        allow_null=True,
        help_text="The name of a forge credential; null to tell nothing.",
    )


SECRETS = frozenset(SECRET_FIELDS.values())
"""The fields that have secrets."""
