"""A bench beside the version before: linting, polling and the gateway, CPU of both in turn.

    python bench/before.py CHECKOUT [--rounds 7] [--only "a call"]

`CHECKOUT` is a working tree of the version before, with a `.venv` as `make .venv/dev` leaves it.
Each round runs every case in both trees, one after the other and in changing order, so a busy
machine is busy for both; the ratio is the median of the rounds' ratios. A case is: `kt policy
lint` of one file and of many, as whole processes; a check of a kept connection and a fetched
change, as `bench/poll.py` measures them; the first sync of a repository with 300 policies, in the
whole control plane; a call through `kt gateway run`, whole and as a stream.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import gateway
from poll import repository
from processes import cpu_seconds

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# With an id: a file without one has a warning to print by now.
_LINTED = """pack: {{id: p{number}, name: P{number}, version: 1.0.0, enabled: true}}
policies:
  chain: [prompt-injection, safety-filter, pii-detector, audit-logger]
policy:
  prompt-injection: {{}}
  safety-filter: {{block_if: [forbidden phrase {number}, another one]}}
  pii-detector: {{action: redact}}
  audit-logger: {{}}
"""


def children_seconds(command: list[str], folder: Path) -> float:
    """CPU seconds of a command that succeeds, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Tree:
    """A checkout under measurement, with its gateway running."""

    def __init__(self, root: Path, stack: ExitStack, folder: Path, model_port: int) -> None:
        self.root, self.bin = root, root / ".venv" / "bin"
        self.stack, self.folder = stack, folder
        self.plane: Any = None
        self.links = 0
        folder.mkdir()
        policy = folder / "policy-config.yaml"
        policy.write_text(gateway.POLICY.replace("PORT", str(model_port)))
        self.side = gateway.Side(folder.name, gateway.free_port())
        command = [str(self.bin / "kt"), "gateway", "run", "--policy-config", str(policy)]
        gateway.start(self.side, [*command, "--listen", f"127.0.0.1:{self.side.port}"], folder)
        stack.callback(gateway.stop, self.side)

    def lint(self, path: Path, times: int) -> float:
        """CPU seconds of a lint of `path`: one process differs from the next by a tenth."""
        command = [str(self.bin / "kt"), "policy", "lint", str(path)]
        return sum(children_seconds(command, path.parent) for _ in range(times)) / times

    def polls(self, client: str, url: str, times: int) -> float:
        """CPU seconds of a call, as this tree's own bench measures it."""
        script = str(self.root / "bench" / "poll.py")
        command = [str(self.bin / "python"), script, "--client", client, url]
        clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        done = subprocess.run(
            [*command, str(times)], env=clean, cwd=self.root, capture_output=True, check=True
        )
        return float(json.loads(done.stdout.splitlines()[-1]))

    def sync(self, url: str) -> float:
        """CPU seconds of the control plane while it syncs a new link of `url`."""
        plane = self._control_plane()
        before = cpu_seconds(plane.process.pid)
        self.links += 1
        link = plane.link(url, id_prefix=f"n{self.links}-", poll_interval_seconds=300)["id"]
        reply = plane.request("POST", f"/v1/git-repos/{link}/sync?wait=30")
        if reply.data["files"].get("synced") != 300:
            raise SystemExit(f"{self.root}: {reply.body[:1000]!r}")
        took = cpu_seconds(plane.process.pid) - before
        plane.request("DELETE", f"/v1/git-repos/{link}")
        return took

    def _control_plane(self) -> Any:
        """This tree's control plane, started for the first sync."""
        from tests.support.stack import Stack

        if self.plane is None:
            self.plane = Stack(self.folder / "data", PYTHONPATH=str(self.root))
            self.plane.start(checkout=self.root, python=self.bin / "python")
            self.stack.callback(self.plane.stop)
        return self.plane

    def calls(self, what: str, request: Mapping[str, object]) -> float:
        gateway.measure(self.side, what, json.dumps(request).encode(), 8, 2.0)
        return self.side.samples[what][-1][3] / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path, help="a working tree of the version before")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="one case, by its name in the table")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        many = folder / "many"
        for number in range(300):
            (many / f"p{number}").mkdir(parents=True)
            (many / f"p{number}" / "policy-config.yaml").write_text(_LINTED.format(number=number))
        url, linked = _served(stack, folder, many)
        model = gateway.start_model(folder)
        stack.callback(gateway.stop, model)
        before = Tree(options.checkout.resolve(), stack, folder / "before", model.port)
        now = Tree(ROOT, stack, folder / "now", model.port)
        cases: dict[str, Callable[[Tree], float]] = {
            "lint, one file": lambda tree: tree.lint(many / "p0" / "policy-config.yaml", 10),
            "lint, 300 files": lambda tree: tree.lint(many, 4),
            "a check, kept connection": lambda tree: tree.polls("our kept check", url, 2000),
            "a change, 20 policies": lambda tree: tree.polls("our change", url, 20),
            "a sync, 300 policies": lambda tree: tree.sync(linked),
            "a call": lambda tree: tree.calls("whole", gateway.REQUEST),
            "a stream": lambda tree: tree.calls("stream", {**gateway.REQUEST, "stream": True}),
        }
        if options.only:
            cases = {options.only: cases[options.only]}
        took: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
        for number in range(options.rounds):
            for case, run in cases.items():
                first, second = (before, now) if number % 2 else (now, before)
                seconds = {tree: run(tree) for tree in (first, second)}
                took[case].append((seconds[before], seconds[now]))
    print(f"{'CPU ms, medians':<28}{'before':>10}{'now':>10}{'now ÷ before':>15}")
    for case, pairs in took.items():
        old, new = (median(column) * 1000 for column in zip(*pairs, strict=True))
        ratio = median(new / old for old, new in pairs)
        print(f"{case:<28}{old:>10.3f}{new:>10.3f}{ratio:>15.3f}")


def _served(stack: ExitStack, folder: Path, many: Path) -> tuple[str, str]:
    """Two repositories on a forge on loopback, with 20 policies and those of `many`; their URLs."""
    from tests.support.forge import Forge

    forge = stack.enter_context(Forge(folder / "forge", remembers=True))
    name = stack.enter_context(repository(forge, folder, files=500, refs=20))
    repo = forge.repository(folder / "clone-many")
    repo.commit({str(p.relative_to(many)): p.read_text() for p in many.rglob("*.yaml")})
    return f"{forge.url}/{name}", repo.url


if __name__ == "__main__":
    main()
