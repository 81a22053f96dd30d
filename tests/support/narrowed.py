"""Worlds of rows in two parts: what a narrowed token sees, and what it does not."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils import timezone
from rest_framework.test import APIClient

from access import tokens
from access.sights import Sight
from configurations.models import ChangeRequest, Configuration, Version
from configurations.publish import COUNTER
from events.models import AuditEntry, Event
from gateways.models import Binding, ClientKey, Decision, Gateway, State
from gateways.reports import reports
from gitrepos.models import GitCredential, Host, Link, LinkedFile, Pause, Remote, SyncRun
from keeptrusts.models import Counter
from tests.support.repo import policy

SIGHT: Mapping[str, Any] = {"ids": ["a-*"], "labels": {"team": "a"}}
NOW = datetime(2031, 5, 6, 7, 8, 9, 123456, UTC)
SEEN_IDS = ("a-one", "a-two", "x")
HIDDEN_IDS = ("h-one", "b-a-one", "z")
NOWHERE = "nowhere"
# What no answer to the narrowed token may have in it.
SECRET = "hush"

_SEEN_LINK, _QUIET_LINK, _HIDDEN_LINK = (UUID(int=n) for n in (11, 12, 13))
_SEEN_CREDENTIAL, _HIDDEN_CREDENTIAL = UUID(int=21), UUID(int=22)
_SEEN_BINDING, _HIDDEN_BINDING = UUID(int=31), UUID(int=32)
IDS: Mapping[str, tuple[object, ...]] = {
    "configuration_id": (*SEEN_IDS, HIDDEN_IDS[0], NOWHERE),
    "link_id": (_SEEN_LINK, _QUIET_LINK, _HIDDEN_LINK),
    "credential_id": (_SEEN_CREDENTIAL, _HIDDEN_CREDENTIAL),
    "gateway_id": ("g-one", "g-two", "g-hidden", "g-unbound"),
    "binding_id": (_SEEN_BINDING, _HIDDEN_BINDING),
    "name": ("k-one", "k-team", "k-all", "k-hidden"),
    "number": (1, 2),
    "token_id": (UUID(int=41),),
    "rule_id": (UUID(int=51),),
    "endpoint_id": (UUID(int=61),),
    "notification_id": (UUID(int=71),),
    "forge_credential_id": (UUID(int=81),),
    "trust_id": (UUID(int=51),),
    "epoch": (1,),
    "level": ("0",),
    "place": ("000.p/1",),
}
_CONTENTS = [policy().encode(), policy(name="Another").encode()]
_FINDING = {
    "code": "E001", "severity": "error", "path": "", "message": "no", "suggestion": "", "line": 1,
    "column": 1,
}  # fmt: skip
_HASHES = [sha256(content).hexdigest() for content in _CONTENTS]


class World:
    """Rows in the making. `gap` is how far the numbers of neighbouring rows of what is seen lie
    apart: between them is room for what is not seen."""

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._rows: dict[type[Model], list[Model]] = {}
        self._numbers: dict[type[Model], int] = {}

    def seen(self, model: type[Model], **fields: Any) -> None:
        """A row with a number that follows those before at the distance of the gap."""
        number = self._numbers[model] = self._numbers.get(model, 0) + self._gap
        self._rows.setdefault(model, []).append(model(**{"pk": number, **fields}))

    def hidden(self, model: type[Model], **fields: Any) -> None:
        """A row whose number is none of `seen`."""
        self._rows.setdefault(model, []).append(model(**fields))

    def write(self) -> None:
        """Store the rows, those that others point to first."""
        for model in (
            Counter, Host, Pause, GitCredential, Remote, Link, Configuration, Version, LinkedFile,
            SyncRun, Gateway, State, Binding, ClientKey, Event, AuditEntry, Decision,
            ChangeRequest,
        ):  # fmt: skip
            if rows := self._rows.get(model):
                model._default_manager.bulk_create(rows)


def seen_part(random: Random, hidden: Random | None) -> World:
    """What is seen, by `random`; what its rows have of what is not is by `hidden`, if given."""
    world = World(30 if hidden else 1)
    ago = _Ago(random)
    _add_credential(world.seen, _SEEN_CREDENTIAL, "team-a", ago)
    for number, link_id in enumerate((_SEEN_LINK, _QUIET_LINK)):
        _add_link(world.seen, link_id, random, ago, number, _SEEN_CREDENTIAL, hidden)
    for number, name in enumerate(SEEN_IDS):
        # Of git one; the other needs no file.
        owner = "" if name == "x" else random.choice(["", str(_SEEN_LINK), str(_SEEN_LINK)])
        labels = {"team": "a"} if name == "x" else random.choice([{}, {"team": "b"}])
        _add_configuration(world.seen, world.seen, name, labels, owner, random, ago)
        if name != "x":
            _add_file(world.seen, _SEEN_LINK, name, random, ago, hidden)
        _add_logs(world.seen, name, number, random, ago, hidden)
    _add_file(world.seen, _QUIET_LINK, "a-new", random, ago, hidden)
    for number in range(random.randrange(1, 4)):
        _add_run(world.seen, _SEEN_LINK, number, random, ago, hidden)
    for name, bound in (("g-one", "a-one"), ("g-two", "x")):
        _add_gateway(world.seen, name, bound, random, ago, hidden)
        _add_decision(world.seen, name, bound, random, ago)
    world.seen(
        Binding, pk=_SEEN_BINDING, configuration_id="x", selector={"k": "1"}, created_at=ago()
    )
    audited = ({"name": "g", "bound_id": "a-one"}, {"configuration_id": "x", "selector": {}})
    _audit(world.seen, "gateway.registered", "g-one", random, ago, after=audited[0])
    _audit(world.seen, "gateway_binding.created", _SEEN_BINDING, random, ago, after=audited[1])
    globs = [f"{SECRET}/**"] if hidden and hidden.random() < 0.5 else []
    _audit(
        world.seen, "git_repo.edited", _SEEN_LINK, random, ago,
        before={"path": ""}, after={"path": "p", "include": globs},
    )  # fmt: skip
    _audit(world.seen, "git_repo.confirmed", _SEEN_LINK, random, ago, after=_held(hidden))
    extra = ["g-hidden"] if hidden and hidden.random() < 0.5 else []
    _add_key(world.seen, "k-one", ago, gateways=["g-one", *extra])
    _add_key(world.seen, "k-team", ago, selector={"k": "1"})
    _add_key(world.seen, "k-all", ago)
    return world


def hidden_part(random: Random) -> World:
    """Some of what is not seen; each kind of row by chance."""
    world = World(1)
    ago = _Ago(random)
    add = world.hidden
    _add_counters(world, random)
    if random.random() < 0.3:
        add(Host, pk="forge.example", unreached=["1", "2", "3"], cooling_until=ago(ahead=True))
    if random.random() < 0.3:
        add(Pause, host="forge.example", credential_digest=SECRET, until=ago(ahead=True))
    _add_credential(add, _HIDDEN_CREDENTIAL, SECRET, ago)
    _add_link(add, _HIDDEN_LINK, random, ago, 7, random.choice([None, _HIDDEN_CREDENTIAL]), None)
    number, made = iter(range(1, 1000)), set()

    def numbered(model: type[Model], **fields: Any) -> None:
        # Between the numbers of what is seen, and behind them.
        add(model, **{"pk": next(number) * 3 + 1, **fields})

    for name in random.sample(HIDDEN_IDS, random.randrange(1, 4)):
        owner = random.choice([str(_SEEN_LINK), str(_SEEN_LINK), str(_HIDDEN_LINK), ""])
        _add_configuration(numbered, add, name, {"team": "b"}, owner, random, ago)
        for link_id in (_SEEN_LINK, _HIDDEN_LINK):
            if random.random() < 0.7:
                _add_file(numbered, link_id, name, random, ago, random)
        _add_logs(numbered, name, next(number), random, ago, random)
        # A gateway that is seen was bound to it once.
        _add_decision(numbered, "g-one", name, random, ago)
        gateway = random.choice(["g-hidden", "g-unbound", f"g-{name}"])
        if random.random() < 0.6 and gateway not in made:
            made.add(gateway)
            _add_gateway(
                add, gateway, None if gateway == "g-unbound" else name, random, ago, random
            )
            _add_decision(numbered, gateway, name, random, ago)
            # Of when it was bound to what is seen.
            _add_decision(numbered, gateway, "a-one", random, ago)
            _audit(numbered, "gateway.edited", gateway, random, ago, after={"bound_id": name})
        if random.random() < 0.5:
            _audit(
                numbered, "gateway.edited", "g-one", random, ago,
                before={"bound_id": name}, after={"bound_id": "a-one"},
            )  # fmt: skip
    if random.random() < 0.5:
        add(
            Binding, pk=_HIDDEN_BINDING, configuration_id=next(_made(world)),
            selector={"k": "1"}, created_at=ago(),
        )  # fmt: skip
    for _ in range(random.randrange(3)):
        _add_run(numbered, _SEEN_LINK, next(number), random, ago, random, named=HIDDEN_IDS[0])
    for kind in random.sample(list(Event.Kind.values), 3):
        about = random.choice(["", str(_SEEN_LINK)])
        numbered(Event, kind=kind, git_repo=about, message=SECRET, created_at=ago())
    for kind, target in (
        ("configuration.pin", next(_made(world))),
        ("git_repo.edit", str(_SEEN_LINK)),
        ("git_repo.edit", str(_HIDDEN_LINK)),
    ):
        if random.random() < 0.3:
            numbered(
                ChangeRequest, kind=kind, target=target, upon="", asker_kind="token", asker_id="1",
                asker_name=SECRET, broken=random.choice([None, ago()]), created_at=ago(),
            )  # fmt: skip
    _audit(numbered, "git_repo.edited", _HIDDEN_LINK, random, ago, after={"path": SECRET})
    # It does not say what the gateway was bound to then.
    _audit(numbered, "gateway.token_rotated", "g-one", random, ago, after={"until": SECRET})
    for action in ("token.created", "git_credential.edited", "client_key.created"):
        _audit(numbered, action, SECRET, random, ago, after={"name": SECRET})
    _add_key(add, "k-hidden", ago, gateways=["g-hidden"])
    return world


class _Ago:
    """Moments of the past, some of them equal."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def __call__(self, *, ahead: bool = False) -> datetime:
        seconds = self._random.choice([1, 2, 5, 30, 200, 4000, 90_000])
        return NOW + timedelta(seconds=seconds if ahead else -seconds)


