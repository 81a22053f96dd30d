"""What was in force, as a file proves it."""

import base64
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import Configuration, Version
from events import audit
from evidence import keys, sealer
from evidence.models import Entry, Hidden, SignedCheckpoint
from gateways.models import State
from gateways.reports import reports
from kt.evidence import notes, proofs, statements
from kt.evidence.proofs import ProofError
from tests.evidence.conftest import WITNESS_KEY, Ask, judged, seal_all, witnessed
from tests.support.api import error
from tests.support.eyes import ask as request
from tests.support.eyes import decide, person, strong, weak
from tests.support.gateways import Machine, running
from tests.support.repo import Repo, policy
from tests.support.syncing import link, override, poll

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def test_what_a_gateway_ran_at_three_times(admin: APIClient, gateway: Machine, ask: Ask) -> None:
    """Before it reported, then one version, then another."""
    times = [timezone.now()]
    for text in ("Bot", "Bot two"):
        if text != "Bot":
            override(admin, "bot", policy(text))
        gateway.run()
        times.append(timezone.now())
    witnessed()

    verdicts = [
        judged(ask("gateways/edge-1", at=at.isoformat()), witnesses=[WITNESS_KEY]) for at in times
    ]

    assert [one.is_proven for one in verdicts] == [True] * 3
    firsts = [one.lines[0].partition(": ran ")[2] for one in verdicts]
    assert firsts[0] == "nothing of which a report is shown"
    assert firsts[1].startswith("bot version 1, sha256 ")
    assert firsts[2].startswith("bot version 2, sha256 ")
    assert "by its own report" in firsts[2]
    assert len(verdicts[2].lines) == 5
    assert verdicts[2].lines[1].startswith("desired: bot version 2, ")
    assert verdicts[2].lines[2].startswith("from the API, by tests (")
    assert verdicts[2].lines[3] == "approved: by nobody else"
    assert "seen by witness.example at 2027-01-15T08:00:00Z" in verdicts[2].lines[4]


def test_a_commit_and_who_approved_what_weakens_it(admin: APIClient, repo: Repo, ask: Ask) -> None:
    """Blob and commit are git's own; the second person stands there with an id."""
    commit = repo.commit({"bot/policy-config.yaml": strong()})
    link(admin, repo.url, four_eyes=True)
    poll()
    editor, second = person("ann"), person("bea")
    row = request(editor, "configuration.edit", "bot", {"content": weak(), "override": True})
    assert decide(second, row).status_code == 200
    witnessed()
    at = Entry.objects.filter(kind="version").earliest("pk").at

    first = judged(ask("configurations/bot", at=at.isoformat()), witnesses=[WITNESS_KEY])
    now = judged(ask("configurations/bot"), witnesses=[WITNESS_KEY])

    assert f"from commit {commit} of {repo.url}, blob " in first.lines[2]
    assert repo.git("rev-parse", "HEAD:bot/policy-config.yaml").strip() in first.lines[2]
    assert "version 2, sha256" in now.lines[0]
    assert f"approved: bea ({second.token.pk}) in request {row['id']} at " in now.lines[3]


def test_what_no_witness_saw_is_not_proven(gateway: Machine, ask: Ask) -> None:
    """Nor without a witness or a checkpoint at all; with one that is held, up to that."""
    gateway.run()
    file = ask("gateways/edge-1")
    held = notes.read(file["trees"][0]["checkpoint"])
    size = notes.checkpoint(held.body).size

    assert not judged(file).is_proven
    assert not judged(file, witnesses=[WITNESS_KEY]).is_proven
    assert judged(file, checkpoint=held).is_proven

    gateway.report()
    newer = ask("gateways/edge-1", since=size)
    verdict_upon = judged(newer, checkpoint=held)
    assert not verdict_upon.is_proven
    assert "newer than the checkpoint that is held" in verdict_upon.lines[4]
    with pytest.raises(ProofError, match="no proof from"):
        judged(ask("gateways/edge-1"), checkpoint=held)


def test_what_was_erased_is_said_to_be(gateway: Machine, ask: Ask) -> None:
    """And all the rest is proven as before."""
    gateway.run()
    witnessed()
    Hidden.objects.all().delete()

    found = judged(ask("gateways/edge-1"), witnesses=[WITNESS_KEY])

    assert found.is_proven
    assert "from the API, by erased (" in found.lines[2]
    assert "values erased" in found.lines[4]


def test_a_name_is_erased_alone(admin: APIClient, gateway: Machine, ask: Ask) -> None:
    """By a command, wherever it is; other values stay."""
    admin.patch(gateway.path, {"name": "Bea Example's"}, format="json")
    gateway.run()
    witnessed()
    before = Hidden.objects.count()

    call_command("erase_evidence", "Bea Example")
    found = judged(ask("gateways/edge-1"), witnesses=[WITNESS_KEY])

    assert found.is_proven
    assert found.lines[2].startswith("from the API, by tests (")
    assert Hidden.objects.count() == before + 1  # Of the entry that tells of the erasure.
    stored = json.dumps(list(Hidden.objects.values_list("values", flat=True)))
    assert "Bea" not in stored
    assert "tests" in stored
    with pytest.raises(CommandError, match="3 characters"):
        call_command("erase_evidence", "B")


