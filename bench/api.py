"""A bench of lists: the CPU of one answer, beside that of others who answer the same.

    .venv/bin/python bench/api.py [--rounds 7] [--database postgres|sqlite] [--sizes 4 100 1000]
    .venv/bin/python bench/api.py --large [--database postgres|sqlite]

Fills a database, then asks in turn, in one process: our list as the web answers it (`cold`, with
nothing kept; `again`, drift after a report; `warm`; `304` by its ETag), the same columns
read with the bare driver and written with orjson, a stock ModelSerializer of Django REST framework,
and django-ninja, which gets an environment of its own in `--envs` (without a network it is left
out). Prints the median CPU of this process for each, and the ratio to the bare driver; what the
database itself takes is in neither. At the end, a `304` of the most rows beside one of the fewest.

With `--large`: a page, a search and filters among 100,000 configurations and a million versions,
with the plan that PostgreSQL has for each.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from environments import ninja_python  # noqa: E402
from simulated.lists import Ninja  # noqa: E402

from tests.support.servers import Postgres, Redis  # noqa: E402

_NOW = datetime(2031, 1, 2, tzinfo=UTC)
_TEAMS = ("payments", "support", "search", "billing", "fraud")
_LARGE = {
    "a page": "/v1/configurations?limit=100",
    "a page by its change": "/v1/configurations?limit=100&sort=-updated_at",
    "a page by name": "/v1/configurations?limit=100&sort=name",
    "a search": "/v1/configurations?limit=100&q=fraud-000",
    "a search in vain": "/v1/configurations?limit=100&q=nowhere",
    "a filter by labels": "/v1/configurations?limit=100&labels=team=fraud,rare=yes",
    "a filter by source": "/v1/configurations?limit=100&source=api",
    "a count": "/v1/configurations?limit=1&count=true",
    "versions, a page": "/v1/configurations/c-fraud-000004/versions?limit=10",
    "versions, a search": "/v1/configurations/c-fraud-000004/versions?limit=10&q=commit",
}

Ask = Callable[[], bytes]


class Handed(NamedTuple):
    """What is noted of a statement that a gateway got."""

    gateway: str
    content_hash: str
    publish_seq: int


@contextmanager
def servers(database: str) -> Iterator[None]:
    """The servers of a control plane, named in this process's environment."""
    folder = Path(tempfile.mkdtemp(prefix="api-bench-"))
    (folder / "data").mkdir(mode=0o700)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="keeptrusts.settings",
        KEEPTRUSTS_DATA_DIR=str(folder / "data"),
        KEEPTRUSTS_SECRET_KEY="only-for-benchmarks-0123456789abcdef0123",
    )
    os.environ.pop("DATABASE_URL", None)
    with Redis(folder / "redis.sock") as broker:
        os.environ["REDIS_URL"] = broker.url
        if database == "sqlite":
            yield
        else:
            with Postgres() as postgres:
                os.environ["DATABASE_URL"] = postgres.url
                yield