def _made(world: World) -> Iterable[str]:
    return (str(row.pk) for row in world._rows[Configuration] if row.pk in HIDDEN_IDS)


def _add_counters(world: World, random: Random) -> None:
    for name in (COUNTER, Gateway.COUNTER):
        world.hidden(Counter, pk=name, value=random.randrange(1, 10**9))


def _add_credential(add: Any, pk: UUID, name: str, ago: _Ago) -> None:
    at = ago()
    add(
        GitCredential, pk=pk, name=name, kind="token", hosts=["forge.example"], secret="sealed",
        created_at=at, updated_at=at,
    )  # fmt: skip


def _add_link(
    add: Any, link_id: UUID, random: Random, ago: _Ago, number: int, credential: UUID | None,
    hidden: Random | None,
) -> None:  # fmt: skip
    """A link with its remote, which is due, and may wait."""
    url, at = f"https://forge.example/o/{link_id}", ago()
    add(
        Remote, pk=link_id, url=url, host="forge.example", shared_id=credential,
        credential_digest=str(credential or "")[-8:], next_poll_at=ago(), put_off=1,
        last_polled_at=at, waits_since=random.choice([None, at]),
    )  # fmt: skip
    code = random.choice(["", "", "timeout", "fetch_too_large"])
    is_held = random.random() < 0.3
    # What the row of a link has of files that may not be seen.
    some: dict[str, Any] = {}
    if hidden is not None:
        some = {
            "counts": {"synced": hidden.randrange(9), "quarantined": hidden.randrange(9)},
            "let_off": hidden.choice(["", SECRET]),
            "cases_not_run": hidden.randrange(2),
            "include": hidden.choice([[], [f"{SECRET}/**"]]),
            "exclude": hidden.choice([[], [f"{SECRET}/*"]]),
        }
    add(
        Link, pk=link_id, remote_id=link_id, url=url, branch=f"b{number}", observed_generation=1,
        last_commit="c" * 40, last_synced_at=at, error_code=code,
        error_message=_words(code, f" in {SECRET}/p" if hidden else ""),
        error_since=at if code else None, auto_create_configuration=random.random() < 0.5,
        held=_held(hidden) if is_held else None, created_at=at, updated_at=at, **some,
    )  # fmt: skip


