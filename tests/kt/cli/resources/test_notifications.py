"""`kt notifications`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kt.cli.resources.notifications import sent
from tests.kt.cli.answering import Answers
from tests.kt.cli.resources.rows import ID

Run = Callable[..., Any]
SENT = "1a3a91c2-7c1d-4f0e-9a57-1f8a1c5d2e3b"
ROW = {"id": ID, "name": "on-call", "form": "webhook", "place": "hooks.example", "kinds": []}
PATH = "/v1/notification-endpoints"


@pytest.fixture
def known(answers: Answers) -> Answers:
    answers.says(PATH, [ROW])
    answers.says(f"{PATH}/{ID}", ROW)
    return answers


def test_an_endpoint_is_made_with_its_secret_in_a_file(
    kt: Run, answers: Answers, tmp_path: Path
) -> None:
    """The url comes from a file: what knows it may send there."""
    url, secret = tmp_path / "url", tmp_path / "whsec"
    url.write_text("https://hooks.example/s3cret\n")
    answers.says(f"POST {PATH}", {**ROW, "secret": "whsec_x"}, 201)

    made = kt("notifications", "add", "on-call", "--url-file", str(url), "--kind", "failed,held",
              "--label", "team=a", "--secret-file", str(secret))  # fmt: skip

    assert made == (
        0,
        f"0f3a91c2 (on-call) hears of it as webhook; its secret is in {secret}\n",
        "",
    )
    assert secret.read_text().strip() == "whsec_x"
    assert answers.written()[0].body == {
        "name": "on-call", "form": "webhook", "url": "https://hooks.example/s3cret",
        "kinds": ["failed", "held"], "labels": {"team": "a"},
    }  # fmt: skip


def test_a_webhook_wants_a_place_for_its_secret(kt: Run, answers: Answers) -> None:
    """Before anything is made; mail has none."""
    assert kt("notifications", "add", "on-call").code == 2
    answers.says(f"POST {PATH}", {**ROW, "form": "mail"}, 201)
    made = kt("notifications", "add", "on-call", "--form", "mail", "--to", "a@x.example")
    assert made == (0, "0f3a91c2 (on-call) hears of it as mail\n", "")


def test_endpoints_are_listed_shown_changed_and_removed(kt: Run, known: Answers) -> None:
    """By name."""
    known.says(f"PATCH {PATH}/{ID}", ROW)
    known.by_path[f"DELETE {PATH}/{ID}"] = 204, {}, b""
    assert "hooks.example" in kt("notifications", "list").out
    assert "hooks.example" in kt("notifications", "show", "on-call").out
    assert kt("notifications", "set", "on-call").code == 2
    done = kt("notifications", "set", "on-call", "--kind", "all", "--disable")
    assert done == (0, "changed 0f3a91c2 (on-call)\n", "")
    assert known.written()[-1].body == {"kinds": [], "enabled": False}
    assert kt("notifications", "remove", "on-call", "--yes").out == "removed 0f3a91c2 (on-call)\n"


@pytest.mark.parametrize(
    ("attempt", "status", "code", "told"),
    [
        ({"error": "", "status": 200, "answer": ""}, "delivered", 0, "delivered: taken 200\n"),
        ({"error": "timeout", "status": None, "answer": "no answer in 10 s"}, "gave_up", 1,
         "gave_up: timeout no answer in 10 s\n"),
    ],
)  # fmt: skip
def test_a_test_is_waited_for(
    attempt: Any, status: str, code: int, told: str, kt: Run, known: Answers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its end is told, and is the exit code."""
    monkeypatch.setattr(sent, "_LOOK_SECONDS", 0)
    known.says(f"POST {PATH}/{ID}/test", {"id": SENT, "status": "waiting"}, 202)
    known.says(f"/v1/notifications/{SENT}", {"id": SENT, "status": status, "log": [attempt]})
    assert kt("notifications", "test", "on-call") == (code, told, "")


def test_what_was_sent_is_listed_and_sent_again(kt: Run, known: Answers) -> None:
    """One by its id, or all that was given up."""
    row = {"id": SENT, "kind": "failed", "status": "gave_up", "attempts": 9, "log": []}
    known.says(f"/v1/notifications?status=gave_up&limit=20&endpoint={ID}", [row])
    known.says(f"POST /v1/notifications/{SENT}/replay", row)
    known.says(f"POST {PATH}/{ID}/replay", {"count": 3})
    assert SENT in kt("notifications", "log", "on-call", "--status", "gave_up").out
    again = kt("notifications", "replay", "on-call", "--id", SENT)
    assert again == (0, "1 is sent again\n", "")
    since = ("--since", "2026-01-31T12:00:00Z")
    assert kt("notifications", "replay", "on-call", *since) == (0, "3 are sent again\n", "")
    assert known.written()[-1].body == {"since": since[1]}


def test_a_secret_rotates_into_a_file(kt: Run, known: Answers, tmp_path: Path) -> None:
    """Which must be new."""
    known.says(f"POST {PATH}/{ID}/rotate-secret", {**ROW, "secret": "whsec_y"})
    file = tmp_path / "whsec"
    assert kt("notifications", "rotate-secret", "on-call", "--secret-file", str(file)).code == 0
    assert file.read_text().strip() == "whsec_y"
