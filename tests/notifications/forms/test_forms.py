"""Forms of notifications: what strangers wrote steers nothing in any of them."""

import email
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from notifications.forms import mail, slack, teams, webhook
from notifications.forms.told import Told, lines, plain

TOLD = Told(
    kind="quarantined", at="2026-01-31T12:00:00.000000Z", event=7, git_repo="l",
    configuration="bot", message="policies/bot/policy-config.yaml may not be enforced.",
    details={"path": "policies/bot/policy-config.yaml"},
    repository="https://forge.example/policies.git policies",
    page="https://keeptrusts.example/configurations/bot",
)  # fmt: skip
HOSTILE = [
    "<!channel> <https://evil.example|sign in>", "@here & <@U1>", "[sign in](https://evil.example)",
    "line\r\nBcc: all@example.com\r\n\r\nbody", "\x1b[2J\u202eevil\u2028", "\ud800", "*_~`#>|" * 50,
    "x" * 100_000, "{{7*7}} ${x} %s", "",
    "=?utf-8?q?=0D=0ABcc:_all=40example.com=0D=0A=0D=0Abody?=", "==?utf-8?b?DQpCY2M6IGE=?=",
]  # fmt: skip
WHEN = datetime(2026, 1, 31, tzinfo=UTC)


def hostile(text: str) -> Told:
    return replace(TOLD, message=text, repository=text, details={"path": text, "actor": text})


def mailed(told: Told) -> bytes:
    made = mail.message(
        told, "id-1", sender="kt@keeptrusts.example", recipients=["a@x.example"], sent_at=WHEN
    )
    return made.as_bytes()


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    return [text for one in value for text in strings(one)] if isinstance(value, list) else []


@pytest.mark.parametrize("text", HOSTILE)
def test_slack_reads_no_marks(text: str) -> None:
    """Blocks are plain text; the one text that is not is escaped."""
    made = json.loads(slack.body(hostile(text)))
    assert {block["text"]["type"] for block in made["blocks"]} == {"plain_text"}
    assert "<" not in made["text"]
    assert ">" not in made["text"]
    for block in made["blocks"]:
        assert 0 < len(block["text"]["text"]) <= (150 if block["type"] == "header" else 3000)


@pytest.mark.parametrize("text", HOSTILE)
def test_teams_reads_no_marks(text: str) -> None:
    """All texts are runs, in which no Markdown is read; the whole is under the limit of 28 KB."""
    body = teams.body(hostile(text))
    card = json.loads(body)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert len(body) < 28_000


@pytest.mark.parametrize("text", HOSTILE)
def test_a_mail_has_the_headers_that_it_has(text: str) -> None:
    """No text makes one more."""
    made, usual = (email.message_from_bytes(mailed(told)) for told in (hostile(text), TOLD))
    assert made.keys() == usual.keys()
    assert made["To"] == "a@x.example"
    assert not made.is_multipart()
    assert len(made["Subject"]) < 1000
    assert max(map(len, mailed(hostile(text)).split(b"\r\n"))) <= 998


def test_no_encoded_word_hides_in_a_subject() -> None:
    """It would be decoded, here or by who reads it, into what was made printable before."""
    hidden = "=?utf-8?q?=E2=80=AEgpj.exe?= =?utf-8?q?=0D=0AX-Evil:_1?="
    made = email.message_from_bytes(mailed(hostile(hidden)), policy=email.policy.default)
    assert "= ?utf-8?q?=E2=80=AEgpj.exe?=" in made["Subject"]
    assert "\u202e" not in made["Subject"]
    assert "X-Evil" not in made


@given(st.text())
def test_what_is_shown_is_one_bounded_printable_line(text: str) -> None:
    """Whatever it was."""
    made = plain(text, 100)
    assert len(made) <= 100
    assert not set(made) & {"\n", "\r", "\x1b", "\u202e", "\u2028", "\x00"}
    made.encode()


def test_people_read_what_happened_where() -> None:
    """In each form the same lines."""
    assert lines(TOLD) == [
        "policies/bot/policy-config.yaml may not be enforced.",
        "Repository: https://forge.example/policies.git policies",
        "Configuration: bot",
        "Path: policies/bot/policy-config.yaml",
        "At: 2026-01-31T12:00:00.000000Z",
        "https://keeptrusts.example/configurations/bot",
    ]
    for one in lines(TOLD):
        assert any(one in text for text in strings(json.loads(slack.body(TOLD))))
        assert any(one == text for text in strings(json.loads(teams.body(TOLD))))
    text = email.message_from_bytes(mailed(TOLD), policy=email.policy.default)
    assert text.get_content().splitlines() == lines(TOLD)
    assert text["Message-ID"] == "<id-1@keeptrusts.example>"


def test_large_details_are_left_out() -> None:
    """And that is said, so that nobody takes them for empty."""
    small = json.loads(webhook.body(TOLD))["data"]
    large = json.loads(webhook.body(replace(TOLD, details={"x": "y" * 20_000})))["data"]
    assert (small["details"], small["details_left_out"]) == (TOLD.details, False)
    assert (large["details"], large["details_left_out"]) == ({}, True)
    assert webhook.body(TOLD) == webhook.body(TOLD)


def test_both_secrets_sign() -> None:
    """Receivers verify with either, and with no other."""
    old, new, other = (webhook.new_secret() for _ in range(3))
    body, now = webhook.body(TOLD), int(datetime.now(UTC).timestamp())
    headers = dict(webhook.headers("id-1", now, body, [new, old]))
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers)["type"] == "quarantined"
    for secret, sent in ((other, body), (old, body + b" ")):
        with pytest.raises(Exception, match="signature"):
            Webhook(secret).verify(sent, headers)
