"""New rules of a release: versions in force are judged from the database, without git."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from configurations import judging
from gitrepos.models import Link, LinkedFile
from gitrepos.snapshot.values import Commit, File, Snapshot
from gitrepos.sync import needs, preview
from gitrepos.sync.candidates import Linked, read
from keeptrusts.redis_client import client as redis_client
from kt.policy.verify import VERIFY_VERSION, verify
from tests.support.api import refusal
from tests.support.forge import Forge
from tests.support.releases import REFUSED, older_rules
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    files,
    get,
    link,
    make,
    outcomes,
    poll,
    request,
    run_due,
    shown,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

BOT, BAD = "bot/policy-config.yaml", "bad/policy-config.yaml"
URL = "https://forge.example/org/policies.git"
BROKEN = "pack:\n  name: [\n"


@pytest.fixture(autouse=True)
def _nobody_judges() -> None:
    """What another test left in the broker is gone."""
    redis_client().delete("keeptrusts:rules", "keeptrusts:judging")


def requests(forge: Forge, repo: Repo, step: Callable[[], object]) -> list[int]:
    """How many requests reach the forge with a step, each of three times."""
    counts = []
    for _ in range(3):
        before = len(forge.calls(repo))
        step()
        counts.append(len(forge.calls(repo)) - before)
    return counts


def warning(row: dict[str, Any]) -> dict[str, Any]:
    """The condition that says what would be refused now."""
    [found] = [c for c in row["conditions"] if c["type"] == "Warning"]
    assert isinstance(found, dict)
    return found


def test_new_rules_ask_the_forge_for_nothing_that_is_in_force(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Each poll is the ordinary check, also where the new rules would refuse what is there."""
    repo.commit({BOT: policy("One"), BAD: REFUSED})
    with older_rules():
        row = link(admin, repo.url)
        run_due()
        [check, *_] = requests(forge, repo, poll)

    polls = requests(forge, repo, poll)
    judging.judge_all()

    assert polls == [check] * 3
    assert outcomes(admin, row) == {(BOT, "bot"): "synced", (BAD, "bad"): "synced"}
    assert get(admin, "/v1/configurations/bad")["warning"]["code"] == "refused_in_force"


def test_new_rules_read_a_refused_file_again_once(
    admin: APIClient, forge: Forge, repo: Repo
) -> None:
    """Its bytes are nowhere but in git. The healthy ones beside it stay as they are."""
    repo.commit({BOT: policy("One"), BAD: BROKEN})
    with older_rules():
        link(admin, repo.url)
        run_due()
        [check, *_] = requests(forge, repo, poll)

    first, *others = requests(forge, repo, poll)

    assert first > check
    assert others == [check] * 2


# The outcome of a link's file, whether other rules read it, whether a look is due.
LOOKS = [
    ("synced", True, False), ("pinned", True, False), ("missing", True, False),
    ("archived", True, False), ("quarantined", True, True), ("unlinked", True, True),
    ("conflict", True, True), ("synced", False, False), ("quarantined", False, False),
    ("unlinked", False, False), ("conflict", False, False),
]  # fmt: skip


@pytest.mark.parametrize("held", [False, True])
def test_a_look_is_due_for_what_other_rules_refused(admin: APIClient, held: bool) -> None:
    """While a commit waits for a person, it waits with it."""
    rows = [_link_with(admin, number, outcome) for number, (outcome, _, _) in enumerate(LOOKS)]
    for row, (_, older, _) in zip(rows, LOOKS, strict=True):
        row.observed_rules = "older" if older else VERIFY_VERSION
        row.held = {"reason": "mass_removal", "commit": "c" * 40} if held else None

    pending = needs.pending_files(rows)

    now = timezone.now()
    found = [needs.why(row, {"HEAD": "c" * 40}, pending, now) for row in rows]
    expected = ["rules_changed" if due and not held else None for _, _, due in LOOKS]
    assert found == expected


def _link_with(admin: APIClient, number: int, outcome: str) -> Link:
    """A link that stands at its branch's head, with one file."""
    made = link(admin, URL, path=f"p{number}")
    LinkedFile.objects.create(
        link_id=made["id"], path=BOT, configuration=f"bot{number}", blob="b", outcome=outcome,
        updated_at=timezone.now(),
    )  # fmt: skip
    row = Link.objects.get(pk=made["id"])
    row.observed_generation, row.last_commit = row.generation, "c" * 40
    return row


