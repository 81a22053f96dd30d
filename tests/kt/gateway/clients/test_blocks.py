"""Blocks that are remembered: which call is the same, for how long, and never an allow."""

from __future__ import annotations

from typing import Any

import pytest

from kt.gateway.clients.blocks import SECONDS, Blocks, RememberedBlock, call_key
from kt.gateway.clients.keys import digest
from kt.policy.decision import Decision
from tests.kt.gateway.inside import TARGETS, Inside, completion
from tests.kt.gateway.support import CHAT, chat, pack

POLICY = pack("[dlp-filter]", "{dlp-filter: {blocked_terms: [Falcon], action: block}}", TARGETS)
BLOCK = RememberedBlock(Decision("block", "p", "r", "m", (), None, (), None), "output")


def key(client: str = "c", config: str = "h", path: str = CHAT, data: bytes = b"x") -> bytes:
    return call_key(client, config, path, {"x-role": "a"}, data)


def test_a_block_is_remembered_for_a_minute() -> None:
    """From when it was given, however often it is asked for."""
    blocks = Blocks()
    blocks.keep(key(), BLOCK, 100.0)

    assert blocks.find(key(), 100.0 + SECONDS / 2) is BLOCK
    assert blocks.find(key(), 99.9 + SECONDS) is BLOCK
    assert blocks.find(key(), 100.0 + SECONDS) is None
    assert len(blocks) == 0


def test_the_oldest_of_too_many_are_forgotten() -> None:
    """A thousand are kept."""
    blocks = Blocks()
    for number in range(1500):
        blocks.keep(key(data=b"%d" % number), BLOCK, float(number) / 1000)

    assert len(blocks) == 1000
    assert blocks.find(key(data=b"499"), 2.0) is None
    assert blocks.find(key(data=b"500"), 2.0) is BLOCK


def test_another_call_has_another_key() -> None:
    """Another client, configuration, route, body or header."""
    keys = {
        key(), key("d"), key("c", "i"), key("c", "h", "/v1/messages"), key(data=b"y"),
        call_key("c", "h", CHAT, {"x-role": "b"}, b"x"), call_key("c", "h", CHAT, {}, b"x"),
        call_key("c", "h", CHAT, {"x-role": "a", "x-user-id": "u"}, b"x"),
    }  # fmt: skip

    assert len(keys) == 8


@pytest.mark.parametrize(
    "name", ["x-stainless-retry-count", "traceparent", "x-request-id", "content-length", "host"]
)
def test_what_differs_between_two_tries_makes_no_other_call(name: str) -> None:
    """A count of tries, a trace."""
    assert call_key("c", "h", CHAT, {"x-role": "a", name: "1"}, b"x") == key()


def asked(gateway: Inside, *calls: dict[str, Any]) -> list[tuple[int, str]]:
    answers = [gateway.post(**call) for call in calls]
    return [(one.status, one.headers["x-keeptrusts-verdict"]) for one in answers]


def test_a_call_that_comes_again_hears_its_block_and_reaches_no_target() -> None:
    """With the same error, marked in the head and in the log."""
    gateway = Inside(POLICY)
    gateway.answers(completion("about Falcon"))
    first, second = gateway.post(), gateway.post(x_stainless_retry_count="1")

    assert len(gateway.seen) == 1
    assert first.headers["x-keeptrusts-verdict"] == "block"
    assert second.headers["x-keeptrusts-verdict"] == "block; remembered"
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["x-should-retry"] == "false"
    assert [one["remembered"] for one in gateway.logged] == [False, True]
    assert [one["verdict"] for one in gateway.logged] == ["block", "block"]


def test_another_call_is_judged_by_itself() -> None:
    """Another body, user, or a policy that was changed since."""
    gateway = Inside(POLICY)
    gateway.answers(completion("about Falcon"))
    calls = [{}, {"body": chat("other")}, {"x_user_id": "u"}, {"x_role": "r"}]

    assert asked(gateway, *calls) == [(409, "block")] * 4
    other = Inside(POLICY + "# changed\n")
    gateway.gateway.loaded = other.gateway.loaded
    assert asked(gateway, {}) == [(409, "block")]
    assert len(gateway.seen) == 5


def test_an_allow_is_never_remembered() -> None:
    """Nor a redaction."""
    gateway = Inside(POLICY)

    assert asked(gateway, {}, {}) == [(200, "allow")] * 2
    assert (len(gateway.seen), len(gateway.gateway.blocks)) == (2, 0)


def test_a_failure_of_the_policy_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be over."""
    gateway = Inside(POLICY)
    with monkeypatch.context() as broken:
        broken.setattr("kt.gateway.policy.judging.decide", lambda *_: 1 / 0)
        assert asked(gateway, {}) == [(409, "block")]

    assert asked(gateway, {}) == [(200, "allow")]


def test_a_client_is_its_key_where_there_are_keys() -> None:
    """Whatever its address."""
    gateway = Inside(POLICY, client_keys=frozenset({digest("a"), digest("b")}))
    gateway.answers(completion("about Falcon"))
    calls = [{"authorization": f"Bearer {one}"} for one in ("a", "b", "a")]

    assert asked(gateway, *calls) == [(409, "block"), (409, "block"), (409, "block; remembered")]


def test_a_stream_that_is_refused_before_it_begins_is_remembered() -> None:
    """It is a plain answer."""
    gateway = Inside(POLICY)
    gateway.answers(
        b'data: {"choices":[{"delta":{"content":"Falcon"}}]}\n\n', 200, "text/event-stream"
    )
    call = {"body": chat(stream=True)}

    assert asked(gateway, call, call) == [(409, "block"), (409, "block; remembered")]
