"""Changes by JWTs: each `jti` belongs to one of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.models import UsedJWT
from access.tasks import flush
from tests.access.trusts.conftest import Trusting, asking, refused
from tests.access.trusts.test_attacks import P256, with_signature
from tests.support.issuer import Issuer, github_claims

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

CHECK = ("post", "/v1/configurations/validate")
CONTENT = {"content": "x"}


def token(issuer: Issuer, **changes: Any) -> str:
    return issuer.token(github_claims(issuer.url, **changes))


def test_a_jwt_changes_as_often_as_it_likes(trusting: Trusting, issuer: Issuer) -> None:
    """A job has one token and makes several calls; one row is kept."""
    trusting()
    text = token(issuer)

    assert [asking(text, *CHECK, **CONTENT).status_code for _ in range(3)] == [200] * 3
    assert UsedJWT.objects.count() == 1


def test_another_jwt_with_its_jti_changes_nothing(trusting: Trusting, issuer: Issuer) -> None:
    """Reading is allowed: whose `jti` it is matters where something is done."""
    trusting()
    first, second = token(issuer, jti="a"), token(issuer, jti="a", run_id="2")
    asking(first, *CHECK, **CONTENT)

    assert refused(second, *CHECK, **CONTENT) == ["replay"]
    assert asking(second).status_code == 200
    assert asking(first, *CHECK, **CONTENT).status_code == 200


def test_one_that_was_forgotten_meanwhile_changes_nothing(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row was another's, and is gone before it is read."""
    trusting()
    monkeypatch.setattr(UsedJWT.objects, "bulk_create", lambda *_, **__: None)

    assert refused(token(issuer), *CHECK, **CONTENT) == ["replay"]


@pytest.mark.parametrize("jti", [None, "", " ", 5, ["a"], "x" * 501])
def test_a_change_needs_a_jti(trusting: Trusting, issuer: Issuer, jti: Any) -> None:
    """Reading needs none."""
    trusting()
    text = token(issuer, jti=jti)

    assert refused(text, *CHECK, **CONTENT) == ["claim"]
    assert asking(text).status_code == 200


def test_a_jti_belongs_to_its_issuer(trusting: Trusting, issuer: Issuer) -> None:
    """Another issuer may use the same."""
    trusting()
    with Issuer() as other:
        trusting(issuer=other.url)
        found = [asking(token(one, jti="a"), *CHECK, **CONTENT) for one in (issuer, other)]

    assert [answer.status_code for answer in found] == [200, 200]


@pytest.mark.parametrize("jti", ["\ud800", "a\0b", "é", "'; drop table", "🦊"])
def test_any_text_is_a_jti(trusting: Trusting, issuer: Issuer, jti: str) -> None:
    """It is stored as a digest."""
    trusting()

    assert asking(token(issuer, jti=jti), *CHECK, **CONTENT).status_code == 200


def test_a_signature_in_its_other_form_is_of_the_same_jwt(
    trusting: Trusting, issuer: Issuer
) -> None:
    """Nobody takes a job's `jti` from it by turning the signature."""
    trusting()
    text = token(issuer)
    turned = with_signature(lambda raw: raw[:32] + (P256 - int.from_bytes(raw[32:])).to_bytes(32))
    head, _, _ = text.rpartition(".")
    other = turned(_Giving(text))  # type: ignore[arg-type]

    assert other != text
    assert other.startswith(head)
    assert [asking(one, *CHECK, **CONTENT).status_code for one in (other, text)] == [200, 200]


class _Giving:
    """An issuer that gives one JWT."""

    url = ""

    def __init__(self, text: str) -> None:
        self._text = text

    def token(self, _claims: Any) -> str:
        return self._text


def test_what_is_over_is_forgotten(trusting: Trusting, issuer: Issuer) -> None:
    """By the task that runs each ten minutes; a JWT that lasts is kept."""
    trusting()
    for _ in range(2):
        asking(token(issuer), *CHECK, **CONTENT)
    first = UsedJWT.objects.order_by("pk").first()
    assert first is not None
    UsedJWT.objects.filter(pk=first.pk).update(until=timezone.now() - timedelta(seconds=1))

    flush()

    assert UsedJWT.objects.exclude(pk=first.pk).count() == UsedJWT.objects.count() == 1
