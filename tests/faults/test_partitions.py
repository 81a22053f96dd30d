"""Two control planes in networks of their own, of which one is cut from Redis, PostgreSQL or both.

They speak to each other by way of these alone, so that the last is also a cut from each other.
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from gitrepos.polling import claims
from tests.faults import namespaces
from tests.faults.namespaces import Host, cut
from tests.support.forge import Forge
from tests.support.line import Line
from tests.support.repo import Repo, policy
from tests.support.servers import Postgres, Redis
from tests.support.stack import Stack, wait_for

BACK_SECONDS, FORCE_SECONDS, ANSWER_SECONDS = 10.0, 12.0, 5.0
_CUT_SECONDS = 15.0


class Pair:
    """The two, with the addresses of their servers by name."""

    def __init__(
        self, stacks: list[Stack], hosts: list[Host], addresses: dict[str, str], repo: Repo
    ) -> None:
        self.stacks, self.hosts, self.addresses, self.repo = stacks, hosts, addresses, repo
        self.pushed: list[str] = []

    def push(self) -> str:
        """Push a policy; returns its hash."""
        content = policy(f"Push {len(self.pushed)}")
        self.repo.commit({"pair/policy-config.yaml": content})
        self.pushed.append(hashlib.sha256(content.encode()).hexdigest())
        return self.pushed[-1]

    def has(self, stack: Stack, content_hash: str) -> bool:
        """Whether a control plane shows a content as the one in force."""
        reply = stack.request("GET", "/v1/configurations/pair")
        return reply.status == 200 and reply.data["content_hash"] == content_hash


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, forge: Forge) -> Iterator[Pair]:
    """Two that are well, with a link."""
    if reason := namespaces.missing():
        pytest.skip(reason)
    tmp = tmp_path_factory.mktemp("pair")
    repo = forge.repository(tmp / "clone")
    with ExitStack() as held:
        at_database, at_broker, at_forge = held.enter_context(namespaces.server_addresses(3))
        postgres = held.enter_context(Postgres())
        held.enter_context(Redis(tmp / "redis.sock"))
        socket = f"{urlsplit(postgres.url).query.removeprefix('host=')}/.s.PGSQL.5432"
        url = urlsplit(repo.url)
        to_database = held.enter_context(Line(socket, host=at_database))
        to_broker = held.enter_context(Line(str(tmp / "redis.sock"), host=at_broker))
        assert url.hostname and url.port
        to_forge = held.enter_context(Line((url.hostname, url.port), host=at_forge))
        hosts = [held.enter_context(namespaces.host(number)) for number in (1, 2)]
        stacks = []
        for host in hosts:
            stack = Stack(
                tmp / f"data-{host.number}",
                DATABASE_URL=f"postgresql://postgres@{at_database}:{to_database.port}/postgres",
                REDIS_URL=f"redis://{at_broker}:{to_broker.port}/0",
                KEEPTRUSTS_SECRET_KEY="only-for-tests-0123456789abcdef0123456789",
                KEEPTRUSTS_BOOTSTRAP_TOKEN="ktp_" + "0123456789abcdef" * 3,
                KEEPTRUSTS_GIT_ALLOWED_NETWORKS="198.18.0.0/15",
            )
            stack.at(host.address)
            stacks.append(stack.start(python=host.python(tmp, sys.executable)))
            held.callback(stack.stop)
        stacks[0].link(f"http://{at_forge}:{to_forge.port}{url.path}")
        addresses = {"database": at_database, "broker": at_broker}
        found = Pair(stacks, hosts, addresses, repo)
        first = found.push()
        wait_for(lambda: found.has(stacks[1], first))
        yield found


@pytest.mark.soak
@pytest.mark.parametrize("away", [("broker",), ("database",), ("broker", "database")], ids="+".join)
def test_one_of_two_that_is_cut_off_holds_up_nothing(pair: Pair, away: tuple[str, ...]) -> None:
    """The other goes on with all of it; the one that is back is well, and nothing came twice."""
    (lone, other), (host, _) = pair.stacks, pair.hosts
    with ExitStack() as cuts:
        for name in away:
            cuts.enter_context(cut(pair.addresses[name], host.address))
        began = time.monotonic()
        during = pair.push()
        wait_for(lambda: pair.has(other, during))
        moved_after = time.monotonic() - began
        while time.monotonic() < began + _CUT_SECONDS:
            asked = time.monotonic()
            reply = lone.request("GET", "/v1/configurations/pair")
            assert time.monotonic() - asked < ANSWER_SECONDS
            assert reply.status == 200 or reply.json["error"]["code"] == "unavailable"
            assert other.request("GET", "/v1/configurations/pair").status == 200
            time.sleep(0.2)
    ended = time.monotonic()
    after = pair.push()
    wait_for(lambda: lone.request("GET", "/healthz", token="none").status == 200)
    well_after = time.monotonic() - ended
    wait_for(lambda: pair.has(lone, after) and pair.has(other, after))
    in_force_after = time.monotonic() - ended

    print(f"\n{away}: moved {moved_after:.1f}, well {well_after:.1f}, {in_force_after:.1f} s after")
    # What the one that is cut off held is free when its lease ends.
    assert moved_after <= claims.LEASE_SECONDS + FORCE_SECONDS
    assert well_after <= BACK_SECONDS
    assert in_force_after <= FORCE_SECONDS
    versions = [row["content_hash"] for row in lone.get("/v1/configurations/pair/versions")[::-1]]
    assert versions == [one for one in pair.pushed if one in versions]
