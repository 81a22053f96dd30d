"""Forms of a trust's fields: whether they bind a JWT to one place. Pure."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from access import roles, sights
from keeptrusts.api.errors import FieldError

FIELDS = (
    "name", "issuer", "audience", "repository_id", "project_id", "subject", "ref", "environment",
    "role", "sight", "networks", "max_seconds", "enabled", "expires_at",
)  # fmt: skip
# What a job may be: none manages tokens.
ROLES = tuple(role for role in roles.ROLES if role != roles.ADMIN)

_SOURCES = ("repository_id", "project_id", "subject")
_URL = re.compile(
    r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?"
    r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?"
)
_HERE = ("127.0.0.1", "::1")
# Names may be given to somebody else; these forges say by an id whose the job is.
_GITHUB = re.compile(
    r"https://token\.actions\.(githubusercontent\.com|[a-z0-9-]+\.ghe\.com)(/.*)?"
    r"|https://.*/_services/token"
)
_GITLAB = "https://gitlab.com"


def check(fields: Mapping[str, Any], *, http: bool) -> None:
    """Check the fields of a trust together. `http` is for issuers on this machine.

    Raises:
        FieldError: a url cannot be used, or too little is bound.
    """
    for name in ("issuer", "audience"):
        check_url(name, fields[name], http=http)
    _check_source(fields)
    if not fields["subject"] and not fields["ref"] and not fields["environment"]:
        message = "must be given, or an environment: else every job of the repository is admitted"
        raise FieldError("ref", message)
    if fields["ref"] and not fields["subject"] and not fields["ref"].startswith("refs/"):
        raise FieldError("ref", "must be a whole name such as refs/heads/main")
    for name in ("ref", "environment"):
        _check_pattern(name, fields[name])
    if fields["sight"] is not None and fields["role"] not in sights.NARROWABLE:
        raise FieldError("sight", f"is for the roles {', '.join(sights.NARROWABLE)} alone")


def check_url(name: str, text: str, *, http: bool) -> None:
    """Check a url that a JWT is compared with. `http` is for issuers on this machine.

    Raises:
        FieldError: it cannot be used.
    """
    if not _URL.fullmatch(text):
        message = "must be a url such as https://issuer.example, in lower case, without ? or #"
        raise FieldError(name, message)
    parts = urlsplit(text)
    if parts.scheme == "http" and not (http and parts.hostname in _HERE):
        raise FieldError(name, "must be https, so that nobody can speak in its place")


def _check_source(fields: Mapping[str, Any]) -> None:
    given = [name for name in _SOURCES if fields[name]]
    if len(given) != 1:
        message = "must be given, or project_id, or subject: one of them says whose jobs are meant"
        raise FieldError("repository_id", message)
    if _GITHUB.fullmatch(fields["issuer"]) and given != ["repository_id"]:
        raise FieldError("repository_id", "must be given for GitHub: a name may get another owner")
    if fields["issuer"] == _GITLAB and given != ["project_id"]:
        raise FieldError("project_id", "must be given for GitLab: a path may get another owner")


def _check_pattern(name: str, pattern: str) -> None:
    head, _, _ = pattern.rpartition("/")
    if pattern.count("*") > 1 or "*" in head:
        raise FieldError(name, "may have one * and that in the last part of its path")
    if pattern == "*":
        raise FieldError(name, "must not be * alone, which every job has")
    if ".." in pattern or re.search(r"[?\[\]\\]", pattern):
        raise FieldError(name, "must be a name, in which * is the only sign of a pattern")
