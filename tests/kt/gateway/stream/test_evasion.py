"""Every entry of the corpus over HTTP: in the request, and in the answer as it streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, cycle

import pytest

from kt.policy.decision import compile_policy
from tests.kt.gateway import evasion
from tests.kt.gateway.evasion import (
    CASES,
    CHUNKS,
    MODES,
    REDACTING,
    REQUESTS,
    answers,
    send_all,
)
from tests.kt.gateway.support import (
    CHAT,
    Answer,
    ModelServer,
    Reply,
    Running,
    Seen,
    Server,
    chat,
    chat_events,
    completion,
    pack,
    put,
    starter,
    stream,
    targets,
    words,
)
from tests.kt.policy.builders import ask, content, policy
from tests.kt.policy.corpus import harm_start

# How far the sizes are moved on, so that all turns bring each text in pieces of each size.
TURNS = [0, *(pytest.param(turn, marks=pytest.mark.soak) for turn in range(1, len(CHUNKS)))]


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway whose mock says what the answers here are made of; tests put it under policies."""
    drawn = (evasion.in_prose(evasion.shared(chunk)).items() for chunk in CHUNKS)
    said = (answers(mode, harmful=harmful) for mode in MODES for harmful in (True, False))
    lines = evasion.script(chain(*drawn, *said), CHUNKS)
    with starter(tmp_path_factory.mktemp("mock")) as start:
        yield evasion.mocking(start, tmp_path_factory.mktemp("script"), pack(), lines)


def test_no_personal_data_or_secret_is_left_in_a_request() -> None:
    """Of no entry; and what has none of them is not written anew."""
    blocks = {
        "pii-detector": {"healthcare_mode": True, "pci_mode": True, "action": "redact"},
        "dlp-filter": {"action": "redact"},
    }
    snapshot = compile_policy(policy(*blocks, blocks=blocks))
    told = {case.id: ask(snapshot, case.text) for case in CASES}

    assert [case.id for case in CASES if not case.spans and told[case.id].body is not None] == []
    found = [(case, told[case.id]) for case in CASES if case.spans]
    assert [case.id for case, one in found if evasion.leaks(case, content(one))] == []


def test_no_personal_data_or_secret_reaches_the_model(serve: Server, model: ModelServer) -> None:
    """And what has none of them reaches it byte for byte: some of each kind."""
    gateway = serve(REDACTING + targets(model))
    given = [case for chunk in CHUNKS for case in evasion.shared(chunk)]
    bodies = {case.id: chat(case.text, metadata={"case": case.id}) for case in given}
    statuses = {answer.status for answer in send_all(gateway, [(CHAT, b) for b in bodies.values()])}
    got = {json.loads(seen.body)["metadata"]["case"]: seen.body for seen in model.seen}

    assert statuses == {200}
    texts = {name: json.loads(body)["messages"][0]["content"] for name, body in got.items()}
    assert [case.id for case in given if evasion.leaks(case, texts[case.id])] == []
    unchanged = {case.id for case in given if not case.spans}
    assert {name for name in unchanged if got[name] != json.dumps(bodies[name]).encode()} == set()


@pytest.mark.parametrize("mode", ["", *MODES])
def test_no_attack_reaches_the_model(serve: Server, model: ModelServer, mode: str) -> None:
    """Nor does its text come back; what only sounds like one is answered."""
    kind = "safety-filter" if mode else "prompt-injection"
    block = f"{{{kind}: {{mode: {mode}}}}}" if mode else f"{{{kind}: {{}}}}"
    gateway = serve(pack(f"[{kind}]", block, targets(model)))
    rows = [row for row in REQUESTS if row["policy"] == kind and row.get("mode", "") == mode]
    found = send_all(gateway, [(evasion.route(row["body"]), row["body"]) for row in rows])
    pairs = list(zip(rows, found, strict=True))

    assert [row["id"] for row, one in pairs if (one.status == 409) is not row["attack"]] == []
    assert len(model.seen) == sum(not row["attack"] for row in rows)
    blocked = [one.error for one in found if one.status == 409]
    assert {error["policy"] for error in blocked} == {kind}
    assert len({json.dumps(error) for error in blocked}) == 1


