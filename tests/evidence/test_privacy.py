"""What a log shows of people, which is nothing, and what stays proven when that is erased."""

from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from events.models import AuditEntry
from evidence.models import Entry, Hidden
from gateways.reports import reports
from kt.evidence import leaves
from tests.evidence.conftest import WITNESS_KEY, Ask, judged, witnessed
from tests.support.eyes import ask as request
from tests.support.eyes import decide, person, strong, weak
from tests.support.gateways import Machine
from tests.support.repo import Repo, policy
from tests.support.syncing import link, override, poll

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

NAME, MAIL, ADDRESS, REASON = "Zoltan Quux", "zoltan@quux.example", "203.0.113.77", "Quuxgate leak"
PLANTED = (NAME, MAIL, ADDRESS, REASON)


def _lived(admin: APIClient, gateway: Machine, repo: Repo) -> None:
    """A past that has what identifies a person wherever somebody may write it."""
    repo.git("config", "user.name", NAME)
    repo.git("config", "user.email", MAIL)
    repo.commit({"desk/policy-config.yaml": strong("desk")}, f"{REASON} from {ADDRESS}")
    link(admin, repo.url, four_eyes=True)
    poll()
    editor, second = person(NAME, emails=[MAIL]), person(f"{NAME} also")
    change = {"content": weak("desk"), "override": True, "note": REASON}
    row = request(editor, "configuration.edit", "desk", change, reason=f"{REASON} {MAIL}")
    assert decide(second, row).status_code == 200
    labels = {"name": NAME, "labels": {"owner": "zoltan-quux"}}
    assert admin.patch(gateway.path, labels, format="json").status_code == 200
    override(admin, "bot", policy(NAME))
    body = {"name": NAME, "description": f"{MAIL} at {ADDRESS}: {REASON}"}
    assert admin.patch("/v1/configurations/bot", body, format="json").status_code == 200
    pin = {"reason": f"{REASON}, by {NAME}"}
    assert admin.post("/v1/configurations/bot/pin", pin, format="json").status_code < 300
    gateway.run()
    reports.flush()
    event = {"time": f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}", "id": "e1", "client": NAME}
    batch = {"batch": 1, "events": [event], "dropped": 0}
    answer = gateway.client.post(f"{gateway.path}/decisions", batch, format="json")
    assert answer.status_code == 202, answer.content
    witnessed()


def test_no_leaf_of_any_kind_tells_of_a_person(
    admin: APIClient, gateway: Machine, repo: Repo, ask: Ask
) -> None:
    """Nor does what is sealed say anything of it when it was erased, and all else stays proven."""
    _lived(admin, gateway, repo)
    kinds = set(Entry.objects.values_list("kind", flat=True))
    sealed = b"\n".join(bytes(leaf) for leaf in Entry.objects.values_list("leaf", flat=True))
    hidden = str(list(Hidden.objects.values_list("values", flat=True)))

    assert kinds == set(leaves.KINDS)
    for text in (*PLANTED, "Quux", "quux", "Zoltan", "zoltan", repo.url):
        assert text.encode() not in sealed, text
    assert [text for text in PLANTED if text not in hidden] == []  # Else the test says nothing.

    for text in (*PLANTED, "quux", repo.url):
        call_command("erase_evidence", text)
    witnessed()
    stored = str(list(Hidden.objects.values_list("values", flat=True)))
    assert [text for text in (*PLANTED, "quux", repo.url) if text in stored] == []
    _check_proven(ask)


def test_each_kind_is_erased_alone(
    admin: APIClient, gateway: Machine, repo: Repo, ask: Ask
) -> None:
    """Whatever is erased of one kind, the others stay proven, and open."""
    _lived(admin, gateway, repo)
    erased: set[str] = set()
    for kind in sorted(leaves.KINDS):
        made = [leaves.read(bytes(row.leaf)).nonce for row in Entry.objects.filter(kind=kind)]
        Hidden.objects.filter(pk__in=[UUID(nonce) for nonce in made]).delete()
        erased.add(kind)
        for leaf, values in _check_proven(ask):
            assert set(values) == (set() if leaf.kind in erased else set(leaf.hidden)), kind


def _check_proven(ask: Ask) -> list[tuple[leaves.LogLeaf, dict[str, Any]]]:
    """That all files are; returns their leaves, each with its values."""
    found = []
    for path in ("gateways/edge-1", "configurations/bot", "configurations/desk"):
        file = ask(path)
        verdict = judged(file, witnesses=[WITNESS_KEY])
        assert verdict.is_proven, verdict.lines
        for part in file["trees"]:
            found += [(leaves.read(one["leaf"].encode()), one["values"]) for one in part["entries"]]
    return found


def test_an_erasure_is_told_and_its_text_is_not(gateway: Machine) -> None:
    """The audit log has who did it, and how many values that were."""
    Hidden.objects.create(values={"author": ["0" * 64, NAME]})
    call_command("erase_evidence", NAME)

    entry = AuditEntry.objects.get(action="evidence.erased")
    assert (entry.actor_name, entry.after) == ("manage.py erase_evidence", {"values": 1})
    assert NAME not in str(list(Hidden.objects.values_list("values", flat=True)))