def set_up() -> str:
    """Prepare Django and the database; returns the text of a token."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from access import tokens

    return tokens.create("bench")[1]


def settled() -> None:
    """Collect as the server does, with all imported that it imports for its first answer."""
    import keeptrusts.urls  # noqa: F401
    from keeptrusts.serving.server import settle

    settle()


def fill(count: int, *, versions: int = 1) -> None:
    """Make it `count` configurations, links and gateways, with so many versions of each."""
    from django.db import connection, transaction

    from configurations.models import Configuration, Version
    from configurations.publish import publish
    from gateways.models import Gateway, State
    from gateways.registry.gateways import count_change
    from gateways.reports import live
    from gateways.reports.reports import Essence
    from gitrepos.models import Link, LinkedFile, Remote

    there = Configuration.objects.count()
    chance = random.Random(there)
    for begin in range(there, count, 5000):
        numbers = range(begin, min(begin + 5000, count))
        with transaction.atomic():
            seq, changed = publish(), count_change()
            names = [f"c-{_TEAMS[number % 5]}-{number:06}" for number in numbers]
            moments = [_NOW - timedelta(seconds=chance.randrange(10**7)) for _ in numbers]
            labels = [
                {"team": _TEAMS[n % 5]} | ({"rare": "yes"} if n % 1000 == 4 else {})
                for n in numbers
            ]
            remotes = [
                Remote(url=f"https://forge.example/o/{n}", host="forge.example") for n in numbers
            ]
            links = [
                Link(
                    remote=remote, url=remote.url, branch="main", last_commit="c" * 40,
                    observed_generation=1, last_synced_at=at, counts={"synced": 1},
                    created_at=at, updated_at=at,
                )
                for remote, at in zip(remotes, moments, strict=True)
            ]  # fmt: skip
            Remote.objects.bulk_create(remotes)
            Link.objects.bulk_create(links)
            rows = [
                Configuration(
                    pk=name, name=f"Policy of {name}", labels=some, source="git",
                    owner=str(link.pk), version=versions, content_hash=f"{n:064x}",
                    git_hash=f"{n:064x}", publish_seq=seq, created_at=at, updated_at=at,
                )
                for n, name, some, link, at in zip(
                    numbers, names, labels, links, moments, strict=True
                )
            ]  # fmt: skip
            Configuration.objects.bulk_create(rows)
            Version.objects.bulk_create(
                Version(
                    configuration=row, number=1, content=b"pack: {}", source="git",
                    content_hash=row.content_hash, repo_url="https://forge.example/o/1",
                    commit="c" * 40, path=f"{row.pk}/policy-config.yaml", message="commit",
                    author="Ada <ada@example.com>", created_at=row.created_at,
                )
                for row in rows
            )  # fmt: skip
            if count > 10_000:
                continue
            LinkedFile.objects.bulk_create(
                LinkedFile(
                    link=link, path=f"{row.pk}/policy-config.yaml", configuration=row.pk,
                    blob="b" * 40, content_hash=row.content_hash, outcome="synced",
                    updated_at=row.created_at,
                )
                for link, row in zip(links, rows, strict=True)
            )  # fmt: skip
            gateways = [
                Gateway(
                    pk=f"g-{n:06}", name="G", labels={"env": "prod"}, bound=row, bound_at=at,
                    changed_seq=changed, digest=f"{n:064x}", created_at=at, updated_at=at,
                )
                for n, row, at in zip(numbers, rows, moments, strict=True)
            ]  # fmt: skip
            Gateway.objects.bulk_create(gateways)
            states = [
                State(
                    gateway=gateway, running_configuration=row.pk, running_version=versions,
                    running_hash=row.content_hash, running_seq=seq, running_since=at, health="ok",
                    kt_version="1", started_at=at, stopping=False, counters={}, stream=True,
                    last_seen_at=datetime.now(UTC), handed_hash=row.content_hash,
                )
                for gateway, row, at in zip(gateways, rows, moments, strict=True)
            ]  # fmt: skip
            State.objects.bulk_create(states)
            live.swap_seen(
                {
                    one.gateway_id: live.LastReport(_NOW, Essence.of_row(one).text(), {}, True)
                    for one in states
                }
            )
            live.note_handed(
                Handed(one.gateway_id, one.running_hash, one.running_seq) for one in states
            )
    live.mark_change()
    copied = [one.column for one in Version._meta.concrete_fields][1:]
    columns = ", ".join(f'"{name}"' for name in copied)
    others = columns.replace('"number"', "n")
    with connection.cursor() as cursor:
        for number in range(2, versions + 1):
            cursor.execute(
                f"insert into configurations_version ({columns})"
                f" select {others} from configurations_version, (select {number} as n) as more"
                " where number = 1"
            )
        cursor.execute("analyze")


class Web:
    """The control plane's own answers, by WSGI, without a socket."""

    def __init__(self, token: str) -> None:
        from keeptrusts.wsgi import application

        self._application = application
        self._token = token

    def ask(self, path: str, etag: str = "") -> tuple[str, dict[str, str], bytes]:
        """Status, headers and body of a GET."""
        from django.test import RequestFactory

        headers = {"Authorization": f"Bearer {self._token}", "If-None-Match": etag}
        environ = RequestFactory().get(path, headers=headers).environ
        told: list[Any] = []
        body = b"".join(self._application(environ, lambda *heading: told.append(heading)))
        status, pairs = told[0][:2]
        return status, dict(pairs), body


def forget() -> None:
    """Keep no answer any more."""
    from gateways.drift import listing as drift
    from gateways.reports import live
    from keeptrusts.api.lists import answers

    answers._kept = answers.Kept(answers._MOST_KEPT_BYTES)
    drift._last = drift._Last()
    live._last_read.clear()


