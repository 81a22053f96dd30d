"""Managed gateways and their control plane, with a proxy between them that fails or lies."""

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt.gateway.managed.statement import decode, encode
from tests.kt.gateway.signing import new_key, raw, signed
from tests.kt.gateway.support import Running
from tests.support.managed import (
    ALLOWED,
    BLOCKED,
    OPEN,
    STRICT,
    UNCONFIGURED,
    Fleet,
    becomes,
    contact,
    fleet,
    harmful,
    is_stored,
    ordinary,
    problem,
    register,
    seen,
)
from tests.support.proxy import Passing, Proxy
from tests.support.stack import Stack, wait_for

Name = Callable[[str], str]


@pytest.fixture
def gateways(shared_stack: Stack, tmp_path: Path) -> Iterator[Fleet]:
    """Gateways of one test."""
    with fleet(shared_stack, tmp_path / "gateways") as found:
        yield found


@pytest.fixture
def between(shared_stack: Stack) -> Iterator[Proxy]:
    """A proxy in front of the control plane."""
    events = shared_stack.request(
        "POST", "/v1/gateways", {"id": f"asks-{os.urandom(4).hex()}"}
    ).data["events_url"]
    with Proxy(shared_stack.url, events) as found:
        yield found


@pytest.fixture
def name(tmp_path: Path) -> str:
    """An id that no other test uses, for a gateway and its configuration."""
    return f"{os.urandom(4).hex()}-edge"


def publish(stack: Stack, configuration: str, content: str) -> None:
    """Put a policy into force by the API."""
    path = f"/v1/configurations/{configuration}"
    if stack.request("GET", path).status == 404:
        body = {"id": configuration, "content": content}
        assert stack.request("POST", "/v1/configurations", body).status == 201
    else:
        assert stack.request("PATCH", path, {"content": content}).status == 200


def bound(stack: Stack, name: str, content: str = STRICT) -> str:
    """Register a gateway with a policy of its own; its token."""
    publish(stack, name, content)
    return register(stack, name, name)


