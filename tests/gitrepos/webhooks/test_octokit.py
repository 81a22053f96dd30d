"""The published example payloads of GitHub, sent through the receiver."""

import json
from collections import Counter
from typing import Any

import pytest
from rest_framework.test import APIClient

from gitrepos.models import Link
from tests.support import hooks, npm
from tests.support.hooks import SECRET
from tests.support.syncing import link

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]

PACKAGE = "@octokit/webhooks-examples@7.6.1"
INTEGRITY = (
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1Wb"
    "fHlso6MynQ=="
)

Example = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Event and payload, each once: of github.com and of five versions of GitHub Enterprise."""
    package = npm.unpacked(PACKAGE, INTEGRITY, tmp_path_factory.mktemp("npm"))
    found: dict[str, Example] = {}
    for index in sorted(package.glob("*/index.json")):
        for event in json.loads(index.read_bytes()):
            for payload in event["examples"]:
                found[json.dumps([event["name"], payload])] = (event["name"], payload)
    return list(found.values())


def moves(event: str, payload: dict[str, Any]) -> bool:
    """Whether an example tells of a branch."""
    return event == "push" and payload["ref"].startswith("refs/heads/")


def test_each_is_taken_for_what_it_is(
    client: APIClient, admin: APIClient, examples: list[Example]
) -> None:
    """A push of the branch is accepted; whatever else it is, 202 and ignored."""
    row = link(admin, "https://github.com/Codertocat/Hello-World.git", webhook_secret=SECRET)
    answers: Counter[tuple[int, bool, str | None]] = Counter()
    for event, payload in examples:
        body = json.dumps(payload, indent=1).encode()
        answer = hooks.post(client, row, body, hooks.github(body, event=event))
        data = answer.json()["data"]
        assert data["accepted"] is moves(event, payload), (event, answer.content)
        answers[answer.status_code, data["accepted"], data["reason"]] += 1

    pushes = [payload for event, payload in examples if moves(event, payload)]
    tags = sum(
        event == "push" and payload["ref"].startswith("refs/tags/") for event, payload in examples
    )
    print(f"{len(examples)} examples of {len({event for event, _ in examples})} events: {answers}")
    assert len(examples) > 300
    assert len({event for event, _ in examples}) > 50
    assert answers == {
        (202, True, None): len(pushes),
        (202, False, "other_branch"): tags,
        (202, False, "no_push"): len(examples) - len(pushes) - tags,
    }
    assert Link.objects.get().expected_commit == pushes[-1]["after"]


def test_each_is_refused_with_another_secret(
    client: APIClient, admin: APIClient, examples: list[Example]
) -> None:
    """None of them asks for anything."""
    row = link(admin, "https://github.com/Codertocat/Hello-World.git", webhook_secret=SECRET)
    for event, payload in examples:
        body = json.dumps(payload).encode()
        headers = hooks.github(body, event=event, secret="another-secret-of-16")
        assert hooks.post(client, row, body, headers).status_code == 401

    assert Link.objects.get().requested_seq == 0