def bare_driver() -> Any:
    """A connection of the driver's own, which reads JSON with orjson."""
    import orjson
    import psycopg
    from django.db import connection

    if connection.vendor == "sqlite":
        return sqlite3.connect(connection.settings_dict["NAME"])
    made = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    psycopg.types.json.set_json_loads(orjson.loads, made)
    return made


def bare(path: str) -> Ask:
    """The same columns by the bare driver, of the statement that our own list runs, and orjson."""
    import orjson
    from django.db import connection
    from django.http import QueryDict
    from django.test.utils import CaptureQueriesContext

    from configurations.queries import CONFIGURATIONS
    from configurations.seen import ALL
    from gitrepos.links.queries import LINKS
    from keeptrusts.api.parameters import Asked

    if path == "/v1/drift":
        return bare_drift()
    listing: Any = CONFIGURATIONS if path == "/v1/configurations" else LINKS
    with CaptureQueriesContext(connection) as asked:
        listing.page(listing.selection(Asked(QueryDict(""))), ALL)
    sql = asked.captured_queries[0]["sql"]
    driver = bare_driver()
    return lambda: orjson.dumps({"data": bare_rows(driver, sql)}, default=str)


def bare_rows(driver: Any, sql: str) -> list[dict[str, Any]]:
    """The rows of a statement by the bare driver, by the names of their columns."""
    cursor = driver.cursor()
    cursor.execute(sql)
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def bare_drift() -> Ask:
    """What a survey of drift stands on, by the bare drivers and orjson: every statement of it and
    both hashes of Redis, joined to rows of its members. Nothing is judged, and no MAC is asked."""
    import orjson
    import redis
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from gateways.drift import survey
    from gateways.drift.feeds import Current
    from gateways.drift.reported import Stored
    from gateways.reports import live

    with CaptureQueriesContext(connection) as asked:
        survey.rows()
    statements = [one["sql"] for one in asked.captured_queries if one["sql"].startswith("SELECT")]
    driver = bare_driver()
    server = redis.Redis.from_url(os.environ["REDIS_URL"], protocol=2)

    def of(table: str) -> list[dict[str, Any]]:
        [sql] = [one for one in statements if f'FROM "{table}"' in one]
        return bare_rows(driver, sql)

    def ask() -> bytes:
        last, handed = server.hgetall(live._SEEN), server.hgetall(live._HANDED)
        gateways, files = of("gateways_gateway"), of("gitrepos_linkedfile")
        holding, active = of("gitrepos_gitrepo"), of("configurations_configuration")
        versions = of("configurations_version")
        sources = {one[_first(one)]: tuple(one.values()) for one in versions}
        by_name = {one["configuration"]: one for one in files}
        rows = []
        for one in gateways:
            stored = Stored._make(one.values())
            version = Current._make(sources[stored.bound_id])
            file = by_name[stored.bound_id]
            report = orjson.loads(last[stored.pk.encode()][64:])
            content = orjson.loads(handed[stored.pk.encode()][64:])
            rows.append({
                "gateway": stored.pk, "configuration": stored.bound_id, "state": "in_sync",
                "since": stored.state__running_since, "why": "", "configuration_state": "in_sync",
                "held": None, "git_hash": file["content_hash"],
                "git_commit": file["link__last_commit"],
                "desired_hash": version.content_hash, "desired_version": version.version,
                "published_hash": content[0], "running_hash": stored.state__running_hash,
                "running_version": stored.state__running_version, "last_seen_at": report[0],
                "successor": None, "problem": stored.state__problem_code or None,
                "client_keys": stored.keys,
            })  # fmt: skip
        return orjson.dumps({"data": rows, "others": [holding, len(active)]}, default=str)

    return ask


def _first(row: dict[str, Any]) -> str:
    return next(iter(row))