@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_personal_data_or_secret_is_streamed(mock: Running, chunk: int) -> None:
    """On no route, in pieces of any size: the client gets what the answer in one piece says."""
    gateway = put(mock, REDACTING)

    assert evasion.streamed_wrongly(gateway, evasion.shared(chunk), chunk) == []


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("mode", MODES)
def test_no_harmful_answer_begins_to_show(mock: Running, mode: str, turn: int) -> None:
    """In pieces of any size: what was shown before the stop stands before the phrase."""
    texts = answers(mode, harmful=True)
    streams = _streams(mock, mode, texts, turn)
    starts = [harm_start(mode, text) for _, text in texts]
    told = [evasion.said(one) for one in streams]

    assert {evasion.code(one) for one in streams} == {"output_blocked"}
    assert [one for one, at in zip(told, starts, strict=True) if len(one) > (at or 0)] == []
    assert all(text.startswith(one) for one, (_, text) in zip(told, texts, strict=True))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("mode", MODES)
def test_no_tool_is_called_with_a_harmful_text(mock: Running, mode: str, turn: int) -> None:
    """What leaves of its arguments stands before the phrase, and is no whole value."""
    texts = answers(mode, harmful=True)
    streams = _streams(mock, mode, texts, turn, "tool ")
    starts = [harm_start(mode, text) for _, text in texts]
    told = [evasion.called(one) if one.status == 200 else "" for one in streams]

    assert {evasion.code(one) for one in streams} == {"output_blocked"}
    assert [one for one, at in zip(told, starts, strict=True) if len(one) > (at or 0)] == []
    assert all(text.startswith(one) for one, (_, text) in zip(told, texts, strict=True))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("mode", MODES)
def test_what_only_sounds_harmful_is_streamed(mock: Running, mode: str, turn: int) -> None:
    """Whole and unchanged."""
    texts = answers(mode, harmful=False)
    streams = _streams(mock, mode, texts, turn)

    assert [evasion.said(one) for one in streams] == [text for _, text in texts]


def _streams(
    mock: Running, mode: str, texts: list[tuple[str, str]], turn: int, how: str = ""
) -> list[Answer]:
    """The streams of the answers, in pieces of each size and over the three routes in turn."""
    gateway = put(mock, pack(policy=f"{{safety-filter: {{mode: {mode}}}}}"))
    names = [how + name for name, _ in texts]
    return send_all(gateway, evasion.calls(names, *CHUNKS[turn:], *CHUNKS[:turn], stream=True))


def test_no_stream_of_a_real_target_is_shown_too_early(serve: Server, model: ModelServer) -> None:
    """A text of each kind, in words of any size and cut by the network between any two bytes."""
    gateway = serve(REDACTING + targets(model))
    kinds = {case.kind: case for case in CASES}
    cuts = dict(zip((case.id for case in kinds.values()), cycle(CHUNKS), strict=False))
    texts = evasion.in_prose(kinds.values())
    model.reply = lambda seen: _streamed(texts[_asked(seen)], cuts[_asked(seen)])
    calls = [(CHAT, chat(f"<{name}>", stream=True)) for name in texts]
    told = [one.streamed_text for one in send_all(gateway, calls)]
    model.reply = lambda seen: completion(texts[_asked(seen)])
    whole = [one.text for one in send_all(gateway, [(CHAT, chat(f"<{name}>")) for name in texts])]

    assert told == whole
    pairs = zip(kinds.values(), told, strict=True)
    assert [case.id for case, text in pairs if evasion.leaks(case, text)] == []


def _streamed(text: str, network_bytes: int) -> Reply:
    """The finer the network cuts, the longer the words: `test_guard` cuts both at once."""
    size = CHUNKS[-1 - CHUNKS.index(network_bytes)]
    return stream(chat_events(*words(text, size)), network_bytes)


def _asked(seen: Seen) -> str:
    """The id that a request names."""
    return str(json.loads(seen.body)["messages"][0]["content"]).strip("<>")
