"""Keyed requests at the same moment, and in a process that is killed: each is made once."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import Token
from events.models import AuditEntry
from keeptrusts.api.errors import AlreadyDoneError, RefusedError
from keeptrusts.api.writes import kept
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY
from keeptrusts.models import KeptAnswer
from tests.support.api import like, together
from tests.support.stack import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

ROUNDS = 5


def post(client: APIClient, path: str, body: Any, key: str = "one") -> Any:
    return client.post(path, body, format="json", headers={IDEMPOTENCY_KEY: key})


def test_of_many_at_once_one_is_made(admin: APIClient) -> None:
    """The others hear what it was answered, or that it is under way, and when to ask again."""
    clients = [like(admin) for _ in range(6)]
    for number in range(ROUNDS):
        body, key = {"name": f"t{number}"}, f"key-{number}"

        answers = together(6, lambda at: post(clients[at], "/v1/enrolment-tokens", body, key))  # noqa: B023

        found = sorted(answer.status_code for answer in answers)
        assert found == [201, 409, 409, 409, 409, 409]
        for answer in answers:
            if answer.status_code == 409:
                code = answer.json()["error"]["code"]
                assert code in ("already_done", "idempotency_key_in_use")
                assert (code == "already_done") == ("Location" in answer)
                assert (code == "already_done") != ("Retry-After" in answer)
    assert AuditEntry.objects.filter(action="enrolment_token.created").count() == ROUNDS


def test_one_that_is_under_way_is_waited_for_by_the_caller(admin: APIClient) -> None:
    """409 with `Retry-After`; on SQLite the second waits by itself."""
    if connection.vendor != "postgresql":
        pytest.skip("transactions that write follow one another")
    assert post(admin, "/v1/tokens", {"name": "t"}).status_code == 201
    row = KeptAnswer.objects.get()
    KeptAnswer.objects.all().delete()
    claimed, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            assert kept.claim(kept.Place(row.pk, b"", "")) is None
            claimed.set()
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    claimed.wait(60)
    try:
        refused = post(admin, "/v1/tokens", {"name": "t"})
        other = post(admin, "/v1/tokens", {"name": "t"}, "another")
    finally:
        done.set()
        thread.join(60)

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert refused["Retry-After"] == "1"
    assert other.status_code == 201
    assert post(admin, "/v1/tokens", {"name": "t"}).status_code == 201


def test_an_answer_that_ends_while_it_is_claimed_makes_room(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is found; else the answer to what is then made anew could not be kept."""
    assert post(admin, "/v1/tokens", {"name": "t"}).status_code == 201
    row = KeptAnswer.objects.get()
    moments = iter([row.created_at + kept._LIFE - timedelta(microseconds=1)])
    monkeypatch.setattr(timezone, "now", lambda: next(moments, row.created_at + kept._LIFE))

    with transaction.atomic(), suppress(AlreadyDoneError, RefusedError):
        kept.claim(kept.Place(row.pk, b"", ""))
        assert not KeptAnswer.objects.exists()


def test_a_new_first_secret_key_knows_the_bodies_of_the_one_before(
    admin: APIClient, settings: Any
) -> None:
    """A rotation of secrets makes no repeat another request."""
    assert post(admin, "/v1/tokens", {"name": "t"}).status_code == 201
    keys = ("a-new-key-of-sixteen-or-more-characters", *settings.ENV.secret_keys)
    settings.ENV = replace(settings.ENV, secret_keys=keys)

    assert post(admin, "/v1/tokens", {"name": "t"}).json()["error"]["code"] == "already_done"
    assert post(admin, "/v1/tokens", {"name": "u"}).status_code == 422
    assert Token.objects.filter(name__in="tu").count() == 1


_KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from rest_framework.test import APIClient
from keeptrusts.api.writes import kept
at, authorization, path = sys.argv[1:]
keep = kept.keep
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def dying(*args, **given):
    if at == "before it is kept":
        die()
    keep(*args, **given)
    if at == "before the commit":
        die()
    transaction.on_commit(die)
kept.keep = dying
client = APIClient()
client.credentials(HTTP_AUTHORIZATION=authorization)
client.post(path, {"name": "t"}, format="json", headers={"Idempotency-Key": "one"})
"""


@pytest.mark.parametrize("at", ["before it is kept", "before the commit", "after the commit"])
def test_killed_at_any_step_it_is_made_once(admin: APIClient, at: str) -> None:
    """The caller, who heard nothing, sends it again: it is made then, or was."""
    path = "/v1/enrolment-tokens"
    settings = connection.settings_dict
    url = (
        f"sqlite:///{settings['NAME']}"
        if connection.vendor == "sqlite"
        else os.environ["DATABASE_URL"].replace("/postgres?", f"/{settings['NAME']}?")
    )

    done = subprocess.run(
        [sys.executable, "-c", _KILLED, at, admin._credentials["HTTP_AUTHORIZATION"], path],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "keeptrusts.settings"},
        capture_output=True,
        timeout=120,
    )
    again = post(admin, path, {"name": "t"})

    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    was_made = at == "after the commit"
    assert again.status_code == (409 if was_made else 201), again.content
    [row] = [one for one in admin.get(path).json()["data"] if one["name"] == "t"]
    if was_made:
        assert again.json()["error"]["details"] == [{"id": row["id"]}]
    entries = AuditEntry.objects.filter(target=row["id"])
    assert entries.count() == 1
