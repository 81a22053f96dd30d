"""Script in further fields that people, gateways and git can fill: no browser runs it."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from access import sessions
from access.models import KnownPerson, SignInRule, Token, Trust
from configurations.models import ChangeRequest, Configuration, Version
from events.models import AuditEntry, Event
from notifications.models import Endpoint, Notification
from tests.console.browser import Browser
from tests.support.repo import policy

EVIL = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
_RUNS = re.compile(r"<img src=x|<script>|=\"javascript:|\{\{")
_HOW = {"id": EVIL, EVIL: [EVIL, {EVIL: EVIL}], "gateways": [[EVIL, EVIL, None]],
        "fields": {EVIL: [EVIL, EVIL]}, "would_remove": [{"path": EVIL, "configuration": EVIL}],
        "weakens": [EVIL], "url": "javascript:alert(1)"}  # fmt: skip


@pytest.mark.untrue_rows
def test_whatever_is_stored_is_shown_as_text(browser: Browser, admin: APIClient) -> None:
    """In every column that has a text of somebody's, whether or not a writer lets it in."""
    body = {"id": "chat", "content": policy("One")}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    body = {"content": policy("Two")}
    assert admin.patch("/v1/configurations/chat", body, format="json").status_code == 200
    assert admin.post("/v1/configurations/chat/pin", {"reason": EVIL}, "json").status_code == 200
    now, maker = timezone.now(), Token.objects.first()
    Configuration.objects.update(name=EVIL, description=EVIL, labels={EVIL: EVIL})
    Version.objects.update(
        author=EVIL, message=EVIL, signer=EVIL, signer_key=EVIL, actor=EVIL, note=EVIL, path=EVIL,
        ref=EVIL, commit=EVIL, repo_url=EVIL,
    )  # fmt: skip
    number = ChangeRequest.objects.create(
        kind="gateway.edit", target="chat", upon="", reason=EVIL, created_at=now, asker_id=EVIL,
        asker_kind="token", asker_name=EVIL, shows={"digest": EVIL}, details=_HOW,
        decider_name=EVIL, decided_at=now, state="refused", change='{"content": "<script>"}',
    ).pk  # fmt: skip
    Event.objects.create(kind="failed", message=EVIL, details=_HOW, created_at=now)
    AuditEntry.objects.create(
        at=now, actor_kind="token", actor_id=EVIL, actor_name=EVIL, action="token.edited",
        target=EVIL, before=_HOW, after={EVIL: EVIL},
    )  # fmt: skip
    common = {
        "issuer": "javascript:alert(1)",
        "role": "viewer",
        "made_by": maker,
        "created_at": now,
    }
    SignInRule.objects.create(name=EVIL, claims={EVIL: [EVIL]}, position=1, **common)
    Trust.objects.create(name=EVIL, audience=EVIL, subject=EVIL, ref=EVIL, max_seconds=1, **common)
    endpoint = Endpoint.objects.create(
        name=EVIL, form="mail", place=EVIL, recipients=[EVIL], labels={EVIL: EVIL}, created_at=now
    )
    tried = {"at": "2026-01-31T12:00:00Z", "error": EVIL, "status": None, "answer": EVIL}
    Notification.objects.create(
        endpoint=endpoint, kind="failed", told={}, log=[tried], give_up_at=now, created_at=now
    )
    Token.objects.update(note=EVIL, hint="<script>")

    for path in (
        "/", "/configurations", "/configurations/chat", "/configurations/chat/policy",
        "/configurations/chat/compare", "/requests", f"/requests/{number}", "/events",
        "/notifications", "/audit", "/access", "/gateways",
    ):  # fmt: skip
        assert _RUNS.findall(browser.shows(path)) == [], path


def test_what_a_provider_says_is_shown_as_text(browser: Browser) -> None:
    """On each page, beside the way out."""
    person = KnownPerson.objects.create(
        issuer="https://i.example", subject=EVIL, says=EVIL, first_at=timezone.now(),
        last_at=timezone.now(),
    )  # fmt: skip
    value = sessions.begin_of(person, {}, rule="1")
    somebody = Browser(Client(HTTP_HOST="localhost"))
    somebody.client.cookies["keeptrusts"] = value

    answer = somebody.client.get("/", follow=True, headers={"Accept": "text/html"})
    page = answer.content.decode() + browser.shows("/audit")

    assert _RUNS.findall(page) == []
