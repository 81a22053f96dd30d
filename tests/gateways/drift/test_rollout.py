"""`GET /v1/configurations/{id}/rollout`: from the commit to the last gateway."""

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from gateways.models import State
from keeptrusts import metrics
from tests.gateways.conftest import Register
from tests.support.gateways import Machine
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, override, poll

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def rollout(admin: APIClient) -> dict[str, Any]:
    """The rollout of `bot`."""
    return dict(get(admin, "/v1/configurations/bot/rollout"))


def test_gateways_arrive_one_by_one(admin: APIClient, register: Register, bot: str) -> None:
    """First, half, all: a moment that has not come is null."""
    fleet = [register(f"g{number}", configuration=bot) for number in range(5)]
    override(admin, bot, policy("Bot 2"))
    seen = []
    for one in fleet:
        one.run()
        found = rollout(admin)
        seen.append([found[f"{name}_enforced_at"] is not None for name in ("first", "half", "all")])

    assert seen == [
        [True, False, False], [True, False, False], [True, True, False], [True, True, False],
        [True, True, True],
    ]  # fmt: skip
    assert (found["version"], found["gateways"], found["enforcing"]) == (2, 5, 5)
    steps = [found["seconds"][f"publish_to_{name}"] for name in ("first", "half", "all")]
    assert 0 < steps[0] < steps[1] < steps[2]


def test_a_commit_is_followed_from_its_time(
    admin: APIClient, repo: Repo, register: Register
) -> None:
    """When it was made, when a poll found it, when it was published."""
    repo.commit({"bot/policy-config.yaml": policy("bot")})
    link(admin, repo.url)
    poll()

    found = rollout(admin)

    assert found["commit"] == repo.git("rev-parse", "HEAD")
    made = datetime.fromisoformat(found["committed_at"])
    assert made == datetime.fromisoformat(repo.git("log", "-1", "--format=%cI"))
    assert found["seconds"]["commit_to_poll"] is not None
    assert found["seconds"]["poll_to_publish"] > 0
    assert found["seconds"]["publish_to_first"] is None


def test_a_gateway_that_comes_later_moves_no_moment(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """It enforces the version, and says nothing of how fast that reached the fleet."""
    override(admin, "bot", policy("Bot 2"))
    gateway.run()
    before = rollout(admin)

    register("later", configuration="bot").run()

    after = rollout(admin)
    assert (after["gateways"], after["enforcing"]) == (2, 2)
    assert after["all_enforced_at"] == before["all_enforced_at"] is not None


def test_a_content_that_returns_is_a_rollout_of_its_own(admin: APIClient, gateway: Machine) -> None:
    """What the gateway ran before does not count as having arrived."""
    gateway.run()
    override(admin, "bot", policy("Bot 2"))
    override(admin, "bot", policy("Bot"))
    assert rollout(admin)["first_enforced_at"] is None

    gateway.run()

    assert rollout(admin)["first_enforced_at"] is not None


def test_nobody_is_bound(admin: APIClient, bot: str) -> None:
    """There is nobody to arrive."""
    found = rollout(admin)

    assert (found["gateways"], found["first_enforced_at"], found["all_enforced_at"]) == (
        0, None, None,
    )  # fmt: skip


def test_an_unknown_configuration_is_not_found(admin: APIClient) -> None:
    """404."""
    assert admin.get("/v1/configurations/none-such/rollout").status_code == 404


def test_rollouts_are_measured(admin: APIClient, repo: Repo, register: Register) -> None:
    """Each gateway counts once for its way, the commit once for all of them."""
    repo.commit({"bot/policy-config.yaml": policy("bot")})
    link(admin, repo.url)
    poll()
    fleet = [register(f"g{number}", configuration="bot") for number in range(2)]
    repo.commit({"bot/policy-config.yaml": policy("bot") + "# changed\n"})
    poll()
    for one in fleet:
        one.run()
        one.run(health="degraded")

    page = metrics.render().decode()

    assert State.objects.count() == 2
    for name, count in (("publish_to_enforce", 2), ("commit_to_poll", 1), ("poll_to_publish", 1)):
        assert f"keeptrusts_rollout_{name}_seconds_count {count}.0" in page
