"""Remedies: what to do about a status that cannot be told, by the code of its error. Pure."""

from collections.abc import Mapping

from gitrepos import errors

_HERE: Mapping[str, str] = {
    "auth_failed": "Give the token its permission, or send another.",
    "repo_not_found": "Check what the token may see.",
    "not_of_forge": "Correct the link's url, or choose a credential of the right forge.",
    "status_refused": "Look at the forge: it may have too many of this commit.",
    "rate_limited": "Wait: it is told when the API takes requests again.",
    "moved": "Link the repository's new url, or correct `api_url`.",
    "too_large": "Check `api_url`.",
    "bad_answer": "Check `api_url`.",
    "credential_unreadable": "Send the secret again; ask an operator.",
    "host_not_allowed": "Send the secret again; ask an operator.",
}
"""Those that mean something else of an API than of a git server."""


def remedy(code: str) -> str | None:
    """What to do about an error of this code; None without one."""
    if not code:
        return None
    kind = errors.by_code().get(code)
    return _HERE.get(code) or (kind.remedy if kind else "Look at the forge.")
