"""The kinds of the file: how a row is recognised, compared, and shown. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kt.cli.apply.shapes import (
    BINDING,
    CREDENTIAL,
    FORGE_CREDENTIAL,
    GATEWAY,
    LINK,
    NOTIFICATION_ENDPOINT,
    SECRET,
    SIGN_IN_RULE,
    TRUST,
)
from kt.policy.language.shapes import Block, Field, ListOf, MapOf

Row = Mapping[str, Any]

_FOLLOWED = ("branch", "tag", "commit", "semver")
_PORTS = {"https": 443, "http": 80, "ssh": 22}
_SHORT_FORM = re.compile(r"([^/:@]+)@([^/:@]+|\[[^\]]*\]):(.+)")


class IssuedSecret(NamedTuple):
    """A secret that a new row is given, and that is shown once: in which member of the answer.

    `file` is the member of the file that says where it goes, `of` tells which rows have one.
    """

    member: str
    file: str
    of: Callable[[Row], bool] = lambda _row: True


class RowKind(NamedTuple):
    """One kind of what the file may have.

    `key` is what tells its rows apart, and `near` what tells one whose key was edited. `shown`
    says a row in words. `set_by` has for a secret the member that says whether there is one; the
    others are there always. `kept` are left as they are where the file does not say them, `fixed`
    cannot be edited. `issued` is the secret that a new row is given, if one is. `edit`, `create`
    and `delete` name requests under four eyes.
    """

    name: str
    path: str
    shape: Block
    key: Callable[[Row], object]
    shown: Callable[[Row], str]
    near: Callable[[Row], object] | None = None
    set_by: Mapping[str, str] = {}
    kept: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    issued: IssuedSecret | None = None
    edit: str = ""
    create: str = ""
    delete: str = ""
    is_managed: Callable[[Row], bool] = lambda _row: True

    @property
    def fields(self) -> Mapping[str, Field]:
        """What is compared: all but secrets, and what is about this machine alone."""
        return {
            name: field
            for name, field in self.shape.fields.items()
            if field.shape is not SECRET and not (self.issued and name == self.issued.file)
        }

    @property
    def secrets(self) -> list[str]:
        """The fields that refer to secrets."""
        return [name for name, field in self.shape.fields.items() if field.shape is SECRET]


def normal(name: str, value: Any) -> Any:
    """The form of a field's value in which the file's and the control plane's are compared."""
    if value and name in _NORMAL:
        # What a server says in another type is what it is, and differs from the file.
        with contextlib.suppress(TypeError, AttributeError, ValueError):
            value = _NORMAL[name](value)
    if value is None or value in ("", [], {}):
        return "basic" if name == "authorization" else None
    return value


def default(field: Field) -> Any:
    """The value of a field that is not given, as the API has it."""
    if isinstance(field.shape, ListOf):
        return []
    return {} if isinstance(field.shape, MapOf) else field.default


def canonical_url(text: str) -> str:
    """A repository's url as the control plane stores it; what is none stays as it is."""
    if short := _SHORT_FORM.fullmatch(text):
        text = f"ssh://{short[1]}@{short[2]}/{short[3].lstrip('/')}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return text
    scheme = parts.scheme.lower()
    if not host or scheme not in _PORTS:
        return text
    user = f"{parts.username or 'git'}@" if scheme == "ssh" else ""
    where = f"[{host}]" if ":" in host else host
    suffix = f":{port}" if port and port != _PORTS[scheme] else ""
    return f"{scheme}://{user}{where}{suffix}{parts.path.rstrip('/')}"


def _path(value: Any) -> Any:
    return str(value).strip("/")


def _moment(value: Any) -> Any:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return value
    return found.astimezone(UTC) if found.tzinfo is not None else value


def _network(value: Any) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        return str(value)


def _sight(value: Any) -> Any:
    return {name: value.get(name) or None for name in ("ids", "labels")} if value else None


def _claims(value: Any) -> Any:
    return {
        name: [one.lower() for one in texts] if name == "email" else list(texts)
        for name, texts in value.items()
    }


_NORMAL: Mapping[str, Callable[[Any], Any]] = {
    "url": canonical_url,
    "api_url": canonical_url,
    "kinds": lambda value: sorted(set(value)),
    "git_repos": lambda value: sorted({str(one).lower() for one in value}),
    "path": _path,
    "commit": lambda value: str(value).lower(),
    "hosts": lambda value: [str(one).lower() for one in value],
    "networks": lambda value: [_network(one) for one in value],
    "expires_at": _moment,
    "sight": _sight,
    "claims": _claims,
    "known_hosts": lambda value: str(value).strip(),
    "client_certificate": lambda value: str(value).strip(),
    "allowed_signers": lambda value: str(value).strip(),
    "allowed_openpgp_keys": lambda value: str(value).strip(),
}


def _of(*names: str) -> Callable[[Row], str]:
    return lambda row: json.dumps([normal(name, row.get(name)) for name in names], sort_keys=True)


def _link(row: Row) -> str:
    form = next((name for name in _FOLLOWED if row.get(name)), "")
    ref = f"{form} {row[form]}" if form else "HEAD"
    return f"{row.get('url')} ({ref}, {row.get('path') or 'all of it'})"


def _binding(row: Row) -> str:
    selector = row.get("selector")
    labels = selector if isinstance(selector, Mapping) else {}
    words = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return f"{words} -> {row.get('configuration')}"


KINDS: Mapping[str, RowKind] = {
    kind.name: kind
    for kind in (
        RowKind(
            "git_credentials", "/v1/git-credentials", CREDENTIAL, _of("name"),
            lambda row: str(row.get("name")),
            kept=frozenset({"expires_at", "api_url"}), fixed=frozenset({"kind"}),
        ),
        RowKind(
            "forge_credentials", "/v1/forge-credentials", FORGE_CREDENTIAL, _of("name"),
            lambda row: str(row.get("name")),
            kept=frozenset({"api_url", "hosts"}), fixed=frozenset({"forge", "kind"}),
        ),
        RowKind(
            "git_repos", "/v1/git-repos", LINK, _of("url", *_FOLLOWED, "path"), _link,
            near=_of("url", "path"),
            set_by={"access_token": "has_access_token", "webhook_secret": "has_webhook_secret"},
            edit="git_repo.edit", delete="git_repo.remove",
        ),
        RowKind(
            "gateways", "/v1/gateways", GATEWAY, _of("id"), lambda row: str(row.get("id")),
            kept=frozenset({"client_keys"}), issued=IssuedSecret("token", "token_file"),
            edit="gateway.edit",
            # Those that enrolled themselves come and go without the file.
            is_managed=lambda row: not row.get("enrolled_by"),
        ),
        RowKind(
            "gateway_bindings", "/v1/gateway-bindings", BINDING, _of("configuration", "selector"),
            _binding, create="gateway_binding.create", delete="gateway_binding.delete",
        ),
        RowKind("trusts", "/v1/trusts", TRUST, _of("name"), lambda row: str(row.get("name"))),
        RowKind(
            "sign_in_rules", "/v1/sign-in-rules", SIGN_IN_RULE, _of("name"),
            lambda row: str(row.get("name")),
        ),
        RowKind(
            "notification_endpoints", "/v1/notification-endpoints", NOTIFICATION_ENDPOINT,
            _of("name"), lambda row: str(row.get("name")), fixed=frozenset({"form"}),
            issued=IssuedSecret(
                "secret", "secret_file", lambda row: row.get("form", "webhook") == "webhook"
            ),
        ),
    )
}  # fmt: skip
"""By name, in the order in which they are made; they are removed in the opposite one."""