def test_a_link_shows_what_it_feeds_that_would_be_refused(admin: APIClient, repo: Repo) -> None:
    """As a condition of its own, with what to do; its status and its neighbours stay."""
    repo.commit({BOT: policy("One"), BAD: REFUSED})
    with older_rules():
        made = link(admin, repo.url)
        other = link(admin, URL)
        make(admin, "by-hand", REFUSED)
        run_due()
    judging.judge_all()

    row, beside = shown(admin, made), shown(admin, other)

    told = warning(row)
    assert (row["status"], row["conditions"][0]["reason"]) == ("synced", "Synced")
    assert (told["status"], told["reason"]) == ("True", "RefusedInForce")
    assert "refuse 1 of" in told["message"]
    assert told["message"].endswith("in force: bad.")
    assert "/v1/configurations`" in told["action"]
    assert told["since"] == get(admin, "/v1/configurations/bad")["warning"]["since"]
    assert (warning(beside)["status"], warning(beside)["action"]) == ("False", None)
    listed = {value: _ids(admin, value) for value in ("true", "false")}
    assert listed == {"true": [made["id"]], "false": [other["id"]]}
    assert refusal(admin.get("/v1/git-repos?warning=1")) == (400, ["warning"])
    assert get(admin, "/v1/git-repos/summary")["refused_in_force"] == 2


def _ids(admin: APIClient, warned: str) -> list[str]:
    return [row["id"] for row in get(admin, f"/v1/git-repos?warning={warned}")]


def test_the_warning_of_a_link_ends_when_git_mends_the_file(admin: APIClient, repo: Repo) -> None:
    """Not with a change that is refused as well: it is quarantined, the old bytes stay in force."""
    repo.commit({BAD: REFUSED})
    with older_rules():
        made = link(admin, repo.url)
        run_due()
    judging.judge_all()
    repo.commit({BAD: REFUSED + "# changed\n"})
    poll()
    still = outcomes(admin, made)[BAD, "bad"], warning(shown(admin, made))["status"]
    repo.commit({BAD: policy("Mended")})

    poll()

    assert still == ("quarantined", "True")
    assert warning(shown(admin, made))["status"] == "False"
    assert get(admin, "/v1/configurations/bad")["warning"] is None


def test_a_sync_by_hand_and_a_dry_run_leave_in_force_what_did_not_change(
    admin: APIClient, repo: Repo
) -> None:
    """Both say `synced`; the dry run, which reads every byte, says what is to be mended."""
    repo.commit({BAD: REFUSED})
    with older_rules():
        made = link(admin, repo.url)
        run_due()
    stored = Link.objects.select_related("remote").get()
    [file] = preview.of(stored)["files"]
    request(admin, made)
    run_due()

    found = files(admin, made)[BAD]
    assert (file["outcome"], file["version"], codes(file)) == ("synced", None, ["suite_failed"])
    assert (found["outcome"], get(admin, "/v1/configurations/bad")["version"]) == ("synced", 1)


@pytest.mark.parametrize(
    ("outcome", "blob", "every", "expected"),
    [
        ("synced", "b", False, (True, True)), ("synced", "b", True, (True, False)),
        ("synced", "", False, (False, False)), ("synced", "older", False, (False, False)),
        ("pinned", "b", False, (False, False)), ("quarantined", "b", False, (False, False)),
        ("missing", "b", False, (False, False)), ("archived", "b", False, (False, False)),
    ],
)  # fmt: skip
def test_what_is_in_force_is_not_judged_by_a_sync_though_its_bytes_came_along(
    outcome: str, blob: str, every: bool, expected: tuple[bool, bool]
) -> None:
    """As they do with a new file of the same bytes, which is judged as any."""
    snapshot = Snapshot(
        Commit("c" * 40, "", ""), "t",
        tuple(File(path, "b", REFUSED.encode()) for path in (BAD, "new/policy-config.yaml")),
    )  # fmt: skip

    known, new = read(snapshot, [Linked(BAD, "bad", blob, outcome)], verify=verify, every=every)

    assert (known.unchanged, known.ok) == expected
    assert (new.unchanged, new.ok) == (False, False)
