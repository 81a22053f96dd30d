"""Requests decided at the same moment: one wins, and never with what was not shown."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from configurations.models import ChangeRequest, Configuration
from events.models import AuditEntry
from tests.support.api import created, like, together
from tests.support.eyes import ask, decide, person, strong, weak
from tests.support.stack import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

ROUNDS = 8


def make(by: APIClient, name: str) -> None:
    body = {"id": name, "content": strong(name), "four_eyes": True}
    created(by.post("/v1/configurations", body, format="json"))


def test_of_two_confirmations_one_wins(ada: APIClient, bob: APIClient) -> None:
    """The version is made once, and told once."""
    cy = person("cy")
    for number in range(ROUNDS):
        name = f"bot-{number}"
        make(ada, name)
        asked = ask(ada, "configuration.edit", name, {"content": weak(name)})
        clients = [bob, cy, like(bob), like(cy)]

        answers = together(4, lambda at, asked=asked: decide(clients[at], asked))  # noqa: B023

        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert Configuration.objects.get(pk=name).version == 2
        done = AuditEntry.objects.filter(action="request.confirmed", target=name)
        assert done.count() == 1


def test_a_confirmation_and_a_refusal_exclude_each_other(ada: APIClient, bob: APIClient) -> None:
    """What was refused is not done, what was done is not refused."""
    cy = person("cy")
    for number in range(ROUNDS):
        name = f"bot-{number}"
        make(ada, name)
        asked = ask(ada, "configuration.edit", name, {"content": weak(name)})

        def work(at: int, asked: dict[str, Any] = asked) -> Any:
            return decide(cy, asked, "refuse", reason="no") if at else decide(bob, asked)

        done = [answer.status_code == 200 for answer in together(2, work)]

        assert sorted(done) == [False, True]
        state = ChangeRequest.objects.get(pk=asked["id"]).state
        version = Configuration.objects.get(pk=name).version
        assert (state, version) == (("confirmed", 2) if done[0] else ("refused", 1))


def test_a_confirmation_while_an_edit_lands(ada: APIClient, bob: APIClient) -> None:
    """Either it was first and the edit follows, or it is void."""
    for number in range(ROUNDS):
        name = f"bot-{number}"
        make(ada, name)
        asked = ask(ada, "configuration.edit", name, {"content": weak(name), "name": "asked"})

        def work(at: int, name: str = name, asked: dict[str, Any] = asked) -> Any:
            if at:
                return ada.patch(f"/v1/configurations/{name}", {"name": "edited"}, format="json")
            return decide(bob, asked)

        confirmation, edit = together(2, work)

        assert edit.status_code == 200
        row = Configuration.objects.get(pk=name)
        assert row.name == "edited"
        state = ChangeRequest.objects.get(pk=asked["id"]).state
        if confirmation.status_code == 200:
            assert (row.version, state) == (2, "confirmed")
        else:
            assert confirmation.json()["error"]["code"] == "request_void"
            assert (row.version, state) == (1, "void")


def test_two_requests_upon_one_state_are_not_both_confirmed(ada: APIClient, bob: APIClient) -> None:
    """The second was shown what the first has changed."""
    for number in range(ROUNDS):
        name = f"bot-{number}"
        make(ada, name)
        contents = [weak(name), weak(name) + "# another\n"]
        asked = [ask(ada, "configuration.edit", name, {"content": one}) for one in contents]
        clients = [bob, like(bob)]

        answers = together(2, lambda at, asked=asked: decide(clients[at], asked[at]))  # noqa: B023

        won = [answer.status_code == 200 for answer in answers]
        assert sorted(won) == [False, True]
        row = Configuration.objects.get(pk=name)
        shown = asked[won.index(True)]["shows"]["content_hash"]
        assert (row.version, row.content_hash) == (2, shown)


_KILLED = """
import os, signal, sys
import django
django.setup()
from access.bearers import Bearer
from configurations import changes
from configurations.requests import kinds, writer
from events import audit
kinds.register(changes.KINDS)
at, number, identity, content_hash = sys.argv[1:]
record = audit.record
def dying(action, *args, **given):
    record(action, *args, **given)
    if action == at:
        os.kill(os.getpid(), signal.SIGKILL)
audit.record = dying
bob = Bearer("token", identity, "bob", "editor")
writer.confirm(int(number), {"content_hash": content_hash}, by=bob)()
"""


@pytest.mark.parametrize("at", ["configuration.edited", "request.confirmed", "never"])
def test_killed_between_the_two_neither_is_done(ada: APIClient, bob: APIClient, at: str) -> None:
    """The change and its confirmation are one transaction."""
    make(ada, "bot")
    asked = ask(ada, "configuration.edit", "bot", {"content": weak()})
    settings = connection.settings_dict
    url = (
        f"sqlite:///{settings['NAME']}"
        if connection.vendor == "sqlite"
        else os.environ["DATABASE_URL"].replace("/postgres?", f"/{settings['NAME']}?")
    )
    identity = str(bob.token.pk)  # type: ignore[attr-defined]

    done = subprocess.run(
        [sys.executable, "-c", _KILLED, at, str(asked["id"]), identity,
         asked["shows"]["content_hash"]],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "keeptrusts.settings"},
        capture_output=True,
        timeout=120,
    )  # fmt: skip

    assert done.returncode == (0 if at == "never" else -signal.SIGKILL), done.stderr.decode()
    states = ChangeRequest.objects.get().state, Configuration.objects.get().version
    assert states == (("confirmed", 2) if at == "never" else ("waiting", 1))
    if at != "never":
        assert decide(bob, asked).status_code == 200
        assert Configuration.objects.get().version == 2
