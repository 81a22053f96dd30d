"""The keys that sign: made once, sealed, rotated by cross-signing."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from rest_framework.test import APIClient

from gateways.mirror import mirror
from gateways.models import SigningKey
from gateways.signing import keys
from tests.gateways.conftest import Register
from tests.support.gateways import Machine, fingerprint, is_signed, pin, trusted, unb64u
from tests.support.repo import policy
from tests.support.syncing import override

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


CONFIRMED_AS = b"keeptrusts confirmation v1\n"


def chain(answer: Any) -> list[dict[str, str]]:
    """The key chain of a pull."""
    found: list[dict[str, str]] = json.loads(unb64u(answer["Keeptrusts-Key-Chain"]))
    return found


def test_the_first_gateway_makes_the_key(register: Register) -> None:
    """Later ones are given the same pin."""
    first, second = register("a"), register("b")

    assert pin(first.token) == pin(second.token) == SigningKey.objects.get().fingerprint


def test_the_private_key_is_sealed(gateway: Machine) -> None:
    """It opens as part of its own row alone."""
    row = SigningKey.objects.get()

    assert row.private_key.startswith("v1.")
    assert keys.load() is not None


def test_an_old_pin_leads_to_the_new_key(gateway: Machine) -> None:
    """Through every key between, each signed by the one before."""
    assert chain(gateway.pull()) == []

    for _ in range(3):
        call_command("rotate_signing_key", stdout=StringIO())

    assert len(chain(gateway.pull())) == 3
    assert gateway.statement()["configuration"] == "bot"


def test_a_new_token_pins_the_new_key(register: Register, gateway: Machine) -> None:
    """And what came before it means nothing to its gateway."""
    keys.rotate()

    later = register("later", configuration="bot")

    assert pin(later.token) == keys.ensure() != pin(gateway.token)
    assert later.statement()["configuration"] == "bot"


def test_a_rotation_is_no_news_to_who_runs_the_content(gateway: Machine) -> None:
    """The statement stands, so its ETag does; the next one is signed by the new key."""
    before = gateway.pull()

    keys.rotate()

    assert gateway.pull(If_None_Match=before["ETag"]).status_code == 304
    assert gateway.pull()["Keeptrusts-Key"] != before["Keeptrusts-Key"]


def test_a_key_that_signs_no_more_is_forgotten(gateway: Machine) -> None:
    """Only its public half stays, for the chain."""
    keys.rotate()

    older, newer = SigningKey.objects.order_by("pk")
    assert older.private_key == ""
    assert newer.signed_by == older.fingerprint


def test_a_lost_secret_is_told(admin: APIClient, gateway: Machine) -> None:
    """503 with a code; a rotation cannot be vouched for either, and says so."""
    SigningKey.objects.update(private_key="v1.00000000.AAAA")

    answer = gateway.pull()

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "signing_key_unreadable"
    with pytest.raises(CommandError, match="KEEPTRUSTS_SECRET_KEY"):
        call_command("rotate_signing_key")


def test_a_lost_key_is_told_and_no_other_takes_its_place(
    admin: APIClient, gateway: Machine
) -> None:
    """A new one would mean nothing to the gateways that there are, and look like an attack."""
    SigningKey.objects.all().delete()
    body = {"id": "another", "configuration": "bot"}

    refused = admin.post("/v1/gateways", body, format="json")

    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "signing_key_lost"
    for command in ("check_signing_key", "rotate_signing_key"):
        with pytest.raises(CommandError, match="gone from the database; restore a backup"):
            call_command(command)
    assert not SigningKey.objects.exists()


def test_a_token_pins_no_key_that_cannot_sign(admin: APIClient, gateway: Machine) -> None:
    """Its gateway would wait for a statement for ever."""
    SigningKey.objects.update(private_key="v1.00000000.AAAA")

    refused = admin.post("/v1/gateways/edge-1/rotate-token")

    assert (refused.status_code, refused.json()["error"]["code"]) == (
        503,
        "signing_key_unreadable",
    )


@pytest.mark.parametrize("lost", ["gone", "unreadable"])
def test_after_a_loss_another_key_signs(
    admin: APIClient, register: Register, gateway: Machine, lost: str
) -> None:
    """Nobody vouches for it, and a token that is made now pins it; the next rotation is as any."""
    keys.rotate()
    if lost == "gone":
        SigningKey.objects.all().delete()
    else:
        SigningKey.objects.update(private_key="v1.00000000.AAAA")

    call_command("rotate_signing_key", "--lost", stdout=StringIO())
    later = register("later", configuration="bot")

    assert chain(later.pull()) == []
    assert later.statement()["configuration"] == "bot"
    keys.rotate()
    assert len(chain(later.pull())) == 1


def test_a_key_that_signs_is_not_lost(gateway: Machine) -> None:
    """Gateways follow a plain rotation by themselves."""
    with pytest.raises(CommandError, match="without --lost"):
        call_command("rotate_signing_key", "--lost")


def test_the_first_start_makes_the_key(db: None) -> None:
    """So every database has what proves which secret it is sealed with."""
    call_command("check_signing_key")
    call_command("check_signing_key")

    assert SigningKey.objects.count() == 1


def test_an_edit_after_a_rotation_is_signed_by_the_new_key(
    admin: APIClient, gateway: Machine
) -> None:
    """As a gateway that never heard of the rotation checks it."""
    gateway.pull()
    keys.rotate()

    override(admin, "bot", policy("Bot 2"))

    assert gateway.statement()["version"] == 2


def test_a_confirmation_says_what_is_newest(
    gateway: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed with the time for this gateway, anew every half minute, when something changes, and
    by a new key at once; nothing of it is a publication."""
    now = 1_800_000_000
    monkeypatch.setattr(mirror.time, "time", lambda: now)

    def confirmed() -> dict[str, Any]:
        found: dict[str, Any] = gateway.report().json()["data"]["confirmation"]
        text, key = unb64u(found["statement"]), unb64u(found["key"])
        assert is_signed(key, unb64u(found["signature"]), CONFIRMED_AS + text)
        assert trusted(pin(gateway.token), key, found["chain"])
        return {**json.loads(text), "by": fingerprint(key)}

    before, first = gateway.pull(), confirmed()
    assert first == {
        "gateway": gateway.id,
        "issued_at": now,
        "keys_seq": 0,
        "publish_seq": gateway.statement()["publish_seq"],
        "by": keys.ensure(),
    }
    now += 20
    assert confirmed() == first
    now += 20
    assert confirmed() == {**first, "issued_at": now}
    now += 1
    keys.rotate()
    assert confirmed() == {**first, "issued_at": now, "by": keys.ensure()}
    assert gateway.pull()["ETag"] == before["ETag"]
    now += 3600
    later = mirror.fleet.confirmation(gateway.id)
    assert later is not None
    assert later.desired.issued_at == now - 3600  # The database was not read since.


def test_a_chain_has_an_end(gateway: Machine) -> None:
    """However often a key is rotated, what gateways read in a header stays within its bound."""
    for _ in range(130):
        keys.rotate()
    answer = gateway.pull()

    assert len(chain(answer)) == 128
    assert len(answer["Keeptrusts-Key-Chain"]) < 64 << 10