def _words(code: str, where: str) -> str:
    return f"It failed{where}." if code else ""


def _held(hidden: Random | None) -> dict[str, Any]:
    removed = [{"path": "a-one/policy-config.yaml", "configuration": "a-one"}]
    reason, some = "mass_removal", {}
    if hidden and hidden.random() < 0.7:
        removed.insert(0, {"path": f"{SECRET}/p", "configuration": HIDDEN_IDS[0]})
        reason = "weaker"
        people = {"addresses": [], "keys": [], "by_key_alone": False, "is_whole": False}
        some = {
            "weakens": [f"{HIDDEN_IDS[0]}: {SECRET}"], "four_eyes": True, "people": people,
            "replaces": [[HIDDEN_IDS[0], "a", "b"]],
        }  # fmt: skip
    return {
        **some,
        "reason": reason, "message": f"{len(removed)} would lose their file.",
        "commit": "d" * 40, "since": "2031-05-06T07:00:00Z", "would_remove": removed,
    }  # fmt: skip


def _add_configuration(
    number: Any, add: Any, name: str, labels: dict[str, str], owner: str, random: Random, ago: _Ago
) -> None:
    versions, at = random.randrange(1, 3), ago()
    refused = random.random() < 0.5
    add(
        Configuration, pk=name, name=f"Policy {name}", labels=labels,
        status=random.choice(["active", "active", "archived"]),
        source="git" if owner else "api", owner=owner, version=versions,
        content_hash=_HASHES[versions - 1], git_hash=random.choice(["", *_HASHES]),
        pinned_at=random.choice([None, at]), pin_reason="why", pin_actor="who",
        findings=[{**_FINDING, "column": 2, "message": "no"}] if refused else [],
        refused_since=at if refused else None, created_at=at, updated_at=at,
        publish_seq=random.randrange(9),
    )  # fmt: skip
    for one in range(1, versions + 1):
        number(
            Version, configuration_id=name, number=one, content=_CONTENTS[one - 1],
            content_hash=_HASHES[one - 1], source="api", actor="who", created_at=at,
        )  # fmt: skip


