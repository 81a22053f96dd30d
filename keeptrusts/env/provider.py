"""The OpenID provider that people sign in by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from keeptrusts.env.addresses import is_safe
from keeptrusts.env.errors import EnvError
from keeptrusts.env.secret_values import secret

_WITH_ISSUER = (
    "KEEPTRUSTS_OIDC_CLIENT_ID", "KEEPTRUSTS_OIDC_SCOPES", "KEEPTRUSTS_OIDC_NAME",
)  # fmt: skip
_PATH = r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Provider:
    """The OpenID provider that people sign in by.

    `client_secret` is empty for a client that has none. `name` is on the button.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    name: str


def provider(environ: Mapping[str, str]) -> Provider | None:
    """The provider that `KEEPTRUSTS_OIDC_*` names; None where none of them is set."""
    given = {name: environ.get(name, "") for name in ("KEEPTRUSTS_OIDC_ISSUER", *_WITH_ISSUER)}
    client_secret = secret(environ, "KEEPTRUSTS_OIDC_CLIENT_SECRET")
    if not any(given.values()) and not client_secret:
        return None
    for name in ("KEEPTRUSTS_OIDC_ISSUER", "KEEPTRUSTS_OIDC_CLIENT_ID"):
        if not re.fullmatch(r"[\x21-\x7e]{1,500}", given[name]):
            raise EnvError(f"{name}: sign-in by OpenID Connect wants it, as the provider has it")
    if not environ.get("KEEPTRUSTS_PUBLIC_URL"):
        raise EnvError(
            "KEEPTRUSTS_PUBLIC_URL is not set: sign-in by OpenID Connect wants the address that"
            " browsers come back to, such as https://keeptrusts.example"
        )
    issuer = given["KEEPTRUSTS_OIDC_ISSUER"]
    if not is_safe(issuer, rest=_PATH):
        raise EnvError(
            f"KEEPTRUSTS_OIDC_ISSUER={issuer!r}: write the issuer as its configuration has it, such"
            " as https://login.example/realms/org; http is for this machine alone"
        )
    scopes = tuple((given["KEEPTRUSTS_OIDC_SCOPES"] or "openid profile email").split())
    if "openid" not in scopes or not all(map(_SCOPE.fullmatch, scopes)):
        raise EnvError(
            "KEEPTRUSTS_OIDC_SCOPES: write scopes with blanks between them, openid among them"
        )
    name = given["KEEPTRUSTS_OIDC_NAME"] or urlsplit(issuer).hostname or issuer
    if not name.isprintable() or len(name) > 60:
        raise EnvError("KEEPTRUSTS_OIDC_NAME: use a line of at most 60 characters")
    return Provider(issuer, given["KEEPTRUSTS_OIDC_CLIENT_ID"], client_secret, scopes, name)
