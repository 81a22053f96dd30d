"""Contents that take too much to be checked, and requests that wait for a judge."""

from functools import partial

import pytest
from rest_framework.test import APIClient

from access.models import Token
from configurations import views
from configurations.models import Configuration
from keeptrusts.judge import asking
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.errors import JudgeFailedError
from keeptrusts.judge.turns import Turns
from tests.configurations.conftest import Make
from tests.support.api import error
from tests.support.costly import blocking, terms
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]

PATH = "/v1/configurations"
COSTLY = blocking(terms(8000), "hi").decode()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges that give each request little time."""
    monkeypatch.setattr(views, "Asker", partial(Asker, seconds=0.2, patience=100))


@pytest.mark.usefixtures("hasty")
def test_a_content_that_is_too_costly_is_refused(admin: APIClient, make: Make) -> None:
    """With a finding that says so, and nothing is stored; the next request is answered."""
    make("bot")
    answer = admin.post(PATH, {"id": "costly", "content": COSTLY}, format="json")
    edited = admin.patch(f"{PATH}/bot", {"content": COSTLY}, format="json")
    body = {"content": COSTLY, "directory": "costly"}
    validated = admin.post(f"{PATH}/validate", body, format="json")

    for refused in (answer, edited):
        assert (refused.status_code, error(refused)["code"]) == (400, "policy_invalid")
        assert [d["code"] for d in error(refused)["details"]] == ["too_costly"]
    found = validated.json()["data"]
    assert (found["valid"], [f["code"] for f in found["findings"]]) == (False, ["too_costly"])
    assert [(row.pk, row.version) for row in Configuration.objects.all()] == [("bot", 1)]
    make("next")


def test_versions_that_differ_too_much_are_not_compared(
    admin: APIClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error with a code, as that of versions that cannot be compared at all."""
    content = blocking(terms(4500)).decode()
    make("bot", content=content)
    changed = {"content": content.replace("rather", "quite")}
    assert admin.patch(f"{PATH}/bot", changed, format="json").status_code == 200

    before = admin.get(f"{PATH}/bot/diff")
    monkeypatch.setattr(views, "Asker", partial(Asker, seconds=0.02, patience=1000))
    after = admin.get(f"{PATH}/bot/diff")

    assert (before.status_code, len(before.json()["data"]["changes"])) == (200, 9000)
    assert (after.status_code, error(after)["code"]) == (409, "too_costly")
    assert error(after)["message"].endswith("compare versions that differ less.")


@pytest.mark.parametrize(("own", "status"), [(True, 429), (False, 503)])
def test_a_request_that_finds_no_turn_is_told_to_come_again(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch, own: bool, status: int
) -> None:
    """Whether its own token or others have too much under way."""
    turns = Turns(places=1, share=1, most=1, wait_seconds=1)
    monkeypatch.setattr(asking._process, "turns", turns)
    other = str(Token.objects.get().pk) if own else "another"

    with turns.turn(other):
        answer = admin.post(f"{PATH}/validate", {"content": policy()}, format="json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "busy")
    assert answer.headers["Retry-After"] == "1"
    again = admin.post(f"{PATH}/validate", {"content": policy()}, format="json")
    assert again.status_code == 200


def test_a_judge_that_fails_is_no_fault_of_the_content(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request may succeed in a moment."""

    def fail(*_: object, **__: object) -> None:
        raise JudgeFailedError("The judge was killed while it worked, twice.")

    with monkeypatch.context() as patch:
        patch.setattr("keeptrusts.judge.policies.ask", fail)
        answer = admin.post(PATH, {"id": "bot", "content": policy()}, format="json")

    refusal = answer.json()["error"]
    assert (answer.status_code, refusal["code"]) == (503, "unavailable")
    assert refusal["message"] == (
        "The judge was killed while it worked, twice. Try again in a few seconds."
    )
    created = admin.post(PATH, {"id": "bot", "content": policy()}, format="json")
    assert created.status_code == 201