def _add_file(
    add: Any, link_id: UUID, name: str, random: Random, ago: _Ago, hidden: Random | None
) -> None:
    outcome = random.choice(["missing", "missing", *LinkedFile.Outcome.values])
    # What it was called before may be what is not seen any more.
    former = HIDDEN_IDS[1] if hidden and hidden.random() < 0.3 else ""
    add(
        LinkedFile, link_id=link_id, path=f"{name}/policy-config.yaml", configuration=name,
        renamed_from=former if name in (*SEEN_IDS, "a-new") else random.choice(["", "a-one"]),
        blob="b" * 40, content_hash=_HASHES[0], outcome=outcome, updated_at=ago(),
        findings=[_finding(hidden)] if outcome == "missing" else [],
    )  # fmt: skip


def _finding(hidden: Random | None) -> dict[str, Any]:
    why = f"{SECRET}/p names no readable id" if hidden else "none"
    message = f"it lost its file and stays in force: {why}"
    return {**_FINDING, "code": "prune_waits", "severity": "warning", "message": message}


def _add_run(
    add: Any, link_id: UUID, number: int, random: Random, ago: _Ago, hidden: Random | None,
    named: str = "a-one",
) -> None:  # fmt: skip
    code = random.choice(["", "timeout"]) if named == "a-one" else ""
    files = [_run_file(named, None)]
    if hidden and hidden.random() < 0.5:
        files.insert(0, _run_file(HIDDEN_IDS[0], hidden))
    add(
        SyncRun, link_id=link_id, trigger="poll", from_commit="c" * 40, to_commit="d" * 40,
        error_code=code, error_message=_words(code, f" in {SECRET}" if hidden else ""),
        files=[] if code else files, started_at=ago(), finished_at=ago(),
    )  # fmt: skip


def _run_file(name: str, hidden: Random | None) -> dict[str, Any]:
    return {
        "path": f"{name}/policy-config.yaml", "configuration": name, "outcome": "synced",
        "renamed_from": "", "version": 1, "findings": [_finding(hidden)] if hidden else [],
    }  # fmt: skip


