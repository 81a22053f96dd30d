"""Forms of a sign-in rule's fields. Pure."""

from collections.abc import Mapping
from typing import Any

from access import sights
from access.trusts.forms import check_url
from keeptrusts.api.errors import FieldError

FIELDS = (
    "name", "issuer", "claims", "position", "role", "sight", "networks", "enabled", "expires_at",
)  # fmt: skip
MOST_CLAIMS, MOST_VALUES = 5, 50

# Claims of every answer to a client, which tell nobody from others.
_OF_EVERYBODY = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "jti", "at_hash", "c_hash", "auth_time",
     "email_verified", "typ", "sid"}
)  # fmt: skip
# What somebody may choose for themselves, at most providers.
_CHOSEN = frozenset(
    {"name", "given_name", "family_name", "nickname", "preferred_username", "upn", "profile",
     "picture", "website", "locale", "zoneinfo", "phone_number", "address"}
)  # fmt: skip


def check(fields: Mapping[str, Any], *, http: bool) -> None:
    """Check the fields of a rule together. `http` is for issuers on this machine.

    Raises:
        FieldError: a url cannot be used, or it would let in others than it says.
    """
    check_url("issuer", fields["issuer"], http=http)
    for name in fields["claims"]:
        if name in _OF_EVERYBODY:
            raise FieldError("claims", f"must not name {name}, which tells nobody from others")
        if name in _CHOSEN:
            raise FieldError(
                "claims",
                f"must not name {name}, which may be chosen or get another owner; use sub, groups,"
                " roles, or an email that the provider verified",
            )
    if fields["sight"] is not None and fields["role"] not in sights.NARROWABLE:
        raise FieldError("sight", f"is for the roles {', '.join(sights.NARROWABLE)} alone")


def stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the table has them: a sight as a mapping, addresses in lower case."""
    found = dict(fields)
    if found.get("sight") is not None:
        found["sight"] = found["sight"].stored()
    if "claims" in found:
        found["claims"] = {
            name: [one.lower() for one in values] if name == "email" else list(values)
            for name, values in found["claims"].items()
        }
    return found