def test_one_byte_of_the_database_is_noticed(gateway: Machine, ask: Ask) -> None:
    """An entry that was changed is not in the log."""
    gateway.run()
    witnessed()
    row = Entry.objects.filter(kind="report").latest("pk")
    Entry.objects.filter(pk=row.pk).update(
        leaf=bytes(row.leaf).replace(b'"version":1', b'"version":2')
    )

    with pytest.raises(ProofError, match="is not in the log"):
        judged(ask("gateways/edge-1"), witnesses=[WITNESS_KEY])


def test_a_restored_database_shows_a_gap(gateway: Machine, ask: Ask) -> None:
    """Its epoch begins with what is known, and with what somebody else holds."""
    gateway.run()
    sealer.seal()
    held = notes.checkpoint(notes.read(SignedCheckpoint.objects.latest("pk").note).body)
    ahead = notes.Checkpoint(held.origin, held.size + 5, b"\x07" * 32)

    sealer.begin_epoch(held=ahead)
    gateway.report()
    found = judged(ask("gateways/edge-1"))

    assert f"entries {held.size} to {held.size + 4} are lost" in found.lines[4]


def test_what_was_lost_is_told_of_each_time_that_it_may_be_of(gateway: Machine, ask: Ask) -> None:
    """Also where nothing about it came since; of the time before, all is there."""
    gateway.run()
    early = Entry.objects.get(kind="report").at
    audit.record("token.revoked", "another")
    seal_all()
    old = SignedCheckpoint.objects.latest("pk")
    held, last = notes.read(old.note), Entry.objects.latest("at").at
    ahead = notes.checkpoint(held.body)
    sealer.begin_epoch(held=notes.Checkpoint(ahead.origin, ahead.size + 5, b"\x07" * 32))
    times = {
        "before": early,
        "meanwhile": last + timedelta(milliseconds=1),
        "after": timezone.now(),
    }

    found = {
        name: judged(ask("gateways/edge-1", at=at.isoformat(), since=ahead.size), checkpoint=held)
        for name, at in times.items()
    }

    lost = f"after {ahead.size} entries, entries {ahead.size} to {ahead.size + 4} are lost"
    assert {name: lost in one.lines[4] for name, one in found.items()} == {
        "before": False, "meanwhile": True, "after": True,
    }  # fmt: skip
    # What is told of the question is under the checkpoint that is held.
    assert all(one.is_proven for one in found.values())


def test_what_gateways_hold_after_a_restore_is_told(
    admin: APIClient, gateway: Machine, ask: Ask
) -> None:
    """Though they say nothing new: the database lost what it knew of them."""
    gateway.run()
    sealer.seal()
    rows = [State.objects.get(), Configuration.objects.get(pk="bot")]
    last = Entry.objects.latest("pk").pk
    override(admin, "bot", policy("Bot two"))
    statement = gateway.run()
    sealer.seal()

    Entry.objects.filter(pk__gt=last).delete()
    Version.objects.filter(number=2).delete()
    for row in rows:
        row.save()
    sealer.begin_epoch()
    reports.flush()
    assert gateway.report(running=running(statement)).status_code == 200
    file = ask("gateways/edge-1")

    leaf = json.loads(bytes(Entry.objects.get(kind="report", epoch=2).leaf))
    assert leaf["facts"]["content_hash"] == statement["content_hash"]
    assert leaf["facts"]["left_hash"] == rows[0].running_hash
    told = judged(file)
    assert ": ran bot version 2, sha256 " in told.lines[0]
    assert told.lines[2].startswith("from: no version that the log tells of")
    assert "GAP: begun anew" in told.lines[4]


def test_nobody_knows_of_it(admin: APIClient, gateway: Machine) -> None:
    """Before it was there, and of another; what is not sealed yet comes in a second."""
    before = (timezone.now() - timedelta(days=1)).isoformat()
    assert error(admin.get("/v1/gateways/none/evidence"))["code"] == "not_found"
    busy = admin.get(f"{gateway.path}/evidence")
    assert (busy.status_code, busy.json()["error"]["code"]) == (429, "busy")
    sealer.seal()
    assert error(admin.get(f"{gateway.path}/evidence", {"at": before}))["code"] == "not_found"