def _add_gateway(
    add: Any, name: str, bound: str | None, random: Random, ago: _Ago, hidden: Random | None
) -> None:
    """A gateway with its last report, which may be of what it was bound to before."""
    at, bound_at = ago(), NOW - timedelta(seconds=40)
    add(
        Gateway, pk=name, name=name, labels={"k": random.choice("12")}, bound_id=bound,
        ambiguous=bool(hidden and hidden.random() < 0.5), changed_seq=1,
        bound_at=bound_at, digest=name, client_keys=random.choice(["", "demanded"]),
        created_at=at, updated_at=at,
    )  # fmt: skip
    if random.random() < 0.2:
        return
    was_elsewhere, is_well = random.random() < 0.4, random.random() < 0.6
    # As it is published, where that has one version.
    running = (bound, random.randrange(1, 3), random.choice([_HASHES[0], *_HASHES]))
    handed, problem = random.choice(_HASHES), "it is broken"
    problem_at = NOW - timedelta(seconds=random.choice([5, 300]))
    if was_elsewhere:
        # Of before it was bound to what is seen: something that is not seen, of any content.
        count = hidden.randrange(1, 9) if hidden else 1
        running = (HIDDEN_IDS[0], count, sha256(b"%d" % count).hexdigest())
        handed = running[2]
    if problem_at < bound_at and hidden:
        problem = f"{SECRET} is broken"
    add(
        State, pk=name, running_configuration=running[0] or "",
        running_version=running[1], running_hash=running[2],
        running_seq=hidden.randrange(99) if was_elsewhere and hidden else 0,
        running_since=ago(), health="ok", problem_code="" if is_well else "policy_invalid",
        problem_message="" if is_well else problem, problem_since=None if is_well else problem_at,
        kt_version="1", started_at=ago(), stopping=False, counters={}, stream=True,
        last_seen_at=ago(), handed_hash=handed,
    )  # fmt: skip


def _add_decision(add: Any, gateway: str, bound: str, random: Random, ago: _Ago) -> None:
    for number in range(random.randrange(1, 4)):
        at = ago()
        event = {"id": f"{bound}-{number}", "time": at.isoformat(), "verdict": "allow"}
        add(
            Decision, gateway=gateway, event_id=f"{bound}-{number}", at=at, configuration=bound,
            verdict="allow", event=event, received_at=at,
        )  # fmt: skip


def _add_key(add: Any, name: str, ago: _Ago, **scope: Any) -> None:
    at = ago()
    add(ClientKey, pk=name, digest=name, created_at=at, updated_at=at, **scope)


def _add_logs(
    add: Any, name: str, number: int, random: Random, ago: _Ago, hidden: Random | None
) -> None:
    former = f"h-{hidden.randrange(99)}" if hidden else "former"
    details: dict[str, Any] = {"renamed_from": former, "gateways": [f"g-{former}"]}
    for kind in random.sample(["pinned", "renamed", "rebound", "quarantined", "archived"], 3):
        is_moved = kind in ("renamed", "rebound")
        own = {"findings": [_finding(hidden)]} if kind == "quarantined" else {"n": number}
        add(
            Event, kind=kind, git_repo=str(_SEEN_LINK), configuration=name, created_at=ago(),
            message=f"{former} is {name}" if is_moved else f"{name} {kind}",
            details=details if is_moved else own,
        )  # fmt: skip
    _audit(add, "configuration.edited", name, random, ago, before={"n": 1}, after={"n": number})


def _audit(add: Any, action: str, target: object, random: Random, ago: _Ago, **sides: Any) -> None:
    add(
        AuditEntry, at=ago(), actor_kind="command", actor_id="", actor_name="who", action=action,
        target=str(target), before=sides.get("before"), after=sides.get("after"),
    )  # fmt: skip


def freeze(monkeypatch: Any) -> None:
    """Let it be `NOW`, of a fleet that is large."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    # A few gateways are as many as thousands: how often each reports depends on it.
    monkeypatch.setattr(reports, "_REPORTS_PER_SECOND", 0.05)


def client_of(role: str, **sight: Any) -> APIClient:
    """A client with a token of a role, narrowed by `ids` and `labels`."""
    client = APIClient()
    text = tokens.create(role, role=role, sight=Sight.read({"ids": [], "labels": {}, **sight}))[1]
    # One id for all requests: answers are compared byte for byte.
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}", HTTP_X_REQUEST_ID="the-same")
    return client
