"""Findings of a doctor, of each thing that can be wrong."""

import json
import os
import time
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from gateways.models import Gateway, State
from gateways.signing import keys
from gitrepos.models import GitCredential, Host, Link, Remote
from keeptrusts import redis_client
from keeptrusts.doctor import machine
from keeptrusts.doctor.findings import Finding, sorted_by_level
from keeptrusts.processes import heartbeat, parts

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 1, 2, tzinfo=UTC)
Told = dict[tuple[str, str], str]


def told() -> tuple[int, Told]:
    """The exit status, and the message of each check and level; of several the last."""
    out, status = StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=out)
    except SystemExit as exc:
        status = int(exc.code or 0)
    return status, {
        (one["check"], one["level"]): one["message"] for one in json.loads(out.getvalue())
    }


@pytest.fixture(autouse=True)
def _well() -> None:
    """A key, and a tick that ran just now."""
    keys.ensure()
    heartbeat.beat()
    parts.write(settings.ENV.data_dir, {})


def test_a_well_one_has_nothing_wrong() -> None:
    """And each check says that it looked."""
    status, found = told()

    assert status == 0
    assert {level for _, level in found} == {"ok"}
    assert {check for check, _ in found} >= {
        "database",
        "broker",
        "beat",
        "clock",
        "disk",
        "signing_key",
    }


def _no_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    redis_client.client().delete("keeptrusts:tick")


def _no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(machine, "client", lambda: SimpleNamespace(time=gone))


def _late_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    real = redis_client.client()
    other = SimpleNamespace(time=lambda: (int(time.time()) - 100, 0), set=real.set)
    monkeypatch.setattr(machine, "client", lambda: other)


def _disk(free: int, flag: int) -> Any:
    def change(monkeypatch: pytest.MonkeyPatch) -> None:
        kind = namedtuple("kind", "f_bavail f_frsize f_flag")
        monkeypatch.setattr(os, "statvfs", lambda _: kind(free >> 12, 4096, flag))

    return change


def _part(monkeypatch: pytest.MonkeyPatch) -> None:
    parts.write(settings.ENV.data_dir, {"syncer": "It was ended by signal 9."})


def _signing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(settings.ENV, secret_keys=("another-key-0123456789abcdef0123456789",))
    monkeypatch.setattr(settings, "ENV", other)
    heartbeat.beat()


@pytest.mark.parametrize(
    ("change", "check", "level", "words"),
    [
        (_no_tick, "beat", "wrong", "no tick ran in the last minute"),
        (_no_redis, "broker", "wrong", "The broker does not answer."),
        (_late_redis, "clock", "wrong", "the broker is 10"),
        (_disk(10 << 20, 0), "disk", "wrong", "10 MiB left"),
        (_disk(10 << 40, os.ST_RDONLY), "disk", "wrong", "or can only be read"),
        (_disk(500 << 20, 0), "disk", "warning", "500 MiB left"),
        (_part, "syncer", "wrong", "It was ended by signal 9."),
        (_signing_key, "signing_key", "wrong", "The signing key cannot be opened"),
    ],
)
def test_what_is_wrong_with_a_machine(
    monkeypatch: pytest.MonkeyPatch, change: Any, check: str, level: str, words: str
) -> None:
    """It is said, and whatever is wrong ends the command with 1."""
    change(monkeypatch)

    status, found = told()

    assert words in found[check, level]
    assert status == (1 if level == "wrong" else 0)
    monkeypatch.undo()
    parts.write(settings.ENV.data_dir, {})


@pytest.mark.parametrize(
    ("redis_url", "helps"),
    [
        ("redis://127.0.0.1:1", "see REDIS_URL in docs/operating.md"),
        ("", "it is the control plane's own, and ends with it: is one up on this data folder?"),
    ],
)
def test_a_line_has_what_helps_behind_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, helps: str
) -> None:
    """As one sentence; a broker of its own is named by no setting."""
    _no_redis(monkeypatch)
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, redis_url=redis_url))
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert f"wrong broker The broker does not answer; {helps}" in lines


def test_what_is_wrong_with_repositories() -> None:
    """Forges that rest, links that wait, polls that are late, credentials that end."""
    now = timezone.now()
    late = now - timedelta(minutes=5)
    remote = Remote.objects.create(url="https://f.example/a", host="f.example", next_poll_at=late)
    Host.objects.create(name="f.example", cooling_until=now + timedelta(minutes=5))
    Link.objects.create(
        remote=remote, url=remote.url, branch="main", observed_generation=1, settled=True,
        error_code="not_found", error_message="-", error_since=late, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    for name, at in (("old", late), ("new", now + timedelta(days=90))):
        GitCredential.objects.create(
            name=name,
            kind="token",
            hosts=["f.example"],
            expires_at=at,
            created_at=NOW,
            updated_at=NOW,
        )

    status, found = told()

    assert status == 1
    assert "f.example could not be reached" in found["forge", "warning"]
    assert "https://f.example/a fails since" in found["repositories", "warning"]
    assert "1 repositories are due, for up to 30" in found["polls", "warning"]
    assert found["credential", "wrong"].startswith("old expired at")
    assert ("credential", "warning") not in found


def test_gateways_of_another_release_are_named() -> None:
    """By how many there are; a patch of the same line is alike."""
    for number, release in enumerate(["0.1.0", "0.1.7", "0.2.0", "0.2.0"]):
        gateway = Gateway.objects.create(
            pk=f"g-{number}",
            name="G",
            created_at=NOW,
            updated_at=NOW,
            changed_seq=1,
            digest=str(number),
        )
        State.objects.create(
            gateway=gateway, kt_version=release, health="ok", started_at=NOW, last_seen_at=NOW,
            stopping=False, counters={}, stream=True,
        )  # fmt: skip

    status, found = told()

    assert status == 0
    assert found["gateways", "warning"].startswith("2 run 0.2.0, and this control plane is 0.1.0")
    assert found["gateways", "ok"] in ("1 run 0.1.0", "1 run 0.1.7")


def test_the_worst_comes_first() -> None:
    """Among alike those that were looked at first."""
    found = [
        Finding(check, level, "")
        for check, level in (("a", "ok"), ("b", "wrong"), ("c", "warning"), ("d", "wrong"))
    ]  # type: ignore[arg-type]

    assert [one.check for one in sorted_by_level(found)] == ["b", "d", "c", "a"]


def test_people_read_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others wrote steers no terminal."""
    monkeypatch.setattr(machine, "findings", lambda: [
        Finding("disk", "warning", "there \x1b[31m is little", "make room"),
        Finding("beat", "ok", "it ticks"),
    ])  # fmt: skip
    monkeypatch.setattr(settings, "DOCTORS", [])
    out = StringIO()

    call_command("doctor", stdout=out)

    assert out.getvalue().splitlines() == [
        "warning  disk           there \\x1b[31m is little; make room",
        "ok       beat           it ticks",
    ]
