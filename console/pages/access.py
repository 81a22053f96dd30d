"""Access: tokens, trusts and rules of sign-in, and what a role may."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.http import QueryDict

from access import roles
from console import paging
from console.pages.base import Act, Context, Page
from console.pages.reading import whole


def _days(text: str) -> str:
    """When something ends that lasts so many days.

    Raises:
        ValueError: it is no number of days.
    """
    try:
        days = whole(text)
    except ValueError:
        days = 0
    if not 0 < days <= 3650:
        raise ValueError("must be a number of days, from 1 to 3650")
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def _claims(given: QueryDict) -> dict[str, Any]:
    """The claim that a rule wants, with its texts between commas."""
    texts = [one.strip() for one in given.get("values", "").split(",") if one.strip()]
    return {"claims": {given.get("claim", "").strip(): texts}}


class Access(Page):
    """Tokens by name, role and end; each is made, rotated and revoked here. Rules of sign-in."""

    template = "console/access.html"
    acts: ClassVar = {
        "create": Act(
            "POST", "/v1/tokens", "The token is made. It is shown this once.",
            {"name": str, "role": str, "note": str, "expires_at": _days}, shows=True,
        ),
        "rotate": Act(
            "POST", "/v1/tokens/{token_id}/rotate",
            "The token has a new text, shown this once; the one before is good for an hour.",
            {"overlap_seconds": whole}, shows=True,
        ),
        "revoke": Act("DELETE", "/v1/tokens/{token_id}", "The token is revoked."),
        "create_rule": Act(
            "POST", "/v1/sign-in-rules", "The rule is made: whoever it knows may sign in.",
            {"name": str, "issuer": str, "role": str, "position": whole}, builds=_claims,
        ),
        "delete_rule": Act(
            "DELETE", "/v1/sign-in-rules/{rule_id}",
            "The rule is deleted, and whom it alone let in is signed out.",
        ),
    }  # fmt: skip

    def read(self, **_: Any) -> Context:
        known = ("role", "revoked")
        listed = paging.rows(self.api, "/v1/tokens", self.request.GET, known=known, revoked="false")
        return {
            "list": listed,
            "trusts": self.api.get("/v1/trusts"),
            "rules": self.api.get("/v1/sign-in-rules"),
            "provider": settings.ENV.provider,
            "roles": list(roles.ROLES),
            "actions": [
                (action, words, [roles.may(role, action) for role in roles.ROLES])
                for action, words in roles.ACTIONS.items()
            ],
        }
