"""Client keys of the control plane, from its API to a gateway's answers."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kt.gateway.support import SAFE, Running, chat
from tests.support.gateways import unb64u
from tests.support.managed import Fleet, becomes, fleet, ordinary, problem, register, seen
from tests.support.proxy import Passing, Proxy
from tests.support.repo import policy
from tests.support.stack import Stack

PASSED, UNKNOWN, LIMITED = 200, 401, 429


class Keyed:
    """A gateway of one test, and its client keys."""

    def __init__(self, stack: Stack, gateways: Fleet) -> None:
        self.stack, self.gateways = stack, gateways
        self.id = f"{os.urandom(4).hex()}-keyed"
        body = {"id": self.id, "content": policy("Open")}
        assert stack.request("POST", "/v1/configurations", body).status == 201
        self.token = register(stack, self.id, self.id)

    def make(self, name: str, **fields: Any) -> str:
        """Make a key for this gateway alone; the key."""
        body = {"name": f"{self.id}-{name}", "gateways": [self.id], **fields}
        reply = self.stack.request("POST", "/v1/client-keys", body)
        assert reply.status == 201, reply.body
        key: str = reply.data["key"]
        return key

    def change(self, method: str, name: str, **fields: Any) -> None:
        """Edit or revoke a key."""
        path = f"/v1/client-keys/{self.id}-{name}"
        assert self.stack.request(method, path, fields or None).status == 200

    def start(self, *arguments: str, url: str = "") -> Running:
        """Start the gateway."""
        return self.gateways.start(self.id, self.token, *arguments, url=url)

    def pulled(self) -> Passing:
        """Its list of client keys as it would get it now."""
        path = f"/v1/gateways/{self.id}/client-keys"
        reply = self.stack.request("GET", path, token=self.token)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        kept = {name: text for name, text in headers.items() if name.startswith("keeptrusts-")}
        return Passing(path, 200, kept, reply.body)


@pytest.fixture
def keyed(shared_stack: Stack, tmp_path: Path) -> Iterator[Keyed]:
    """A gateway that is not started yet."""
    with fleet(shared_stack, tmp_path / "gateways") as gateways:
        yield Keyed(shared_stack, gateways)


@pytest.fixture
def between(shared_stack: Stack, keyed: Keyed) -> Iterator[Proxy]:
    """A proxy in front of the control plane."""
    body = {"id": f"{keyed.id}-asks"}
    events = shared_stack.request("POST", "/v1/gateways", body).data["events_url"]
    with Proxy(shared_stack.url, events) as found:
        yield found


def call(gateway: Running, key: str) -> int:
    """The status of a call with a key."""
    return gateway.post(chat(SAFE), authorization=f"Bearer {key}").status


def shown(gateway: Running) -> dict[str, Any]:
    """What `/health` says of the control plane's keys."""
    found: dict[str, Any] = gateway.get("/health").json["client_keys"]
    return found


def test_a_key_lives_from_its_making_to_its_revocation(keyed: Keyed, between: Proxy) -> None:
    """Over a start without the control plane; the last revocation closes the gateway."""
    team, other = keyed.make("team"), keyed.make("other")
    gateway = keyed.start(url=between.url)
    becomes(lambda: call(gateway, team), PASSED)
    assert [ordinary(gateway), call(gateway, "ktc_nobodys"), call(gateway, other)] == [
        UNKNOWN, UNKNOWN, PASSED,
    ]  # fmt: skip

    keyed.change("PATCH", "team", rate_limit={"max_requests": 1, "window_seconds": 3600})
    becomes(lambda: call(gateway, team), LIMITED)
    keyed.change("DELETE", "other")
    becomes(lambda: call(gateway, other), UNKNOWN)
    becomes(lambda: seen(keyed.stack, keyed.id)["client_keys"]["arrived"], True)
    assert seen(keyed.stack, keyed.id)["state"] == "in_sync"

    between.cut()
    gateway.process.kill()  # A goodbye would wait for the control plane.
    gateway.process.wait()
    gateway = keyed.start(url=between.url)
    assert [call(gateway, key) for key in (team, other, "")] == [PASSED, UNKNOWN, UNKNOWN]
    found = shown(gateway)
    assert (found["in_force"], found["control_plane"]["count"]) == (1, 1)
    assert team not in str(found)

    between.mend()
    keyed.change("DELETE", "team")
    becomes(lambda: [call(gateway, team), ordinary(gateway)], [UNKNOWN, UNKNOWN])
    becomes(lambda: seen(keyed.stack, keyed.id)["client_keys"]["arrived"], True)
    off = {"client_keys": "off"}
    assert keyed.stack.request("PATCH", f"/v1/gateways/{keyed.id}", off).status == 200
    becomes(lambda: ordinary(gateway), PASSED)


def test_every_process_of_a_gateway_knows_of_a_revocation(keyed: Keyed, tmp_path: Path) -> None:
    """The operator's own keys are in force beside those of the control plane."""
    (tmp_path / "keys").write_text("of-the-operator\n")
    team = keyed.make("team")
    gateway = keyed.start("--workers", "2", "--client-keys", str(tmp_path / "keys"))
    becomes(lambda: {call(gateway, team) for _ in range(10)}, {PASSED})
    keyed.change("DELETE", "team")

    becomes(lambda: {call(gateway, team) for _ in range(10)}, {UNKNOWN})
    assert {call(gateway, "of-the-operator") for _ in range(10)} == {PASSED}


def _event(told: Passing) -> bytes:
    """The event by which a list would be told."""
    parts = {name: told.headers[f"keeptrusts-{name}"] for name in ("statement", "signature", "key")}
    chain = json.loads(unb64u(told.headers["keeptrusts-key-chain"]))
    return b"event: client-keys\ndata: %b\n\n" % json.dumps({**parts, "chain": chain}).encode()


def test_a_list_that_is_not_the_newest_of_the_control_plane_is_refused(
    keyed: Keyed, between: Proxy, shared_stack: Stack, tmp_path: Path
) -> None:
    """Replayed, forged, another gateway's: each is named, and no revoked key comes back."""
    gone = keyed.make("gone")
    team = keyed.make("team")
    older = keyed.pulled()
    other = Keyed(shared_stack, keyed.gateways)
    other.make("team")
    keyed.change("DELETE", "gone")
    newest = keyed.pulled()
    attacks = {
        "keys_older": older,
        "keys_forged": newest.but(keeptrusts_signature="A" * 86),
        "keys_foreign": other.pulled(),
    }
    gateway = keyed.start(url=between.url)
    becomes(lambda: call(gateway, team), PASSED)

    for at, (code, attack) in enumerate(attacks.items()):
        event = _event(attack)
        between.twist_event = lambda block, lie=event: lie if b"client-keys" in block else block
        between.twist = lambda one, lie=attack: lie if one.path == older.path else one
        keyed.make(f"news-{at}")
        becomes(lambda: problem(gateway), code)
        assert [call(gateway, key) for key in (team, gone, "")] == [PASSED, UNKNOWN, UNKNOWN]

    between.twist_event = lambda block: block
    between.twist = lambda one: one
    keyed.make("news-at-last")
    becomes(lambda: shown(gateway)["control_plane"]["count"], 1 + len(attacks) + 1)
    becomes(lambda: problem(gateway), None)
