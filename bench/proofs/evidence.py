"""A bench of evidence: what it costs to publish, to ask, and to verify.

    .venv/bin/python bench/proofs/evidence.py publish [--rounds 15] [--each 60]
    .venv/bin/python bench/proofs/evidence.py ask [--entries 1000000]
    .venv/bin/python bench/proofs/evidence.py verify [--entries 100000]

`publish` has the API and a sync publish with and without leaves, in turn, on PostgreSQL, and prints
the CPU of this process and of the database for one; `ask` has a page of the audit log, and a file
of evidence about a gateway, answered among so many entries, beside a lookup by primary key, with
PostgreSQL's plans; `verify` verifies a file that has so many entries. Each exits with 1 when its
target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.servers import Postgres, Redis  # noqa: E402

_MOST_MORE = 1.05
_MOST_OF_A_STATEMENT_MS = 2.0
_MOST_VERIFY_SECONDS = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def control_plane() -> Iterator[Postgres]:
    """Django upon a PostgreSQL and a Redis of its own."""
    folder = Path(tempfile.mkdtemp(prefix="evidence-bench-"))
    (folder / "data").mkdir(mode=0o700)
    with Redis(folder / "redis.sock") as broker, Postgres() as postgres:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="keeptrusts.settings",
            KEEPTRUSTS_DATA_DIR=str(folder / "data"),
            KEEPTRUSTS_SECRET_KEY="only-for-benchmarks-0123456789abcdef0123",
            KEEPTRUSTS_GIT_SCHEMES="https,file",
            DATABASE_URL=postgres.url,
            REDIS_URL=broker.url,
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield postgres


def client() -> Any:
    """A client of the API, as an admin."""
    from rest_framework.test import APIClient

    from access import tokens

    asking = APIClient(headers={"host": "localhost"})
    asking.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create('bench')[1]}")
    return asking


def used(pids: list[int]) -> float:
    """CPU seconds of this process and of others."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return time.process_time() + ticks / _TICKS


@contextmanager
def without_leaves() -> Iterator[None]:
    """Write no leaf of what is audited."""
    from configurations import leaves
    from evidence import audited, log

    facts, rows, of = audited.facts, log.rows, leaves.of
    audited.facts = lambda *_: {}
    log.rows = lambda *_, **__: ((), ())
    leaves.of = lambda *_, **__: (log.Fact("version", {}),)
    try:
        yield
    finally:
        audited.facts, log.rows, leaves.of = facts, rows, of


