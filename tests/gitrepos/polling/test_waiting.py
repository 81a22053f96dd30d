"""Syncs that wait for a worker: whose turn it is, and what becomes of them meanwhile."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from gitrepos.models import Link, Pause, Remote
from gitrepos.polling import claims, waiting
from gitrepos.polling.waiting import Found, Group, next_group
from gitrepos.sync import poll as polling
from gitrepos.sync import steps
from keeptrusts.processes import due
from tests.support.api import together
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, hashes, link, request, run_due, shown

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BOT = "bot/policy-config.yaml"


def ago(seconds: int) -> datetime:
    """So long before noon."""
    return NOON - timedelta(seconds=seconds)


def group(host: str, credential: str = "", *, since: int = 0, urgent: bool = False) -> Group:
    """Remotes that wait, the first of them for so many seconds."""
    return Group(urgent, host, credential, ago(since))


A, B = group("a", since=50), group("b", since=1)


@pytest.mark.parametrize(
    ("groups", "begun", "expected"),
    [
        ([], {}, None),
        ([A, B], {}, A),
        ([A, B], {("a", ""): ago(5)}, B),
        ([A, B], {("a", ""): ago(9), ("b", ""): ago(5)}, A),
        # Who asked goes before whose turn it is.
        ([A, B._replace(urgent=True)], {("b", ""): ago(1)}, B._replace(urgent=True)),
        # The turn of a host is that of all its credentials.
        ([group("a", "1", since=9), B], {("a", "2"): ago(5), ("b", ""): ago(7)}, B),
        # At a host it goes round the credentials.
        (
            [group("a", "1", since=9), group("a", "2", since=1)],
            {("a", "1"): ago(5), ("a", "2"): ago(7)},
            group("a", "2", since=1),
        ),
        # Who never had a turn, before those who had one.
        (
            [group("a", "1", since=9), group("a", "3", since=1)],
            {("a", "1"): ago(500)},
            group("a", "3", since=1),
        ),
    ],
)
def test_whose_turn_it_is(
    groups: list[Group], begun: dict[tuple[str, str], datetime], expected: Group | None
) -> None:
    """What somebody waits for, then round the hosts, then round the credentials of one."""
    assert next_group(groups, begun) == expected


BACKLOG = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("12")), st.integers(1, 12), min_size=1
)


@given(BACKLOG)
def test_turns_go_round(backlog: dict[tuple[str, str], int]) -> None:
    """While two hosts wait, neither has two turns more than the other, and nor have credentials."""
    begun: dict[tuple[str, str], datetime] = {}
    left, taken = Counter(backlog), Counter[tuple[str, str]]()
    for second in range(sum(backlog.values())):
        waits = [group(host, one, since=900) for (host, one), number in left.items() if number]
        found = next_group(waits, begun)
        assert found is not None
        key = (found.host, found.credential)
        left[key] -= 1
        taken[key] += 1
        begun[key] = NOON + timedelta(seconds=second)
        hosts = Counter[str]()
        for (host, _), number in taken.items():
            hosts[host] += number
        there = {one.host for one in waits}
        assert all(hosts[found.host] <= hosts[host] + 1 for host in there)
        assert all(
            taken[key] <= taken[found.host, one.credential] + 1
            for one in waits
            if one.host == found.host
        )

    assert taken == Counter(backlog)


def waits(*rows: tuple[str, str, int], asked: Iterable[str] = ()) -> dict[UUID, str]:
    """Remotes by url whose sync waits: of a host and a credential, for so many seconds."""
    now, made = timezone.now(), {}
    for number, (host, credential, seconds) in enumerate(rows):
        name = f"{host}{credential}{seconds}"
        row = Remote.objects.create(
            url=f"https://{host}/{number}", host=host, credential_digest=credential,
            waits_since=now - timedelta(seconds=seconds), found=Found({}).as_json(),
            asked=name in asked,
        )  # fmt: skip
        made[row.pk] = name
    return made


def taken(names: dict[UUID, str]) -> list[str]:
    """All that waits, in the order in which one worker takes it."""
    order = []
    while (found := waiting.take(uuid4(), timezone.now())) is not None:
        order.append(names[found[0].remote_id])
    return order


@pytest.mark.django_db
@pytest.mark.smoke
def test_one_repository_waits_for_one_turn_of_many() -> None:
    """However many came before it, at another host or with another credential."""
    many = [("a", "1", 100 - number) for number in range(40)]

    order = taken(waits(*many, ("b", "1", 9), ("a", "2", 8)))

    assert order[:4] == ["a1100", "b19", "a28", "a199"]
    assert len(order) == 42


@pytest.mark.django_db
@pytest.mark.smoke
def test_who_waits_is_served_first_and_nobody_waits_for_ever() -> None:
    """After two minutes every sync is as urgent."""
    names = waits(("a", "", 50), ("b", "", 119), ("c", "", 121), ("a", "", 1), asked=["a1"])

    assert taken(names) == ["c121", "a1", "b119", "a50"]


@pytest.mark.django_db
def test_a_paused_credential_fetches_nothing() -> None:
    """Its syncs wait for its forge, and others go on."""
    names = waits(("a", "1", 50), ("a", "2", 10))
    now = timezone.now()
    until = now + timedelta(seconds=60)
    pause = Pause.objects.create(host="a", credential_digest="1", until=until)

    assert taken(names) == ["a210"]
    assert "gitrepos.sync_remote" not in due.at(now)
    pause.delete()
    assert "gitrepos.sync_remote" in due.at(now)
    assert taken(names) == ["a150"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_take_one_sync() -> None:
    """All are taken, each once."""
    names = waits(*[("a", "", number) for number in range(20)])

    orders = together(4, lambda _: taken(names))

    assert sorted(name for order in orders for name in order) == sorted(names.values())


def waiting_sync() -> None:
    """Poll what is due; what changed waits."""
    batch = claims.due(timezone.now())
    assert batch is not None
    polling.poll(batch, waiting.put)


def sync_one() -> None:
    """Sync the remote whose turn it is."""
    found = waiting.take(uuid4(), timezone.now())
    assert found is not None
    steps.sync(*found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lost", ["claimed", "expired", "deleted", "none"])
def test_of_a_batch_what_the_claim_lost_does_not_wait(lost: str) -> None:
    """The others do, each with what was found at it."""
    claim, until = uuid4(), timezone.now() + timedelta(seconds=60)
    ids = [
        Remote.objects.create(url=f"https://a/{n}", host="a", claim_id=claim, lease_until=until).pk
        for n in range(3)
    ]
    one = Remote.objects.filter(pk=ids[1])
    if lost == "claimed":
        one.update(claim_id=uuid4())
    elif lost == "expired":
        one.update(lease_until=timezone.now())
    elif lost == "deleted":
        one.delete()
    before = list(one.values())
    expected = [pk for pk in ids if lost == "none" or pk != ids[1]]

    put = waiting.put(claim, {pk: Found({"HEAD": str(pk)}) for pk in ids})

    assert sorted(put) == sorted(expected)
    for row in Remote.objects.filter(pk__in=expected):
        assert row.claim_id is None
        assert row.waits_since
        assert waiting.found(row.found).heads == {"HEAD": str(row.pk)}
    if lost != "none":
        assert list(one.values()) == before


@pytest.mark.django_db
@pytest.mark.smoke
def test_what_waits_long_is_looked_at_again(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """For a newer commit; until then nobody asks its forge. It keeps its place."""
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    waiting_sync()
    since = Remote.objects.get().waits_since
    repo.commit({BOT: policy("Two")})
    calls = len(forge.calls(repo))
    assert claims.due(timezone.now()) is None
    assert len(forge.calls(repo)) == calls
    Remote.objects.update(lease_until=timezone.now())

    waiting_sync()

    assert Remote.objects.get().waits_since == since
    sync_one()
    assert content(admin, "bot") == policy("Two").encode()
    assert not Remote.objects.get().is_at_work


@pytest.mark.django_db
def test_what_is_undone_while_it_waits_waits_no_more(admin: APIClient, repo: Repo) -> None:
    """The forge shows what is in force."""
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    run_due()
    before = repo.git("rev-parse", "HEAD")
    repo.commit({BOT: policy("Two")})
    Remote.objects.update(next_poll_at=timezone.now())
    waiting_sync()
    repo.git("reset", "--quiet", "--hard", before)
    repo.push()
    Remote.objects.update(lease_until=timezone.now())

    waiting_sync()

    assert waiting.take(uuid4(), timezone.now()) is None
    assert not Remote.objects.get().is_at_work


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_request_while_a_sync_waits_is_served_by_another(admin: APIClient, repo: Repo) -> None:
    """The poll before may not have seen the commit that it is about."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    waiting_sync()
    repo.commit({BOT: policy("Two")})
    request(admin, row)
    sync_one()
    between = content(admin, "bot"), Link.objects.get().served_seq

    run_due()

    assert between == (policy("One").encode(), 0)
    assert (content(admin, "bot"), Link.objects.get().served_seq) == (policy("Two").encode(), 1)


@pytest.mark.django_db
def test_an_edit_while_a_sync_waits_is_heeded(admin: APIClient, repo: Repo) -> None:
    """It begins with the link as it is by then."""
    repo.commit({BOT: policy("Bot"), "other/policy-config.yaml": policy("Other")})
    row = link(admin, repo.url)
    waiting_sync()
    edit(admin, row, path="other")

    sync_one()

    assert list(hashes()) == ["other"]
    assert shown(admin, row)["status"] == "synced"
