"""Gauges of the log in `/metrics`, which alerts stand on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from evidence.models import Entry, Epoch, WitnessState
from kt.evidence.witnessing import Witness
from tests.evidence.conftest import WITNESS_KEY, seal_all
from tests.support.pages import samples

pytestmark = pytest.mark.django_db


def _signed(size: int) -> None:
    WitnessState.objects.update_or_create(
        key=WITNESS_KEY.text(), defaults={"epoch": 1, "size": size, "signed_at": timezone.now()}
    )


def test_an_entry_that_waits_is_seen(admin: APIClient, bot: str) -> None:
    """Until it is sealed."""
    Entry.objects.update(at=timezone.now() - timedelta(seconds=50))
    assert 50 <= samples(admin)["keeptrusts_evidence_unsealed_seconds",] < 80

    seal_all()

    assert samples(admin)["keeptrusts_evidence_unsealed_seconds",] == 0


def test_a_witness_that_does_not_sign_is_named(
    admin: APIClient, bot: str, settings: Settings
) -> None:
    """Since the first entry that it did not sign."""
    settings.ENV = replace(settings.ENV, witnesses=(Witness(WITNESS_KEY, "http://192.0.2.1"),))
    seal_all()
    name = "keeptrusts_evidence_unwitnessed_seconds", WITNESS_KEY.name
    Entry.objects.filter(index=0).update(at=timezone.now() - timedelta(seconds=90))
    never = samples(admin)[name]
    _signed(1)
    later = samples(admin)[name]
    _signed(Epoch.objects.get().size)

    assert 90 <= never < 120
    assert 0 < later < 60
    assert samples(admin)[name] == 0


def test_without_witnesses_there_is_nothing_to_miss(admin: APIClient) -> None:
    """No series, so no alert."""
    assert settings.ENV.witnesses == ()
    assert [key for key in samples(admin) if "unwitnessed" in key[0]] == []
