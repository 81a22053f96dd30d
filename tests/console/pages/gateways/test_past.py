"""What was in force at a time, as a page and as a file."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from kt.evidence import verdict
from kt.evidence.witnessing import Witness
from tests.console.browser import Browser
from tests.evidence.conftest import WITNESS_KEY, witnessed
from tests.support.gateways import Machine
from tests.support.repo import policy
from tests.support.syncing import override

pytestmark = pytest.mark.django_db


def test_a_page_tells_what_was_in_force(
    browser: Browser, admin: APIClient, gateway: Machine
) -> None:
    """Now, and at a time; its file is what an auditor verifies elsewhere."""
    gateway.run()
    between = datetime.now(UTC) + timedelta(microseconds=1)
    override(admin, "bot", policy("<b>Two</b>"))
    gateway.run()
    witnessed()

    now = browser.shows("/gateways/edge-1/evidence")
    assert ": ran bot version 2, sha256 " in now
    assert "No witness signed it" in now
    then = browser.get("/gateways/edge-1/evidence", at=f"{between:%Y-%m-%dT%H:%M:%S.%f}")
    assert ": ran bot version 1, sha256 " in then.content.decode()
    (link,) = re.findall(r'href="([^"]*as=file)"', then.content.decode())
    answer = browser.get(f"/gateways/edge-1/evidence{link}".replace("&amp;", "&"))
    assert answer["Content-Disposition"] == 'attachment; filename="evidence.json"'
    found = verdict.judge(answer.content, witnesses=[WITNESS_KEY])
    assert found.is_proven
    assert ": ran bot version 1, sha256 " in found.lines[0]
    assert "bot version 2, sha256 " in browser.shows("/configurations/bot/evidence")


def test_a_page_names_the_witnesses(browser: Browser, gateway: Machine, settings: Any) -> None:
    """Those that are configured, with the time of each."""
    witness = Witness(WITNESS_KEY, "http://127.0.0.1:9")
    settings.ENV = dataclasses.replace(settings.ENV, witnesses=(witness,))
    gateway.run()
    witnessed()

    page = browser.shows("/gateways/edge-1/evidence")

    assert "was signed by witness.example at 2027-01-15T08:00:00Z: nobody" in page


def test_a_page_says_that_nothing_is_known(browser: Browser, gateway: Machine) -> None:
    """Of what is not sealed yet, before there was anything, and for no time."""
    assert "not sealed yet" in browser.shows("/gateways/edge-1/evidence")
    witnessed()
    early = browser.get("/configurations/bot/evidence", at="2001-01-31T12:00")
    assert early.status_code == 200
    assert "There is no evidence of that time" in early.content.decode()
    assert browser.get("/gateways/edge-1/evidence", at="yesterday").status_code == 400
    assert 'href="/gateways/edge-1/evidence"' in browser.shows("/gateways/edge-1")
    assert 'href="/configurations/bot/evidence"' in browser.shows("/configurations/bot")