def test_the_log_is_served_in_public_forms(admin: APIClient, gateway: Machine) -> None:
    """The checkpoint's root is that of the entries, by the hashes of the tiles."""
    from kt.evidence import tiles, tree

    gateway.run()
    sealer.seal()
    log = admin.get("/v1/evidence").json()["data"]
    note = notes.read(admin.get("/v1/evidence/1/checkpoint").content.decode())
    found = notes.checkpoint(note.body)

    place = tiles.path(0, found.size)
    entries = tiles.unbundled(admin.get(f"/v1/evidence/1/tile/entries/{place}").content)
    hashes = admin.get(f"/v1/evidence/1/tile/0/{place}").content

    assert notes.verifier(log["key"]).signed_at(note) == 0
    assert b"".join(map(tree.leaf_hash, entries)) == hashes
    assert tree.over([tree.leaf_hash(one) for one in entries]) == found.root
    for wrong in ("0/001", "0/x", "9/000", "entries/000", "entries/001.p/1"):
        assert admin.get(f"/v1/evidence/1/tile/{wrong}").status_code == 404
    assert admin.get("/v1/evidence/2/checkpoint").status_code == 404


def test_decisions_are_proven_by_their_digest(admin: APIClient, gateway: Machine) -> None:
    """A batch that is sent twice is one leaf."""
    gateway.run()
    event = {"time": "2026-01-31T12:00:00Z", "id": "e1", "verdict": "allow"}
    for _ in range(2):
        body = {"batch": 1, "events": [event], "dropped": 0}
        answer = gateway.client.post(f"{gateway.path}/decisions", body, format="json")
        assert answer.status_code == 202, answer.content

    rows = Entry.objects.filter(kind="decisions")
    assert [json.loads(bytes(row.leaf))["facts"]["count"] for row in rows] == [1]


def test_a_past_is_read_strictly(gateway: Machine, ask: Ask) -> None:
    """No member more, none of another kind."""
    gateway.run()
    file = ask("gateways/edge-1")
    proofs.read(json.dumps({"data": file}).encode())
    for other in ({"more": 1}, {"key": 1}, {"trees": []}, {"question": {}}, {"format": "x"}):
        with pytest.raises(ProofError):
            proofs.read(json.dumps(file | other).encode())


def test_what_stood_before_the_log_is_its_first_entries(gateway: Machine, ask: Ask) -> None:
    """As after an upgrade: a version and a binding that no leaf told of."""
    Entry.objects.all().delete()
    Hidden.objects.all().delete()

    assert sealer.seal() == 2
    assert sealer.seal() == 0
    found = judged(ask("gateways/edge-1"))

    told = Entry.objects.order_by("index").values_list("kind", "subject")
    assert list(told) == [
        ("epoch", ""), ("version", "configuration/bot"), ("bound", "gateway/edge-1"),
    ]  # fmt: skip
    assert found.lines[1].startswith("desired: bot version 1, ")


def test_what_came_back_was_not_tested_anew(admin: APIClient, gateway: Machine, ask: Ask) -> None:
    """A version's leaf has the rules that judged it, and that it passed its own tests by them."""
    override(admin, "bot", policy("Bot two"))
    path = "/v1/configurations/bot/rollback"
    assert admin.post(path, {"version": 1}, format="json").status_code == 200
    sealer.seal()

    rows = Entry.objects.filter(kind="version").order_by("pk")
    facts = [json.loads(bytes(row.leaf))["facts"] for row in rows]
    assert [one.get("own_tests") for one in facts] == ["passed", "passed", None]
    assert ["rules" in one for one in facts] == [True, True, False]
    assert "own tests passed under rules " not in judged(ask("configurations/bot")).lines[2]


def test_a_file_is_a_statement_of_in_toto(admin: APIClient, gateway: Machine) -> None:
    """In an envelope of DSSE that the log signs; it is verified as the file is."""
    gateway.run()
    witnessed()
    answer = admin.get(f"{gateway.path}/evidence", {"format": "dsse"})
    assert answer["Content-Type"] == statements.MEDIA_TYPE
    envelope = answer.json()
    statement = json.loads(base64.b64decode(envelope["payload"]))

    found = judged(envelope, witnesses=[WITNESS_KEY])

    assert found.is_proven
    assert ": ran bot version 1, sha256 " in found.lines[0]
    content = gateway.statement()["content_hash"]
    assert statement["subject"] == [{"name": "bot/1", "digest": {"sha256": content}}]
    assert admin.get(f"{gateway.path}/evidence", {"format": "xml"}).status_code == 400
    other = {**statement, "subject": [{"name": "bot/2", "digest": {"sha256": content}}]}
    payload = base64.b64encode(json.dumps(other).encode()).decode()
    for wrong, why in (
        ({"payload": payload}, "did not sign"),
        ({"signatures": []}, "did not sign"),
        ({"payload": 1}, "base64"),
        ({"payload": base64.b64encode(b"1").decode()}, "without a statement"),
        ({"payloadType": "text/plain"}, "something else"),
    ):
        with pytest.raises(ProofError, match=why):
            judged(envelope | wrong, witnesses=[WITNESS_KEY])
    signed = statements.envelope({**statement["predicate"]}, keys.load().verifier, lambda _: b"x")
    with pytest.raises(ProofError, match="did not sign"):
        judged(signed, witnesses=[WITNESS_KEY])