def stock(path: str) -> Ask:
    """A list as Django REST framework's own classes give it."""
    from django.test import RequestFactory
    from rest_framework import generics, renderers, serializers

    from configurations.models import Configuration
    from gateways.models import State
    from gitrepos.models import Link

    table: Any = {"/v1/configurations": Configuration, "/v1/git-repos": Link, "/v1/drift": State}[
        path
    ]
    many = "gateway" if table is State else "remote" if table is Link else None

    class Shown(serializers.ModelSerializer[Any]):
        class Meta:
            model = table
            fields = "__all__"
            depth = 1 if many else 0

    class Stock(generics.ListAPIView[Any]):
        authentication_classes = ()
        permission_classes = ()
        renderer_classes = (renderers.JSONRenderer,)
        serializer_class = Shown
        queryset = table.objects.select_related(*filter(None, [many])).order_by("pk")

    view = Stock.as_view()

    def ask() -> bytes:
        answer: Any = view(RequestFactory().get(path))
        answer.render()
        return bytes(answer.content)

    return ask


def spent(ask: Ask, least_seconds: float = 0.3) -> float:
    """CPU milliseconds of this process for one answer."""
    begin, count = time.process_time(), 0
    while (now := time.process_time()) - begin < least_seconds or not count:
        ask()
        count += 1
    return 1000 * (now - begin) / count


def compare(web: Web, path: str, ninja: Ninja | None, rounds: int) -> float:
    """Print a line for a list of what there is; returns the milliseconds of a 304, if any."""
    from gateways.reports import live

    def cold() -> bytes:
        forget()
        return web.ask(path)[2]

    def warm() -> float:
        web.ask(path)  # What is kept for two seconds was forgotten while the others were measured.
        return spent(lambda: web.ask(path)[2])

    def again() -> bytes:
        live.mark_change()
        return web.ask(path)[2]

    status, headers, body = web.ask(path)
    assert status == "200 OK", (status, body[:300])
    etag = headers.get("ETag", "")
    sides: dict[str, Callable[[], float]] = {
        "bare": lambda: spent(bare_ask),
        "cold": lambda: spent(cold),
        "warm": warm,
        "stock": lambda: spent(stock_ask),
    }
    bare_ask, stock_ask = bare(path), stock(path)
    if path == "/v1/drift":
        sides["again"] = lambda: spent(again)
    if etag:
        sides["304"] = lambda: spent(lambda: web.ask(path, etag)[2])
    if ninja is not None and path == "/v1/configurations":
        sides["ninja"] = ninja.spent
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    medians = {name: statistics.median(values) for name, values in found.items()}
    told = ", ".join(
        f"{name} {value:.2f} ms" + (f" ({value / medians['bare']:.2f})" if name != "bare" else "")
        for name, value in medians.items()
    )
    print(f"  {len(body):>9} bytes: {told}", flush=True)
    return medians.get("304", 0.0)


def large(web: Web) -> None:
    """A page, a search and filters among many, with their plans."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for what, path in _LARGE.items():
        web.ask(path)
        forget()
        walls = []
        for _ in range(5):
            forget()
            begin = time.monotonic()
            status, _, body = web.ask(path)
            walls.append(1000 * (time.monotonic() - begin))
            assert status == "200 OK", (path, body[:300])
        print(f"{what}: {statistics.median(walls):.1f} ms, {path}", flush=True)
        if connection.vendor != "postgresql":
            continue
        forget()
        with CaptureQueriesContext(connection) as asked:
            web.ask(path)
        for one in asked.captured_queries:
            if one["sql"].startswith("SELECT") and "configurations_" in one["sql"]:
                with connection.cursor() as cursor:
                    cursor.execute("explain (analyze, costs off, timing off) " + one["sql"])
                    print("".join(f"    {line}\n" for (line,) in cursor.fetchall()[:24]), end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 100, 1000, 4000, 10_000])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "bench-envs")
    asked = parser.parse_args()
    with servers(asked.database):
        web = Web(set_up())
        settled()
        if asked.large:
            fill(100_000, versions=10)
            large(web)
            return
        ninja = None
        try:
            ninja = Ninja(ninja_python(asked.envs))
        except (OSError, subprocess.CalledProcessError) as exc:
            print(f"without django-ninja: {exc}")
        unchanged: list[float] = []
        for size in asked.sizes:
            fill(size)
            print(f"{size} configurations, links and gateways ({asked.database}):")
            for path in ("/v1/configurations", "/v1/git-repos", "/v1/drift"):
                print(f" {path}")
                if milliseconds := compare(web, path, ninja, asked.rounds):
                    unchanged.append(milliseconds)
        print(f"304 of the most rows: {unchanged[-1] / unchanged[0]:.2f} of that of the fewest")
        if ninja is not None:
            ninja.stop()


if __name__ == "__main__":
    main()
