"""Two machines of one control plane, with their servers, a forge, a balancer and gateways."""

import contextlib
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults import namespaces
from tests.faults.namespaces import Host, cut
from tests.kt.gateway.support import Running
from tests.support.forge import Forge
from tests.support.line import Line
from tests.support.managed import fleet, register
from tests.support.repo import Repo, policy
from tests.support.servers import Postgres, Redis
from tests.support.stack import Stack, wait_for

CHANGING, POLL_SECONDS, QUIET_POLL_SECONDS = 20, 5, 60
# Beside those of other tests of networks, which may run at the same time.
_HOSTS, _ADDRESSES = (11, 12), 11


class Machine:
    """A machine: its address, and the control plane that runs there."""

    def __init__(self, host: Host, stack: Stack, python: Path) -> None:
        self.host, self.stack, self._python = host, stack, python

    def start(self) -> None:
        """Start the control plane, and wait for nothing."""
        self.stack.spawn(python=self._python)

    def kill(self) -> None:
        """End all that runs there, at once and without a word."""
        for pid in self.host.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.stack.process is not None
        self.stack.process.wait(timeout=60)

    def is_well(self) -> bool:
        """Whether its control plane says so within two seconds."""
        try:
            with urllib.request.urlopen(f"{self.stack.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Balancer:
    """Sends each new connection to a machine that is well, in turn."""

    def __init__(self, machines: list[Machine], address: str) -> None:
        self._machines, self._turn = machines, 0
        self._well = list(machines)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.line = Line(self._choose, host=address)
        self.url = f"http://{address}:{self.line.port}"

    def __enter__(self) -> "Balancer":
        self.line.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.line.cut()

    def _choose(self) -> tuple[str, int]:
        well = self._well or self._machines
        self._turn += 1
        machine = well[self._turn % len(well)]
        return machine.host.address, machine.stack.port

    def _watch(self) -> None:
        with ThreadPoolExecutor(len(self._machines)) as asking:
            while not self._ended.wait(1):
                answers = list(asking.map(Machine.is_well, self._machines))
                self._well = [m for m, well in zip(self._machines, answers, strict=True) if well]


class Estate:
    """All of it. `pushed` has the names of the policies of each changing repository, in order."""

    def __init__(
        self,
        machines: list[Machine],
        addresses: dict[str, str],
        repos: list[Repo],
        gateways: list[Running],
    ) -> None:
        self.machines, self.addresses, self.repos = machines, addresses, repos
        self.gateways = gateways
        self.pushed: list[list[str]] = [[] for _ in repos]

    def push(self, number: int) -> None:
        """Push another policy to a repository."""
        name = f"Push {number} {len(self.pushed[number])}"
        self.repos[number].commit({f"{configuration(number)}/policy-config.yaml": policy(name)})
        self.pushed[number].append(name)

    def late(self) -> list[int]:
        """The gateways, by number, that do not enforce what was pushed last."""
        with ThreadPoolExecutor(8) as asking:
            names = list(asking.map(_enforced, self.gateways))
        wanted = [pushed[-1] for pushed in self.pushed]
        return [n for n, found in enumerate(names) if found != wanted[n % len(wanted)]]

    @contextmanager
    def away(self, machine: Machine, names: tuple[str, ...]) -> Iterator[None]:
        """Cut a machine from servers by name; of none, it is killed, and started afterwards."""
        with ExitStack() as cuts:
            for name in names:
                one = machine.host.gate if name == "gateways" else self.addresses[name]
                cuts.enter_context(cut(one, machine.host.address))
            if not names:
                machine.kill()
                cuts.callback(machine.start)
            yield


def configuration(number: int) -> str:
    """The id that a changing repository feeds."""
    return f"changing-{number}"


@contextmanager
def estate(tmp: Path, *, links: int, gateways: int) -> Iterator[Estate]:
    """Two machines that are well, with their links synced and their gateways enforcing.

    Of the links twenty change, the rest are quiet, and each gateway is bound to what changes.
    """
    with ExitStack() as held:
        names = ["database", "broker", "forge", "balancer"]
        found = held.enter_context(namespaces.server_addresses(len(names), _ADDRESSES))
        addresses = dict(zip(names, found, strict=True))
        postgres = held.enter_context(Postgres(addresses["database"]))
        redis = held.enter_context(Redis(tmp / "redis.sock", addresses["broker"]))
        machines = []
        for number in _HOSTS:
            host = held.enter_context(namespaces.host(number))
            stack = Stack(
                tmp / f"data-{number}",
                DATABASE_URL=postgres.url,
                REDIS_URL=redis.url,
                KEEPTRUSTS_SECRET_KEY="only-for-tests-0123456789abcdef0123456789",
                KEEPTRUSTS_BOOTSTRAP_TOKEN="ktp_" + "0123456789abcdef" * 3,
                KEEPTRUSTS_GIT_ALLOWED_NETWORKS="198.18.0.0/15",
            )
            stack.at(host.address)
            machines.append(Machine(host, stack, host.python(tmp, sys.executable)))
            machines[-1].start()
            held.callback(stack.stop)
        balancer = held.enter_context(Balancer(machines, addresses["balancer"]))
        wait_for(lambda: all(machine.is_well() for machine in machines))
        repos = _linked(held, tmp, machines[0].stack, addresses["forge"], links)
        running = held.enter_context(fleet(machines[0].stack, tmp / "state"))
        all_here = Estate(machines, addresses, repos, [])
        for number in range(len(repos)):
            all_here.push(number)
        wait_for(lambda: len(machines[1].stack.get("/v1/configurations")) == CHANGING)
        for number in range(gateways):
            name = f"edge-{number}"
            token = register(machines[0].stack, name, configuration(number % len(repos)))
            all_here.gateways.append(
                running.start(name, token, "--insecure-http", url=balancer.url)
            )
        wait_for(lambda: not all_here.late())
        wait_for(lambda: _are_synced(machines[1].stack, links), seconds=900)
        yield all_here


def _linked(held: ExitStack, tmp: Path, stack: Stack, address: str, links: int) -> list[Repo]:
    """The changing repositories, all linked; the quiet ones are one by many names."""
    for folder in ("changing", "quiet", "clones"):
        (tmp / folder).mkdir()
    changing = held.enter_context(Forge(tmp / "changing"))
    quiet = held.enter_context(Forge(tmp / "quiet", remembers=True))
    changing_line = held.enter_context(Line(("127.0.0.1", changing.port), host=address))
    quiet_line = held.enter_context(Line(("127.0.0.1", quiet.port), host=address))
    repos = [changing.repository(tmp / "clones" / str(number)) for number in range(CHANGING)]
    for repo in repos:
        repo.commit({"readme.md": "Nothing yet.\n"})
        path = urlsplit(repo.url).path
        stack.link(
            f"http://{address}:{changing_line.port}{path}", poll_interval_seconds=POLL_SECONDS
        )
    unchanged = quiet.repository(tmp / "clones" / "quiet")
    unchanged.commit({"policy-config.yaml": policy("Quiet")})
    names = [quiet.alias(unchanged) for _ in range(links - CHANGING)]
    with ThreadPoolExecutor(8) as linking:
        urls = [f"http://{address}:{quiet_line.port}/{name}" for name in names]
        list(linking.map(lambda url: _link_quiet(stack, url), urls))
    return repos


def _link_quiet(stack: Stack, url: str) -> None:
    stack.link(url, auto_create_configuration=False, poll_interval_seconds=QUIET_POLL_SECONDS)


def _enforced(gateway: Running) -> str:
    name: str = gateway.get("/keeptrusts/config").json["name"]
    return name


def _are_synced(stack: Stack, links: int) -> bool:
    statuses: dict[str, int] = stack.get("/v1/git-repos/summary")["statuses"]
    return statuses.get("synced", 0) == links
