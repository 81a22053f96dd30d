"""Progress of syncs, as workers tell it."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from keeptrusts.messaging import progress, publishing
from keeptrusts.redis_client import client
from tests.support.repo import Repo, policy
from tests.support.syncing import link, poll

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sync_tells_how_far_it_is(admin: APIClient, make_repo: Callable[[], Repo]) -> None:
    """From its beginning to its end."""
    repo = make_repo()
    repo.commit({"policies/a/policy-config.yaml": policy("A")})
    heard = client().pubsub(ignore_subscribe_messages=True)
    heard.subscribe(progress.CHANNEL)
    heard.get_message(timeout=1)
    made = link(admin, repo.url)
    poll()
    assert _stages(heard, made["id"]) == ["began", "fetched", "planned", "ended"]


def _stages(heard: Any, link_id: str) -> list[str]:
    """Those of one link: processes of other tests share the broker."""
    found: list[str] = []
    while found[-1:] != ["ended"] and (message := heard.get_message(timeout=1)):
        told = progress.read(message["data"])
        assert told is not None
        if told["git_repo"] == link_id:
            found.append(told["stage"])
    return found


def test_nobody_waits_again_for_a_silent_broker(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Each try would take until its time limit."""
    monkeypatch.setattr(publishing, "_resting_until", 0.0)
    settings.REDIS_URL = "redis://127.0.0.1:1"
    progress.tell({"stage": "began"})
    rests = publishing._resting_until
    progress.tell({"stage": "ended"})
    assert rests == publishing._resting_until > 0
