"""Fields of a trust: what binds enough, and urls that can be used."""

from typing import Any

import pytest

from access.trusts import forms
from keeptrusts.api.errors import FieldError

GITHUB = "https://token.actions.githubusercontent.com"
MAIN = {"repository_id": "74", "ref": "refs/heads/main"}
EMPTY = dict.fromkeys(("repository_id", "project_id", "subject", "ref", "environment"), "")

PLAIN = {"role": "ci", "sight": None}


def problem(http: bool = False, **fields: Any) -> str:
    """The field that is refused; empty for none."""
    whole = {"issuer": GITHUB, "audience": "https://keeptrusts.example", **EMPTY, **PLAIN, **fields}
    try:
        forms.check(whole, http=http)
    except FieldError as exc:
        return str(exc.details[0]["field"])
    return ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (MAIN, ""),
        ({"repository_id": "74", "environment": "production"}, ""),
        ({**MAIN, "environment": "production"}, ""),
        ({"repository_id": "74", "ref": "refs/heads/release/*"}, ""),
        ({"repository_id": "74", "environment": "review/*"}, ""),
        ({}, "repository_id"),
        ({"ref": "refs/heads/main"}, "repository_id"),
        ({"repository_id": "74"}, "ref"),
        ({**MAIN, "project_id": "20"}, "repository_id"),
        ({**MAIN, "subject": "x"}, "repository_id"),
        ({"subject": "repo:octo-org/policies:ref:refs/heads/main"}, "repository_id"),
        ({"project_id": "20", "ref": "refs/heads/main"}, "repository_id"),
        ({"repository_id": "74", "ref": "main"}, "ref"),
        ({"repository_id": "74", "ref": "*"}, "ref"),
        ({"repository_id": "74", "ref": "refs/*/main"}, "ref"),
        ({"repository_id": "74", "ref": "refs/pull/*/merge"}, "ref"),
        ({"repository_id": "74", "ref": "refs/heads/**"}, "ref"),
        ({"repository_id": "74", "ref": "refs/heads/../main"}, "ref"),
        ({"repository_id": "74", "ref": "refs/heads/[a]"}, "ref"),
        ({"repository_id": "74", "ref": "refs/heads/mai?"}, "ref"),
        ({"repository_id": "74", "environment": "*"}, "environment"),
        ({"repository_id": "74", "environment": "a*/b"}, "environment"),
        ({**MAIN, "sight": {"ids": ["a"], "labels": {}}}, ""),
        ({**MAIN, "sight": {"ids": ["a"], "labels": {}}, "role": "metrics"}, "sight"),
    ],
)
def test_a_job_is_bound_to_a_place(fields: dict[str, Any], field: str) -> None:
    """Issuer and audience alone are every job of a forge."""
    assert problem(**fields) == field


@pytest.mark.parametrize(
    ("issuer", "fields", "field"),
    [
        ("https://gitlab.com", {"project_id": "20", "ref": "refs/heads/main"}, ""),
        ("https://gitlab.com", MAIN, "project_id"),
        ("https://gitlab.com", {"subject": "x"}, "project_id"),
        ("https://gitlab.example", {"project_id": "20", "environment": "x"}, ""),
        ("https://token.actions.octocorp.ghe.com", {"subject": "x"}, "repository_id"),
        (f"{GITHUB}/octocorp", {"subject": "x"}, "repository_id"),
        ("https://ghes.example/_services/token", {"subject": "x"}, "repository_id"),
        ("https://issuer.example", {"subject": "job"}, ""),
        ("https://issuer.example", {"subject": "job", "ref": "main"}, ""),
        ("https://issuer.example", {}, "repository_id"),
    ],
)
def test_a_forge_says_whose_a_job_is_by_an_id(
    issuer: str, fields: dict[str, Any], field: str
) -> None:
    """Names may get another owner; other issuers have a subject."""
    assert problem(issuer=issuer, **fields) == field


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "issuer.example", "http://issuer.example", "ftp://issuer.example", "https://",
        "https://Issuer.example", "https://a@issuer.example", "https://issuer.example?x",
        "https://issuer.example#x", "https://issuer.example//x", "https://issuer.example/../x",
        "https://issuer.example/.", "https://issuer.example:0", "https://issuer.example:",
        "https://issuer.exämple", "https://issuer.example\n", " https://issuer.example",
        "https://issuer.example/%2e", "HTTPS://issuer.example", "https://-a", "http://localhost",
        "http://10.0.0.1", "http://127.0.0.1.example", "http://127.0.0.2", "file:///etc/passwd",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["issuer", "audience"])
def test_a_url_that_cannot_be_used(name: str, url: str) -> None:
    """Even where http is allowed for this machine."""
    assert problem(**{name: url}, **MAIN, http=True) == name


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080/x"])
def test_http_is_for_this_machine_where_it_is_allowed(url: str) -> None:
    """As for links."""
    assert problem(issuer=url, **MAIN, http=True) == ""
    assert problem(issuer=url, **MAIN) == "issuer"


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example/",
        "https://issuer.example:8443/a/b",
        "https://[2001:db8::1]/x",
        GITHUB,
    ],
)
def test_urls_that_can(url: str) -> None:
    """With a port, a path, a slash at the end."""
    assert problem(issuer=url, **MAIN) == ""


def test_no_trust_makes_an_admin() -> None:
    """A job manages no tokens."""
    assert "admin" not in forms.ROLES
    assert len(forms.ROLES) >= 5
