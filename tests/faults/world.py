"""A control plane, a gateway and a repository behind networks and servers that fail."""

import contextlib
import http.client
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis

from tests.kt.gateway.support import Running
from tests.support.line import Line
from tests.support.managed import fleet, register
from tests.support.repo import Repo, policy
from tests.support.servers import Postgres, Redis
from tests.support.stack import Reply, Stack, title, wait_for

CONFIGURATION = "fed"
# No superuser: those have connections kept for them, and may log in whatever else is forbidden.
_ROLE = "keeptrusts_app"
# Whatever is written fails with the code that stands in a table, which is empty otherwise.
_FAILING = """
CREATE TABLE fault (code text);
GRANT SELECT ON fault TO PUBLIC;
CREATE FUNCTION fail_on_purpose() RETURNS trigger AS $$
DECLARE wanted text;
BEGIN
  SELECT code INTO wanted FROM fault LIMIT 1;
  IF found THEN RAISE EXCEPTION 'fails on purpose' USING ERRCODE = wanted; END IF;
  RETURN NULL;
END $$ LANGUAGE plpgsql;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'fault'
  LOOP
    EXECUTE format('CREATE TRIGGER fault BEFORE INSERT OR UPDATE OR DELETE ON %I'
      ' FOR EACH STATEMENT EXECUTE FUNCTION fail_on_purpose()', name);
  END LOOP;
END $$;
"""


@dataclass(frozen=True)
class World:
    """The parts of it. `database` is a superuser's url that does not lead over the network."""

    stack: Stack
    repo: Repo
    gateway: Running
    database: str
    broker: Redis
    to_database: Line
    to_broker: Line
    postgres: Postgres | None

    def sql(self, statement: str, *parameters: Any) -> None:
        """Run a statement as a superuser; `{role}` and `{name}` are those of the stack."""
        names = {"role": _ROLE, "name": f'"{urlsplit(self.database).path[1:]}"'}
        able = "-c default_transaction_read_only=off"
        with psycopg.connect(self.database, autocommit=True, options=able) as connection:
            connection.execute(statement.format(**names), parameters or None)

    def terminate(self) -> None:
        """End every connection of the stack to its database."""
        self.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_ROLE}'"
        )

    def cancel(self) -> None:
        """Cancel whatever statement of the stack runs."""
        self.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = '{_ROLE}'")

    @contextmanager
    def redis(self) -> Iterator["redis.Redis"]:
        """A client that does not lead over the network."""
        client = redis.Redis.from_url(self.broker.url)
        try:
            yield client
        finally:
            client.close()

    def down(self, path: str = "/healthz") -> dict[str, str]:
        """What a health check says is wrong, by name; nothing if it does not answer."""
        try:
            answer = self.stack.request("GET", path, token="none").json
        except (OSError, http.client.HTTPException):
            return {"web": "no answer"}
        return {row["check"]: row["message"] for row in answer.get("error", {}).get("details", [])}

    def post(self, path: str, **more: Any) -> Reply:
        """The answer to a POST about a repository that nobody has."""
        link = {"url": f"http://127.0.0.1:9/{os.urandom(4).hex()}.git", **more}
        return self.stack.request("POST", path, link)

    def is_well(self) -> bool:
        """Whether everything runs again."""
        return not self.down()

    def push(self, name: str) -> Callable[[], bool]:
        """Push a policy; returns a probe for the gateway's enforcing it."""
        self.repo.commit({f"{CONFIGURATION}/policy-config.yaml": policy(name)})
        return lambda: self.gateway.get("/keeptrusts/config").json["name"] == name

    def threads(self) -> dict[str, int]:
        """The threads of web, events and poller."""
        parts = {title("web"): 0, title("streams"): 0, title("poller"): 0}
        for pid, line in self.stack.children().items():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for part in parts:
                    if part in line:
                        parts[part] += len(os.listdir(f"/proc/{pid}/task"))
        return parts


@contextmanager
def world(
    tmp: Path, repo: Repo, *, database: str, postgres: Postgres | None = None
) -> Iterator[World]:
    """A world that is well; `database` is a superuser's url of a database without tables."""
    place = urlsplit(database)
    socket = f"{parse_qs(place.query)['host'][0]}/.s.PGSQL.5432"
    with ExitStack() as running:
        broker = running.enter_context(Redis(tmp / "redis.sock"))
        to_broker = running.enter_context(Line(str(tmp / "redis.sock")))
        to_database = running.enter_context(Line(socket))
        with psycopg.connect(database, autocommit=True) as connection:
            _make_role(connection, place.path[1:])
        stack = Stack(
            tmp / "data",
            DATABASE_URL=f"postgresql://{_ROLE}@127.0.0.1:{to_database.port}{place.path}",
            REDIS_URL=f"redis://127.0.0.1:{to_broker.port}/0",
            KEEPTRUSTS_SECRET_KEY="only-for-tests-0123456789abcdef0123456789",
        ).start()
        running.callback(stack.stop)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(_FAILING)
        repo.commit({f"{CONFIGURATION}/policy-config.yaml": policy("First")})
        stack.link(repo.url)
        wait_for(lambda: stack.get("/v1/configurations"))
        gateways = running.enter_context(fleet(stack, tmp / "gateways"))
        gateway = gateways.start("one", register(stack, "one", CONFIGURATION))
        wait_for(lambda: gateway.get("/readyz").status == 200)
        # The first check of a content starts the judges, for seconds that are no fault's.
        checked = stack.request("POST", "/v1/configurations/validate", {"content": policy("Any")})
        assert checked.status == 200
        yield World(stack, repo, gateway, database, broker, to_database, to_broker, postgres)


def _make_role(connection: "psycopg.Connection[Any]", name: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_ROLE]).fetchone():
        connection.execute(f"CREATE ROLE {_ROLE} LOGIN")  # type: ignore[call-overload]
    connection.execute(f'ALTER DATABASE "{name}" OWNER TO {_ROLE}')  # type: ignore[call-overload]
    connection.execute(f"GRANT ALL ON SCHEMA public TO {_ROLE}")  # type: ignore[call-overload]
