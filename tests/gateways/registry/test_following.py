"""Gateways and a configuration that is renamed in git: who follows, who waits for a person."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from events.models import Event
from gateways.models import EnrolmentToken
from tests.gateways.conftest import Register
from tests.support.api import created
from tests.support.gateways import Machine
from tests.support.repo import Repo, policy
from tests.support.syncing import content, get, link, override, pin, poll, run_due

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

OLD, NEW, OTHER = (f"policies/{name}/policy-config.yaml" for name in ("a", "a2", "b"))
WEAK = policy("A")
STRONG = WEAK.replace("    - safety-filter\n", "    - safety-filter\n    - prompt-injection\n")


@pytest.fixture
def fleet(admin: APIClient, repo: Repo, register: Register, bind: Callable[..., str]) -> Machine:
    """A gateway that is bound to `a` by its name, one by its labels, and a token for more."""
    repo.commit({OLD: WEAK, OTHER: policy("B")})
    link(admin, repo.url, prune=True)
    run_due()
    register("labelled", labels={"site": "one"})
    bind("a", site="one")
    body = {"name": "more", "configuration": "a", "labels": {}}
    created(admin.post("/v1/enrolment-tokens", body, format="json"))
    return register("named", configuration="a")


def row(admin: APIClient, gateway: str = "named") -> dict[str, Any]:
    """A gateway's drift."""
    [found] = get(admin, f"/v1/drift?gateway={gateway}")
    return dict(found)


def bindings(admin: APIClient) -> set[str | None]:
    """The configurations that anything is bound to."""
    gateways = get(admin, "/v1/gateways")
    found = {one["bound"] for one in gateways} | {gateways[-1]["configuration"]}
    found |= {one["configuration"] for one in get(admin, "/v1/gateway-bindings")}
    return found | set(EnrolmentToken.objects.values_list("configuration_id", flat=True))


def test_what_is_bound_follows_a_rename_of_the_same_bytes(
    admin: APIClient, repo: Repo, fleet: Machine
) -> None:
    """By name, labels and token; an event tells it, and a later change reaches the gateway."""
    before = fleet.run()
    repo.commit({OLD: None, NEW: WEAK})
    poll()

    after = fleet.run()

    assert bindings(admin) == {"a2"}
    assert (after["configuration"], after["content_hash"]) == ("a2", before["content_hash"])
    assert after["publish_seq"] > before["publish_seq"]
    assert row(admin)["state"] == "in_sync"
    event = Event.objects.get(kind="rebound")
    assert (event.configuration, event.details) == (
        "a2",
        {
            "renamed_from": "a", "gateways": ["labelled", "named"], "gateway_count": 2,
            "binding_count": 2,
        },
    )  # fmt: skip

    repo.commit({NEW: STRONG})
    poll()
    fleet.run()

    assert row(admin)["running_version"] == 2


def test_a_rename_with_an_edit_waits_for_a_person(
    admin: APIClient, repo: Repo, fleet: Machine
) -> None:
    """The gateway is orphaned, and told what the change would do; a person binds it."""
    fleet.run()
    repo.commit({OLD: None, NEW: STRONG})
    poll()
    lost = row(admin)

    admin.patch(fleet.path, {"configuration": "a2"}, format="json")
    fleet.run()

    assert lost["state"] == "orphaned"
    assert lost["successor"]["configuration"] == "a2"
    assert [change["effect"] for change in lost["successor"]["changes"]] == ["stronger"]
    assert "1 stronger" in lost["why"]
    assert row(admin)["state"] == "in_sync"
    assert not Event.objects.filter(kind="rebound").exists()


def _pinned(admin: APIClient) -> None:
    pin(admin, "a")


def _overridden(admin: APIClient) -> None:
    override(admin, "a", STRONG)


@pytest.mark.parametrize("stand", [_pinned, _overridden])
def test_what_stands_against_git_does_not_follow(
    admin: APIClient, repo: Repo, fleet: Machine, stand: Callable[[APIClient], None]
) -> None:
    """The gateways would silently get other content than somebody put in force."""
    stand(admin)
    fleet.run()
    repo.commit({OLD: None, NEW: WEAK})

    poll()

    assert bindings(admin) == {"a"}
    assert (row(admin)["state"], row(admin)["successor"]["configuration"]) == ("orphaned", "a2")


def test_a_rename_back_is_followed_back(admin: APIClient, repo: Repo, fleet: Machine) -> None:
    """To the id in the archive, which is in force again."""
    for lost, found in ((OLD, NEW), (NEW, OLD)):
        repo.commit({lost: None, found: WEAK})
        poll()

    assert bindings(admin) == {"a"}
    assert get(admin, "/v1/configurations/a")["status"] == "active"
    assert content(admin, "a") == WEAK.encode()
    assert Event.objects.filter(kind="rebound").count() == 2


def test_a_selector_that_is_there_already_is_not_doubled(
    admin: APIClient, repo: Repo, fleet: Machine, bind: Callable[..., str]
) -> None:
    """Both would bind the same gateways to the same configuration."""
    repo.commit({OLD: None, NEW: WEAK})
    poll()
    bind("a", site="one")
    repo.commit({OLD: WEAK, NEW: None})

    poll()

    assert [one["selector"] for one in get(admin, "/v1/gateway-bindings")] == [{"site": "one"}]
    assert row(admin, "labelled")["configuration"] == "a"


def test_gateways_whose_selectors_disagree_follow_what_they_enforce(
    admin: APIClient, repo: Repo, fleet: Machine, bind: Callable[..., str]
) -> None:
    """What it was before the disagreement stays, under its new id."""
    bind("b", site="one")
    repo.commit({OLD: None, NEW: WEAK})

    poll()

    found = get(admin, "/v1/gateways/labelled")
    assert (found["bound"], found["ambiguous"]) == ("a2", True)
