"""Answers that show a token, and secrets that nobody can use."""

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from access import tokens
from access.management.commands import first_token
from gitrepos.webhooks import forges
from tests.support.api import created, error
from tests.support.gateways import machine
from tests.support.repo import policy

pytestmark = pytest.mark.django_db

_TOKEN = re.compile(rb"\bkt[a-z]?_[A-Za-z0-9_.-]{20,}")


def _post(client: APIClient, path: str, **body: Any) -> Any:
    answer = client.post(path, body, format="json")
    assert answer.status_code in (200, 201), answer.content
    return answer


def test_an_answer_that_shows_a_token_is_stored_by_no_cache(admin: APIClient) -> None:
    """Of every kind; and an answer that shows none says `private, no-cache`."""
    enrolment = _post(admin, "/v1/enrolment-tokens", name="fleet")
    enroller = APIClient()
    enroller.credentials(HTTP_AUTHORIZATION=f"Bearer {enrolment.json()['data']['token']}")
    answers = {
        "token": _post(admin, "/v1/tokens", name="ci"),
        "enrolment token": enrolment,
        "gateway": _post(admin, "/v1/gateways", id="edge"),
        "rotated": _post(admin, "/v1/gateways/edge/rotate-token"),
        "enrolled": _post(enroller, "/v1/gateways/enrol", id="other"),
    }

    for name, answer in answers.items():
        assert _TOKEN.search(answer.content), name
        assert answer["Cache-Control"] == "no-store", name


def test_no_other_answer_shows_a_token(admin: APIClient) -> None:
    """Not the lists of what was made, nor an answer to whom it belongs to."""
    edge = machine(created(admin.post("/v1/gateways", {"id": "edge"}, format="json")))
    _post(admin, "/v1/tokens", name="ci")
    _post(admin, "/v1/enrolment-tokens", name="fleet")
    _post(admin, "/v1/configurations", id="bot", content=policy())
    _post(
        admin, "/v1/git-repos", url="https://forge.example/o/r.git", suspended=True,
        access_token="kt_" + "s" * 40, webhook_secret="kt_" + "w" * 40,
    )  # fmt: skip
    paths = (
        "tokens", "enrolment-tokens", "gateways", "gateways/edge", "whoami", "git-repos",
        "configurations", "events", "git-credentials", "drift", "decisions", "gateway-bindings",
    )  # fmt: skip

    for path in paths:
        answer = admin.get(f"/v1/{path}")
        assert answer.status_code == 200, path
        assert not _TOKEN.search(answer.content), path
        assert answer["Cache-Control"] == "private, no-cache", path
    assert not _TOKEN.search(edge.report().content)


@pytest.mark.parametrize(
    ("rest", "usable"),
    [
        (base64.b64encode(b"k" * 16).decode(), True),
        (base64.b64encode(b"k" * 32).decode(), True),
        (base64.b64encode(b"k" * 64).decode(), True),
        (base64.b64encode(b"k" * 15).decode(), False),
        ("", False),
        ("=" * 16, False),
        ("A" * 33, False),
        ("not-base64-but-long-enough", False),
        (base64.urlsafe_b64encode(b"\xff" * 32).decode(), False),
        (base64.b64encode(b"k" * 32).decode() + "!", False),
    ],
)
def test_a_secret_that_can_verify_nothing_is_refused(
    admin: APIClient, rest: str, usable: bool
) -> None:
    """Behind `whsec_` stands base64; what does not is told so, and not stored."""
    secret = f"whsec_{rest}"
    body = {"url": "https://forge.example/o/r.git", "suspended": True, "webhook_secret": secret}

    answer = admin.post("/v1/git-repos", body, format="json")

    assert forges.is_usable(secret) == usable
    assert answer.status_code == (201 if usable else 400)
    if not usable:
        assert error(answer)["details"][0]["field"] == "webhook_secret"
        headers = {"webhook-timestamp": "1796000000", "webhook-signature": "v1,"}
        with pytest.raises(forges.UnverifiedError):
            forges.verify(headers, b"{}", secret=secret, now=1796000000)


@pytest.mark.parametrize(
    ("on_a_terminal", "asked"), [(True, {}), (False, {}), (False, {"show": True})]
)
def test_the_first_token_is_printed_on_a_terminal_alone(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
    on_a_terminal: bool,
    asked: dict[str, bool],
) -> None:
    """Or for whoever has one and says so. Anywhere else stands where it is: a log keeps it."""
    monkeypatch.setattr(first_token.sys.stdout, "isatty", lambda: on_a_terminal, raising=False)
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)

    line = first_token.Command().handle(**asked)

    text = (tmp_path / "admin-token").read_text().strip()
    assert tokens.find(text) is not None
    assert (tmp_path / "admin-token").stat().st_mode & 0o777 == 0o600
    assert str(tmp_path / "admin-token") in line
    assert (text in line) == (on_a_terminal or bool(asked))
