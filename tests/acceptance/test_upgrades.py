"""From the release before to this one: migrations, processes and gateways of both at once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import ARCHIVES, ONE_MACHINE, extracted, migrations
from tests.support.managed import (
    ALLOWED,
    BLOCKED,
    OPEN,
    STRICT,
    becomes,
    fleet,
    harmful,
    register,
    seen,
)
from tests.support.repo import Repo
from tests.support.stack import ROOT, Stack, title, wait_for
from tests.support.stacks import environment

_MOST_BYTES = 1 << 20


def test_a_migration_that_was_released_is_as_it_was() -> None:
    """Databases have it already; what is to change is a new one."""
    released = migrations(ONE_MACHINE)

    assert len(released) > 50
    assert {path for path, text in released.items() if (ROOT / path).read_bytes() != text} == set()
    assert sum(one.stat().st_size for one in ARCHIVES.iterdir()) <= _MOST_BYTES


@pytest.fixture
def pair(tmp_path: Path, worker_id: str) -> Iterator[tuple[Stack, Stack]]:
    """The release before, which runs, and this one on the same servers, which does not yet."""
    settings = environment(tmp_path, worker_id, own=True)
    token = {"KEEPTRUSTS_BOOTSTRAP_TOKEN": "a-token-for-both-of-them-0123456789"}
    old, new = (Stack(tmp_path / name, **settings, **token) for name in ("old", "new"))
    checkout = extracted(ONE_MACHINE, tmp_path / "checkout")
    # Where Python looks first, so that none of this checkout is found.
    old.environment["PYTHONPATH"] += f":{checkout}"
    old.start(cwd=checkout, checkout=checkout)
    assert title("events") in old.children().values()  # It is called otherwise since.
    yield old, new
    for stack in (old, new):
        if stack.process is not None and stack.process.poll() is None:
            stack.kill()


class Load:
    """Somebody who edits by a control plane all the time, and counts its answers."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._end = stack, threading.Event()
        self.statuses: Counter[int] = Counter()
        body = {"id": "loaded", "content": OPEN}
        assert stack.request("POST", "/v1/configurations", body).status == 201
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.is_set():
            body = {"content": f"{OPEN}# {self.statuses.total()}\n"}
            reply = self._stack.request("PATCH", "/v1/configurations/loaded", body)
            self.statuses[reply.status] += 1
            time.sleep(0.05)

    def stop(self) -> Counter[int]:
        """End it; how often each status was answered."""
        self._end.set()
        self._thread.join()
        return self.statuses


@pytest.mark.soak
def test_both_releases_work_on_one_database(
    pair: tuple[Stack, Stack], repo: Repo, tmp_path: Path
) -> None:
    """Old processes under load while the new ones migrate; each one's gateways on the other."""
    old, new = pair
    repo.commit({"both/policy-config.yaml": OPEN})
    old.link(repo.url)
    wait_for(lambda: old.request("GET", "/v1/configurations/both").status == 200)
    tokens = {name: register(old, name, "both") for name in ("old-edge", "new-edge")}
    with fleet(old, tmp_path / "gateways") as gateways:
        before = gateways.start(
            "old-edge", tokens["old-edge"], PYTHONPATH=str(tmp_path / "checkout")
        )
        after = gateways.start("new-edge", tokens["new-edge"])  # On the old control plane.
        for name in tokens:
            becomes(lambda n=name: seen(old, n)["state"], "in_sync")  # type: ignore[misc]
        load = Load(old)

        new.start()
        repo.commit({"both/policy-config.yaml": STRICT})
        for gateway in (before, after):
            becomes(lambda g=gateway: harmful(g), BLOCKED)  # type: ignore[misc]

        assert set(load.stop()) == {200}
        for stack in pair:
            for name in tokens:
                becomes(lambda s=stack, n=name: seen(s, n)["state"], "in_sync")  # type: ignore[misc]
        old.stop()
        again = gateways.start(
            "old-edge-2", register(new, "old-edge-2", "both"), url=new.url,
            PYTHONPATH=str(tmp_path / "checkout"),
        )  # fmt: skip
        becomes(lambda: harmful(again), BLOCKED)  # An old gateway on the new control plane.
        repo.commit({"both/policy-config.yaml": OPEN})
        becomes(lambda: harmful(again), ALLOWED)