def test_a_published_policy_is_enforced_by_every_process(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """The one that talks to the control plane tells the others."""
    gateway = gateways.start(name, bound(shared_stack, name, OPEN), "--workers", "2")
    becomes(lambda: {harmful(gateway) for _ in range(10)}, {ALLOWED})
    publish(shared_stack, name, STRICT)

    becomes(lambda: {harmful(gateway) for _ in range(10)}, {BLOCKED})
    assert {ordinary(gateway) for _ in range(10)} == {ALLOWED}
    assert gateway.get("/keeptrusts/config").json["id"] == name


def test_a_gateway_is_ready_when_all_its_processes_are(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """Its first policy reaches one of them; none refuses a call after the first that is ready."""
    gateway = gateways.start(name, bound(shared_stack, name), "--workers", "4")
    wait_for(lambda: gateway.get("/readyz").status == 200)

    assert {ordinary(gateway) for _ in range(40)} == {ALLOWED}
    assert {gateway.get("/readyz").status for _ in range(40)} == {200}


def test_enforcement_outlives_the_control_planes_answer(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str
) -> None:
    """Restarted while nobody answers, it enforces what it had; then it catches up."""
    token = bound(shared_stack, name)
    gateway = gateways.start(name, token, url=between.url)
    becomes(lambda: harmful(gateway), BLOCKED)
    between.cut()
    gateway.stop()
    gateway = gateways.start(name, token, url=between.url)
    publish(shared_stack, name, OPEN)
    during = harmful(gateway)
    between.mend()

    assert during == BLOCKED
    becomes(lambda: harmful(gateway), ALLOWED)


def test_a_killed_gateway_enforces_again_at_once(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str
) -> None:
    """`kill -9` leaves a whole policy on disk."""
    token = bound(shared_stack, name)
    gateway = gateways.start(name, token, url=between.url)
    becomes(lambda: is_stored(gateways.state(name), STRICT), True)
    between.cut()
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait(300)

    assert harmful(gateways.start(name, token, url=between.url)) == BLOCKED


def test_a_gateway_without_a_policy_waits_for_its_first(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """Bound to nothing, it lets nothing through; bound, it begins."""
    gateway = gateways.start(name, register(shared_stack, name))
    becomes(lambda: problem(gateway), "not_bound")
    before = ordinary(gateway)
    publish(shared_stack, name, STRICT)
    reply = shared_stack.request("PATCH", f"/v1/gateways/{name}", {"configuration": name})

    assert (before, reply.status) == (UNCONFIGURED, 200)
    becomes(lambda: (ordinary(gateway), harmful(gateway)), (ALLOWED, BLOCKED))
    becomes(lambda: problem(gateway), None)


def test_an_enrolment_token_gets_a_gateway_its_own(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str
) -> None:
    """Once the control plane answers; kept, so that it enrols once."""
    publish(shared_stack, name, STRICT)
    body = {"name": name, "configuration": name}
    token = shared_stack.request("POST", "/v1/enrolment-tokens", body).data["token"]
    between.cut()
    gateway = gateways.start(name, "", url=between.url, KEEPTRUSTS_ENROLMENT_TOKEN=token)
    before = ordinary(gateway)
    between.mend()
    becomes(lambda: harmful(gateway), BLOCKED)
    gateway.stop()
    again = gateways.start(name, "", url=between.url)
    publish(shared_stack, name, OPEN)

    assert before == UNCONFIGURED
    assert (gateways.state(name) / "identity").stat().st_mode & 0o777 == 0o600
    becomes(lambda: harmful(again), ALLOWED)


def test_an_id_that_is_taken_is_not_enrolled(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """Whoever has it keeps it."""
    bound(shared_stack, name)
    body = {"name": name, "configuration": name}
    token = shared_stack.request("POST", "/v1/enrolment-tokens", body).data["token"]
    gateway = gateways.start(name, "", KEEPTRUSTS_ENROLMENT_TOKEN=token)

    becomes(lambda: problem(gateway), "token_refused")
    assert ordinary(gateway) == UNCONFIGURED


def test_a_revoked_token_leaves_the_last_policy_in_force(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """The gateway shows that it is refused."""
    gateway = gateways.start(name, bound(shared_stack, name))
    becomes(lambda: harmful(gateway), BLOCKED)
    assert shared_stack.request("DELETE", f"/v1/gateways/{name}").status == 200

    becomes(lambda: problem(gateway), "token_refused")
    assert harmful(gateway) == BLOCKED


def test_another_gateways_token_brings_no_policy(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """Though it is a good one."""
    bound(shared_stack, name)
    gateway = gateways.start(name, bound(shared_stack, f"{name}-other"))

    becomes(lambda: problem(gateway), "token_refused")
    assert ordinary(gateway) == UNCONFIGURED


def _forged(answer: Passing) -> Passing:
    """Another policy, signed by a key of its own and announced as if it were the pinned one."""
    key = new_key()
    told = json.loads(decode(answer.headers["keeptrusts-statement"]))
    content = OPEN.encode()
    del told["content_hash"]
    one = signed(key, content, **{**told, "publish_seq": told["publish_seq"] + 1})
    return answer.but(
        content,
        keeptrusts_statement=encode(one.statement),
        keeptrusts_signature=encode(one.signature),
        keeptrusts_key=encode(raw(key)),
    )


def _resigned(answer: Passing) -> Passing:
    """The genuine key, and a statement that it never signed."""
    told = json.loads(decode(answer.headers["keeptrusts-statement"]))
    text = json.dumps({**told, "version": 9}, sort_keys=True, separators=(",", ":")).encode()
    return answer.but(keeptrusts_statement=encode(text))


def _exchanged(answer: Passing) -> Passing:
    return answer.but(OPEN.encode())


def _truncated(answer: Passing) -> Passing:
    return answer.but(answer.body[:-1])


@pytest.mark.parametrize(
    ("twist", "code"),
    [
        (_forged, "key_not_pinned"),
        (_resigned, "statement_forged"),
        (_exchanged, "content_mismatch"),
        (_truncated, "content_mismatch"),
        (lambda answer: answer.but(keeptrusts_signature="AAAA"), "statement_forged"),
        (lambda answer: answer.but(keeptrusts_key_chain="e30"), "statement_forged"),
    ],
    ids=["foreign-signed", "forged", "exchanged", "truncated", "no-signature", "no-chain"],
)
def test_what_was_tampered_with_is_refused(
    shared_stack: Stack,
    gateways: Fleet,
    between: Proxy,
    name: str,
    twist: Callable[[Passing], Passing],
    code: str,
) -> None:
    """The last good policy stays, the refusal is shown, and the genuine one is taken after it."""
    token = bound(shared_stack, name)
    between.twist_event = lambda _: b": nothing passes\n\n"
    gateway = gateways.start(name, token, url=between.url)
    becomes(lambda: harmful(gateway), BLOCKED)
    between.twist = lambda one: twist(one) if _carries(one) else one
    publish(shared_stack, name, STRICT.replace("Strict", "Later"))

    becomes(lambda: problem(gateway), code)
    assert harmful(gateway) == BLOCKED
    assert contact(gateway)["counters"]["statements_refused"] > 0
    between.twist = lambda one: one
    becomes(lambda: problem(gateway), None)
    becomes(lambda: running_name(gateway), "Later")


def test_a_replayed_statement_is_refused(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str
) -> None:
    """Genuine, and older than what is in force; after a restart too."""
    token = bound(shared_stack, name, OPEN)
    between.twist_event = lambda _: b": nothing passes\n\n"
    gateway = gateways.start(name, token, url=between.url)
    becomes(lambda: harmful(gateway), ALLOWED)
    old = next(one for one in between.passed if _carries(one))
    publish(shared_stack, name, STRICT)
    becomes(lambda: harmful(gateway), BLOCKED)
    between.twist = lambda one: old if one.path == old.path else one
    publish(shared_stack, name, STRICT.replace("Strict", "Later"))
    becomes(lambda: problem(gateway), "statement_older")
    gateway.stop()
    gateway = gateways.start(name, token, url=between.url)

    becomes(lambda: problem(gateway), "statement_older")
    assert harmful(gateway) == BLOCKED


def test_another_gateways_statement_is_refused(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str
) -> None:
    """As genuine as its own."""
    other = f"{name}-other"
    gateways.start(other, bound(shared_stack, other, OPEN), url=between.url)
    wait_for(lambda: any(map(_carries, between.passed)))
    foreign = next(one for one in between.passed if _carries(one))
    token = bound(shared_stack, name)
    gateway = gateways.start(name, token)
    becomes(lambda: harmful(gateway), BLOCKED)
    gateway.stop()
    between.twist_event = lambda _: b": nothing passes\n\n"
    between.twist = lambda one: foreign if f"/{name}/configuration" in one.path else one
    gateway = gateways.start(name, token, url=between.url)

    becomes(lambda: problem(gateway), "statement_foreign")
    assert harmful(gateway) == BLOCKED


def test_a_rotated_key_is_followed(
    shared_stack: Stack, gateways: Fleet, name: str, rotate: Callable[[], None]
) -> None:
    """By a gateway that runs, and by one whose token pins the older key."""
    token = bound(shared_stack, name, OPEN)
    late = register(shared_stack, f"{name}-late", name)
    gateway = gateways.start(name, token)
    becomes(lambda: harmful(gateway), ALLOWED)
    rotate()
    publish(shared_stack, name, STRICT)
    second = gateways.start(f"{name}-late", late)

    becomes(lambda: (harmful(gateway), harmful(second)), (BLOCKED, BLOCKED))
    gateway.stop()
    assert harmful(gateways.start(name, token)) == BLOCKED


def test_a_stolen_key_signs_nothing_after_a_rotation(
    shared_stack: Stack, gateways: Fleet, between: Proxy, name: str, rotate: Callable[[], None]
) -> None:
    """A gateway that runs hears of the new key without a new policy, and keeps its own."""
    token = bound(shared_stack, name)
    gateway = gateways.start(name, token, url=between.url)
    becomes(lambda: harmful(gateway), BLOCKED)
    stolen = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key(shared_stack)))
    becomes(lambda: signers(gateways.state(name)), {raw(stolen)})
    rotate()
    becomes(lambda: raw(stolen) in signers(gateways.state(name)), False)
    told = [one for one in between.passed if _carries(one)][-1]
    between.twist = lambda one: _by(stolen, told, one)

    becomes(lambda: problem(gateway), "key_retired")
    becomes(lambda: seen(shared_stack, name)["why"].partition(":")[0], "key_retired")
    assert harmful(gateway) == BLOCKED
    between.twist = lambda one: one
    publish(shared_stack, name, STRICT.replace("Strict", "Later"))
    becomes(lambda: (running_name(gateway), problem(gateway)), ("Later", None))


def private_key(stack: Stack) -> str:
    """The key that signs now, as somebody takes it who has database and secret; in hexadecimal."""
    code = "from gateways.signing import keys; print(keys.load().private.private_bytes_raw().hex())"
    return stack.manage("shell", "--no-imports", "-c", code).split()[-1]


def signers(folder: Path) -> set[bytes]:
    """The keys that signed what a state folder holds; empty before the first confirmation."""
    names = ("policy", "policy.copy", "confirmation", "confirmation.copy")
    if not all((folder / one).exists() for one in names):
        return set()
    heads = [(folder / one).read_bytes().partition(b"\n")[0] for one in names]
    return {decode(json.loads(head)["key"]) for head in heads}


def _by(key: Ed25519PrivateKey, told: Passing, answer: Passing) -> Passing:
    """A weaker policy than was told, signed by a key; and a report's answer that it is there."""
    if answer.path.endswith("/report") and answer.status == 200:
        data = json.loads(answer.body)["data"]
        return answer.but(json.dumps({"data": {**data, "etag": "0" * 64}}).encode())
    if answer.path != told.path:
        return answer
    fields = json.loads(decode(told.headers["keeptrusts-statement"]))
    del fields["content_hash"]
    one = signed(key, OPEN.encode(), **{**fields, "publish_seq": fields["publish_seq"] + 1})
    return told.but(
        OPEN.encode(),
        keeptrusts_statement=encode(one.statement),
        keeptrusts_signature=encode(one.signature),
        keeptrusts_key=encode(raw(key)),
    )


def test_a_disk_that_takes_nothing_stops_no_enforcement(
    shared_stack: Stack, gateways: Fleet, name: str
) -> None:
    """The newest is in force, and is written once that is possible."""
    gateway = gateways.start(name, bound(shared_stack, name, OPEN))
    becomes(lambda: harmful(gateway), ALLOWED)
    limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    publish(shared_stack, name, STRICT)
    becomes(lambda: harmful(gateway), BLOCKED)
    becomes(lambda: problem(gateway), "disk")
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, limits)

    becomes(lambda: problem(gateway), None)
    becomes(lambda: is_stored(gateways.state(name), STRICT), True)
    assert harmful(gateway) == BLOCKED


def running_name(gateway: Running) -> str:
    """The name of the policy in force."""
    found: str = gateway.get("/keeptrusts/config").json["name"]
    return found


def _carries(answer: Passing) -> bool:
    return answer.status == 200 and "keeptrusts-statement" in answer.headers


@pytest.fixture
def rotate(shared_stack: Stack) -> Callable[[], None]:
    """Make the control plane sign with a new key."""
    return lambda: shared_stack.manage("rotate_signing_key")
