"""Serializers of shared git credentials."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from gitrepos.forge.addresses import (
    BadURLError,
    api_base,
    api_schemes,
    host_and_port,
    in_clear,
    place,
)
from gitrepos.forge.git import known_hosts, ssh_config
from gitrepos.links import client_certificates, given_keys, shared_credentials
from gitrepos.links.sealed_secrets import BEARER, INSTALLED
from gitrepos.models import CredentialKind
from keeptrusts.api.fields import Choice, Input, Text
from keeptrusts.judge.asking import ask
from keeptrusts.judge.errors import TooCostlyError
from keeptrusts.judge.policies import TOO_COSTLY

_MAX_HOSTS = 50
_NAME = "[a-z0-9][a-z0-9._-]*"
_MAX_TOKEN_LENGTH = 4000
_MAX_KEY_LENGTH = 20_000
_MAX_CHAIN_LENGTH = 65_536
_MAX_KNOWN_HOSTS_LENGTH = 100_000
GITHUB = "https://api.github.com"

# The fields of each kind besides its secret.
_FIELDS = {
    CredentialKind.TOKEN: ("username", "authorization", "client_certificate"),
    CredentialKind.BASIC: ("username", "client_certificate"),
    CredentialKind.SSH: ("passphrase", "known_hosts"),
    CredentialKind.TLS: ("client_certificate",),
    CredentialKind.APP: INSTALLED,
}
# Those without which it cannot be made.
_NEEDED = {
    CredentialKind.TOKEN: ("token",),
    CredentialKind.BASIC: ("password",),
    CredentialKind.SSH: ("private_key", "known_hosts"),
    CredentialKind.TLS: ("client_certificate", "client_key"),
    CredentialKind.APP: ("app_id", "installation_id", "private_key"),
}


KeyReader = Callable[[str, str], tuple[str, str] | given_keys.Refused]


def _fields(kind: CredentialKind) -> set[str]:
    """The fields that are for a kind alone, its secrets among them."""
    return {*_FIELDS[kind], *shared_credentials.SECRET_FIELDS[kind].values()}


class HostField(Text):
    """`HOST` or `HOST:PORT`, after `http://` for plain http."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return place(super().to_internal_value(data))
        except BadURLError as exc:
            raise serializers.ValidationError(
                f"{exc}; write HOST, HOST:PORT or http://HOST:PORT"
            ) from exc


