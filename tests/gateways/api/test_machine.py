"""`GET /v1/gateways/{id}/configuration`: exact bytes, a signed statement, a cheap 304."""

import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from gateways.registry import reissues
from keeptrusts.models import Counter
from tests.gateways.conftest import Register
from tests.support.api import error
from tests.support.gateways import Machine
from tests.support.repo import policy
from tests.support.syncing import get, make, override

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def edit(admin: APIClient, content: str) -> None:
    """The next version of `bot`."""
    override(admin, "bot", content)


def test_the_statement_says_what_the_bytes_are(gateway: Machine) -> None:
    """Signed by a key that the token pins; every name of it is there."""
    said = gateway.statement()

    seq = said.pop("publish_seq")
    assert isinstance(seq, int)
    assert said == {
        "commit": "",
        "configuration": "bot",
        "content_hash": hashlib.sha256(policy("Bot").encode()).hexdigest(),
        "gateway": gateway.id,
        "version": 1,
    }


def test_the_bytes_are_exact(gateway: Machine) -> None:
    """As they were sent."""
    answer = gateway.pull()

    assert answer.content == policy("Bot").encode()
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Keeptrusts-Events"] == "http://127.0.0.1:8080"


def test_a_change_is_the_next_statement(admin: APIClient, gateway: Machine) -> None:
    """A higher version and a higher sequence."""
    before = gateway.statement()

    edit(admin, policy("Bot 2"))

    after = gateway.statement()
    assert (before["version"], after["version"]) == (1, 2)
    assert after["publish_seq"] > before["publish_seq"]


def test_a_change_elsewhere_is_no_news(admin: APIClient, gateway: Machine) -> None:
    """Another configuration, another gateway, a name."""
    etag = gateway.pull()["ETag"]

    make(admin, "other", policy("Other"))
    admin.patch("/v1/configurations/bot", {"description": "x"}, format="json")
    admin.patch(gateway.path, {"name": "x"}, format="json")

    assert gateway.pull(If_None_Match=etag).status_code == 304


def test_nothing_new_costs_one_query(gateway: Machine) -> None:
    """Authentication included."""
    etag = gateway.pull()["ETag"]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = gateway.pull(If_None_Match=etag)

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    assert len(queries) == 1


def test_another_etag_brings_the_bytes(gateway: Machine) -> None:
    """The ETag of one statement only."""
    assert gateway.pull(If_None_Match='"' + "0" * 64 + '"').status_code == 200


def test_an_old_content_that_returns_is_newer(admin: APIClient, gateway: Machine) -> None:
    """A rollback is told like any change."""
    first = gateway.statement()
    edit(admin, policy("Bot 2"))
    second = gateway.statement()
    edit(admin, policy("Bot"))
    third = gateway.statement()

    assert third["content_hash"] == first["content_hash"]
    assert first["publish_seq"] < second["publish_seq"] < third["publish_seq"]


def test_another_binding_is_newer(admin: APIClient, gateway: Machine) -> None:
    """Also one to a configuration that was published long before."""
    make(admin, "other", policy("Other"))
    edit(admin, policy("Bot 2"))
    before = gateway.statement()

    admin.patch(gateway.path, {"configuration": "other"}, format="json")

    after = gateway.statement()
    assert after["configuration"] == "other"
    assert after["publish_seq"] > before["publish_seq"]


def test_a_clock_that_was_set_back_hides_no_change(admin: APIClient, gateway: Machine) -> None:
    """The sequence grows from the last one, whatever the time is."""
    Counter.objects.update(value=1 << 60)
    admin.patch(gateway.path, {"configuration": None}, format="json")
    admin.patch(gateway.path, {"configuration": "bot"}, format="json")
    before = gateway.statement()["publish_seq"]
    assert before > 1 << 60

    edit(admin, policy("Bot 2"))

    assert gateway.statement()["publish_seq"] > before


def test_a_gateway_that_is_ahead_is_told_anew(gateway: Machine) -> None:
    """Its database was restored from a backup: what it says is newer than what was said."""
    seq = gateway.statement()["publish_seq"]

    assert reissues.reissue(gateway.id, above=seq + 1000)

    assert gateway.statement()["publish_seq"] > seq + 1000


def test_a_sequence_from_the_future_is_not_followed(gateway: Machine) -> None:
    """A gateway cannot drive its numbers to where no clock reaches them."""
    before = gateway.statement()

    assert not reissues.reissue(gateway.id, above=1 << 61)

    assert gateway.statement() == before


def test_nothing_is_bound(register: Register) -> None:
    """404 with a code of its own."""
    answer = register("loose").pull()

    assert (answer.status_code, error(answer)["code"]) == (404, "not_bound")


def test_an_archived_configuration_stays_in_force(admin: APIClient, gateway: Machine) -> None:
    """A gateway is never left without what it enforces, and the list does not hide it."""
    admin.delete("/v1/configurations/bot")

    assert gateway.statement()["configuration"] == "bot"
    assert [row["id"] for row in get(admin, "/v1/configurations")] == ["bot"]
    assert get(admin, "/v1/configurations?status=active") == []


def test_an_archived_configuration_that_nobody_runs_is_hidden(
    admin: APIClient, gateway: Machine
) -> None:
    """As soon as its last gateway is gone."""
    admin.delete("/v1/configurations/bot")
    assert get(admin, "/v1/configurations")

    admin.delete(gateway.path)

    assert get(admin, "/v1/configurations") == []


def test_a_gateway_sees_itself_alone(register: Register, gateway: Machine) -> None:
    """Another gateway's token is refused, for a gateway that does not exist too."""
    other = register("other", configuration="bot")

    for path in (gateway.path, "/v1/gateways/none-such"):
        answer = other.client.get(f"{path}/configuration")
        assert (answer.status_code, error(answer)["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ktg_x.y", "Basic a2V5"])
def test_who_has_no_token_is_refused(client: APIClient, gateway: Machine, token: str) -> None:
    """401, with the scheme that is wanted."""
    answer = client.get(f"{gateway.path}/configuration", headers={"Authorization": token})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_each_kind_of_token_is_told_where_it_opens_nothing(
    admin: APIClient, gateway: Machine
) -> None:
    """Who takes one for the other reads which is wanted."""
    for answer, wanted in (
        (admin.get(f"{gateway.path}/configuration"), "the gateway's own, which begins with ktg_"),
        (gateway.client.get("/v1/gateways"), "one of /v1/tokens, not a gateway's"),
    ):
        assert (answer.status_code, wanted in error(answer)["message"]) == (401, True)


def test_a_change_costs_a_query_for_each_kind_of_row(register: Register, gateway: Machine) -> None:
    """And one that counts again; whatever the size of the fleet, only what changed is read."""
    gateway.pull()
    for number in range(20):
        register(f"g{number}", configuration="bot")

    with CaptureQueriesContext(connection) as queries:
        gateway.pull()

    assert len(queries) == 4
