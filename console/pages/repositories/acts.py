"""Forms of links: the bodies that they make, and what the API does with them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import QueryDict

from console.pages.base import Act, Reads, wrong
from console.pages.reading import is_true, lines, whole

_ONE = "/v1/git-repos/{link_id}"
_EDITED = partial(Act, asks="git_repo.edit", target="{link_id}")
_FORMS = ("branch", "tag", "commit", "semver")

# Of these an emptied field means nothing, everything or the default.
_FIELDS: Mapping[str, Reads] = {
    "url": str, "path": str, "auto_create_configuration": is_true, "adopt": is_true,
    "prune": is_true, "four_eyes": is_true, "fail_on": str, "minimum_coverage": whole,
    "minimum_killed": whole, "id_prefix": str, "include": lines, "exclude": lines,
    "poll_interval_seconds": whole, "allowed_signers": str, "allowed_openpgp_keys": str,
}  # fmt: skip
_EMPTY: Mapping[str, Any] = {
    "path": "", "fail_on": "", "minimum_coverage": 0, "minimum_killed": 0, "id_prefix": "",
    "include": [], "exclude": [], "allowed_signers": None, "allowed_openpgp_keys": None,
}  # fmt: skip


def followed(given: QueryDict) -> dict[str, Any]:
    """What a link follows: a form, and its name.

    Raises:
        RefusedError: a form that needs a name has none.
    """
    form, name = given.get("follows", ""), given.get("ref", "").strip()
    if form not in _FORMS:
        return {}
    if not name and form != "branch":
        raise wrong("ref", f"write which {form} it follows")
    return {form: name}


def proof(given: QueryDict) -> dict[str, Any]:
    """What a link proves itself with: a token of its own, a shared credential, nothing, or what
    it has.
    """
    match given.get("proof", ""):
        case "token" if token := given.get("access_token", "").strip():
            return {"access_token": token}
        case "credential":
            return {"credential": given.get("credential", "").strip()}
        case "none":
            return {"access_token": None, "credential": None}
        case _:
            return {}


def _new(given: QueryDict) -> dict[str, Any]:
    return {name: value for name, value in (followed(given) | proof(given)).items() if value}


def _edited(given: QueryDict) -> dict[str, Any]:
    return followed(given) | proof(given)


TEST = Act(
    "POST", "/v1/git-repos/test", "This is what a link would find. Nothing is saved.",
    _FIELDS, builds=_new, shows=True,
)  # fmt: skip
LINK = Act("POST", "/v1/git-repos", "Linked.", _FIELDS, builds=_new, leads_to="/repositories/{id}")
EDIT = _EDITED(
    "PATCH", _ONE, "The link is changed, and looked at anew.", _FIELDS, _EMPTY, builds=_edited,
    leads_to="/repositories/{link_id}",
)  # fmt: skip
SUSPEND = _EDITED(
    "PATCH", _ONE, "Suspended: it is not polled, and what is in force stays.",
    builds=lambda _: {"suspended": True},
)  # fmt: skip
RESUME = _EDITED(
    "PATCH", _ONE, "Resumed: it is looked at now.", builds=lambda _: {"suspended": False}
)
SYNC = Act("POST", f"{_ONE}/sync", "A sync is asked for; what comes of it is shown below.")
PREVIEW = Act(
    "POST", f"{_ONE}/sync?dry_run=true", "This is what a sync would do. Nothing was written.",
    shows=True, action="links.preview",
)  # fmt: skip
CONFIRM = Act(
    "POST", f"{_ONE}/confirm", "Confirmed: the commit is applied now.", {"commit": str},
)  # fmt: skip
REMOVE = Act(
    "DELETE", _ONE, "The link is removed. What it fed stays in force; nobody feeds it now.",
    leads_to="/repositories", asks="git_repo.remove", target="{link_id}",
)  # fmt: skip
WEBHOOK = _EDITED(
    "PATCH", _ONE, "The secret is kept. Now give it to the forge, as shown below.",
    {"webhook_secret": str, "webhook_poll_interval_seconds": whole},
    {"webhook_poll_interval_seconds": None},
)  # fmt: skip
NO_WEBHOOK = _EDITED(
    "PATCH", _ONE, "The secret is gone: what forges send is refused, and the link is polled.",
    builds=lambda _: {"webhook_secret": None, "webhook_poll_interval_seconds": None},
)  # fmt: skip