def publish(asked: argparse.Namespace) -> bool:
    """Publish in turn with and without leaves."""
    from tests.support.repo import Repo, policy

    with control_plane() as postgres, tempfile.TemporaryDirectory() as folder:
        admin = client()
        from tests.support.syncing import link, poll

        bare = Path(folder) / "policies.git"
        repo = Repo(bare, Path(folder) / "clone", bare.as_uri())
        repo.make(Path(folder) / "templates", "sha1")
        repo.commit({"bot/policy-config.yaml": policy("Bot")})
        link(admin, repo.url)
        poll()
        admin.post("/v1/configurations", {"id": "desk", "content": policy("Desk")}, format="json")
        number = iter(range(10**9))

        def edit() -> None:
            body = {"content": policy(f"Desk {next(number)}")}
            assert admin.patch("/v1/configurations/desk", body, format="json").status_code == 200

        def prepared() -> None:
            repo.commit({"bot/policy-config.yaml": policy(f"Bot {next(number)}")})

        def nothing() -> None:
            pass

        return all([
            compared("an edit by the API", nothing, edit, asked.rounds, asked.each, postgres),
            compared("a sync of a commit", prepared, poll, asked.rounds, asked.each // 4, postgres),
        ])  # fmt: skip


def compared(
    what: str, prepare: Callable[[], None], act: Callable[[], None], rounds: int, each: int,
    postgres: Postgres,
) -> bool:  # fmt: skip
    """Print the milliseconds of an act with and without leaves, and their ratio."""
    found: dict[str, list[float]] = {"without": [], "with": []}

    def side() -> float:
        spent = 0.0
        for _ in range(each):
            prepare()
            before = used(postgres.pids())
            act()
            spent += used(postgres.pids()) - before
        return 1000 * spent / each

    side()
    for round_ in range(rounds):
        for name in sorted(found, reverse=bool(round_ % 2)):
            if name == "with":
                found[name].append(side())
            else:
                with without_leaves():
                    found[name].append(side())
    ratio = statistics.median(
        one / other for one, other in zip(found["with"], found["without"], strict=True)
    )
    told = ", ".join(f"{name} {statistics.median(some):.2f} ms" for name, some in found.items())
    print(f"{what}: {told}, ratio {ratio:.3f}", flush=True)
    return ratio <= _MOST_MORE


def ask(asked: argparse.Namespace) -> bool:
    """Ask among many entries, beside a lookup by primary key."""
    with control_plane():
        admin = client()
        begin, at = filled(asked.entries or 1_000_000)
        questions = {
            "a gateway by its key": "/v1/gateways/gateway-7",
            "a page of the audit log": "/v1/audit-log?limit=50",
            "a page of one's audit log": "/v1/audit-log?limit=50&target=c-7",
            "evidence of a gateway now": "/v1/gateways/gateway-7/evidence",
            "evidence of a gateway then": f"/v1/gateways/gateway-7/evidence?at={at}",
            "evidence before there was any": f"/v1/gateways/gateway-7/evidence?at={begin}",
        }
        found = [answered(admin, what, path) for what, path in questions.items()]
        return all(found)


def filled(count: int) -> tuple[str, str]:
    """Make so many sealed entries of a thousand gateways; returns times before and amid them."""
    from django.db import connection
    from django.utils import timezone

    from configurations.publish import publish
    from events import audit
    from evidence import log, sealer
    from gateways.models import Gateway

    begun = timezone.now()
    publish()
    Gateway.objects.bulk_create(
        Gateway(
            pk=f"gateway-{n}", digest=f"{n:064x}", changed_seq=1, created_at=begun, updated_at=begun
        )
        for n in range(1000)
    )
    log.append(
        [log.Fact("bound", {"gateway": f"gateway-{n}", "configuration": f"c-{n}"})
         for n in range(1000)]
    )  # fmt: skip
    amid, version = begun, 0
    while 3000 * version < count:
        version += 1
        known = [
            {"configuration": f"c-{n}", "version": version, "content_hash": f"{version:064x}"}
            for n in range(1000)
        ]
        facts = [log.Fact("version", {**one, "note": "a note"}) for one in known]
        facts += [
            log.Fact("report", {**one, "gateway": f"gateway-{n}"}) for n, one in enumerate(known)
        ]
        changes = [(f"c-{n}", {"version": version - 1}, {"version": version}) for n in range(1000)]
        audit.record_all("configuration.edited", changes, facts=facts)
        while sealer.seal():
            pass
        if 6000 * version < count:
            amid = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    return begun.strftime("%Y-%m-%dT%H:%M:%SZ"), amid.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def answered(admin: Any, what: str, path: str) -> bool:
    """Print what an answer costs, and how PostgreSQL makes it."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(3):
        begin = time.process_time()
        answer = admin.get(path)
        milliseconds = 1000 * (time.process_time() - begin)
    with CaptureQueriesContext(connection) as asked:
        admin.get(path)
    plans = []
    for one in asked.captured_queries:
        if one["sql"].startswith("SELECT") and ('"e' in one["sql"] or "gateways_" in one["sql"]):
            with connection.cursor() as cursor:
                cursor.execute("explain (analyze, costs off, timing off) " + one["sql"])
                plans.append([line for (line,) in cursor.fetchall()])
    spent = [float(plan[-1].split()[2]) for plan in plans]
    told = f"{answer.status_code}, {len(answer.content)} bytes, {milliseconds:.1f} ms of CPU"
    print(f"{what}: {told}; {len(spent)} statements, {sum(spent):.2f} ms of the database")
    for plan in plans:
        print("".join(f"    {line}\n" for line in plan), end="", flush=True)
    # Of tables that have a row or two, reading all is the fastest.
    large = ("evidence_entry", "evidence_hidden", "events_auditentry")
    whole = [line for plan in plans for line in plan if "Seq Scan on " in line
             and any(name in line for name in large)]  # fmt: skip
    return not whole and max(spent, default=0.0) < _MOST_OF_A_STATEMENT_MS


def verify(asked: argparse.Namespace) -> bool:
    """Verify many entries: all of a log, and each by a proof of its own."""
    from kt.evidence import verdict
    from tests.kt.evidence import pasts

    entries = pasts.long(asked.entries or 100_000)
    note = pasts.witnessed(entries)
    spent = []
    for whole in (True, False):
        data = json.dumps(pasts.file(entries, note, whole=whole)).encode()
        begin = time.process_time()
        found = verdict.judge(data, witnesses=[pasts.SEEN])
        spent.append(time.process_time() - begin)
        assert found.is_proven, found.lines
        how = "all of a log" if whole else "each by its proof"
        print(f"{len(entries)} entries, {how}: {len(data)} bytes, {spent[-1]:.2f} s of CPU")
    return max(spent) < _MOST_VERIFY_SECONDS


PARTS = {"publish": publish, "ask": ask, "verify": verify}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--entries", type=int)
    asked = parser.parse_args()
    sys.exit(0 if PARTS[asked.part](asked) else 1)


if __name__ == "__main__":
    main()