class APIBase(Text):
    """The url of a forge's API, below which its requests go."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return api_base(
                super().to_internal_value(data), schemes=api_schemes(settings.ENV.git_schemes)
            )
        except BadURLError as exc:
            raise serializers.ValidationError(str(exc)) from exc


class AppFields(Input):
    """What says which installation of a GitHub App is meant."""

    called = "App"

    api_url = APIBase(max_length=300, required=False)
    app_id = Text(max_length=100, required=False, json_schema={"pattern": "^[A-Za-z0-9._-]+$"})
    installation_id = Text(max_length=20, required=False, json_schema={"pattern": "^[0-9]+$"})

    def validate_app_id(self, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
            raise serializers.ValidationError("must be the App's id, or its client id")
        return value

    def validate_installation_id(self, value: str) -> str:
        if not re.fullmatch("[0-9]+", value):
            raise serializers.ValidationError("must be a number, as in the installation's url")
        return value


class CredentialInput(AppFields):
    """The body of `PATCH /v1/git-credentials/{id}`; `instance` is the row that it changes.

    Its context has the `asker` of the judge that reads keys.
    """

    called = "GitCredentialEdit"
    json_schema: Mapping[str, Any] = {"minProperties": 1}

    name = Text(max_length=100, required=False, json_schema={"pattern": f"^{_NAME}$"})
    hosts = serializers.ListField(
        child=HostField(max_length=300), required=False, allow_empty=False, max_length=_MAX_HOSTS
    )
    username = Text(max_length=255, required=False, allow_blank=True)
    authorization = Choice(["basic", BEARER], required=False)
    token = Text(max_length=_MAX_TOKEN_LENGTH, required=False, json_schema={"pattern": "^[!-~]+$"})
    password = Text(max_length=_MAX_TOKEN_LENGTH, required=False)
    private_key = Text(max_length=_MAX_KEY_LENGTH, required=False)
    passphrase = Text(max_length=_MAX_TOKEN_LENGTH, required=False)
    known_hosts = Text(max_length=_MAX_KNOWN_HOSTS_LENGTH, required=False)
    client_certificate = Text(max_length=_MAX_CHAIN_LENGTH, required=False, allow_null=True)
    client_key = Text(max_length=_MAX_KEY_LENGTH, required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)

    def validate_name(self, value: str) -> str:
        if not re.fullmatch(_NAME, value):
            raise serializers.ValidationError(
                "must be of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
            )
        return value

    def validate_token(self, value: str) -> str:
        if re.search(r"[^\x21-\x7e]", value):
            raise serializers.ValidationError("must be printable ASCII without spaces")
        return value

    def validate_password(self, value: str) -> str:
        if not value.isprintable():
            raise serializers.ValidationError("must be printable")
        return value

    def validate_username(self, value: str) -> str:
        if ":" in value or not value.isprintable():
            raise serializers.ValidationError("must be printable and without a colon")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("names nothing to change")
        assert self.instance is not None
        return self._checked(attrs, CredentialKind(self.instance.kind))

    def _checked(self, attrs: dict[str, Any], kind: CredentialKind) -> dict[str, Any]:
        every = {name for one in CredentialKind for name in _fields(one)}
        if foreign := sorted((every - _fields(kind)) & attrs.keys()):
            raise serializers.ValidationError({foreign[0]: [f"is not for the kind {kind.value}"]})
        if self._now(attrs, "authorization") == BEARER and self._now(attrs, "username"):
            raise serializers.ValidationError({"username": ["is not sent with a bearer token"]})
        if kind == CredentialKind.BASIC and not self._now(attrs, "username"):
            raise serializers.ValidationError({"username": ["is required for the kind basic"]})
        if kind == CredentialKind.SSH:
            self._check_servers(attrs)
            self._read_key(attrs)
        if kind == CredentialKind.APP and "private_key" in attrs:
            read = self._judged("private_key", given_keys.app_key, attrs["private_key"], "")
            attrs["private_key"], attrs["public_key"] = read
        self._read_certificate(attrs, kind)
        return attrs

    def _now(self, attrs: dict[str, Any], name: str) -> Any:
        """The value of a field after this request."""
        return attrs.get(name, getattr(self.instance, name, None))

    def _check_servers(self, attrs: dict[str, Any]) -> None:
        try:
            keys = known_hosts.parse(self._now(attrs, "known_hosts"))
        except ValueError as exc:
            raise serializers.ValidationError({"known_hosts": [str(exc)]}) from exc
        for host in self._now(attrs, "hosts"):
            if in_clear(host):
                raise serializers.ValidationError({"hosts": [f"{host} is not for the kind ssh"]})
            if not known_hosts.knows(keys, ssh_config.known_as(*host_and_port(host, scheme="ssh"))):
                raise serializers.ValidationError(
                    {"known_hosts": [f"has no key for {host}; `ssh-keyscan` shows what it offers"]}
                )

    def _read_key(self, attrs: dict[str, Any]) -> None:
        passphrase = attrs.pop("passphrase", "")
        if "private_key" in attrs:
            read = self._judged("private_key", given_keys.ssh_key, attrs["private_key"], passphrase)
            attrs["private_key"], attrs["public_key"] = read
        elif passphrase:
            raise serializers.ValidationError({"passphrase": ["comes without its private_key"]})

    def _read_certificate(self, attrs: dict[str, Any], kind: CredentialKind) -> None:
        """Check a client certificate with its key; without `expires_at`, its end becomes that."""
        pair = {name: attrs.get(name) for name in ("client_certificate", "client_key")}
        if not pair.keys() & attrs.keys():
            return
        if not any(pair.values()) and kind != CredentialKind.TLS:
            attrs.update(dict.fromkeys(pair, ""))
            return
        if missing := [name for name, value in pair.items() if not value]:
            raise serializers.ValidationError(
                {missing[0]: ["is required beside the other of the two"]}
            )
        chain, key = self._judged(
            "client_certificate", given_keys.certificate, *map(str, pair.values())
        )
        attrs["client_certificate"], attrs["client_key"] = chain, key
        attrs.setdefault("expires_at", client_certificates.ends_at(chain))

    def _judged(self, field: str, function: KeyReader, *texts: str) -> tuple[str, str]:
        """What a judge reads in `texts`; `field` is the one that is blamed for what they cost."""
        try:
            read = ask(self.context["asker"], function, *texts)
        except TooCostlyError as exc:
            raise serializers.ValidationError({field: [str(exc)]}, code=TOO_COSTLY) from exc
        if isinstance(read, given_keys.Refused):
            raise serializers.ValidationError({read.field: [read.message]})
        return read


class NewCredential(CredentialInput):
    """The body of `POST /v1/git-credentials`."""

    called = "GitCredentialInput"
    json_schema = {"required": ["hosts", "kind", "name"]}

    kind = Choice(CredentialKind.choices)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = CredentialKind(attrs["kind"])
        needed = ["name", "hosts", *_NEEDED[kind]]
        if missing := [name for name in needed if name not in attrs]:
            raise serializers.ValidationError({name: ["is required"] for name in missing})
        if kind == CredentialKind.APP:
            attrs.setdefault("api_url", GITHUB)
        return self._checked(attrs, kind)
