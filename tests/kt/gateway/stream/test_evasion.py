"""Every entry of the corpus over HTTP: in the request, and in the answer as it streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kt.gateway import evasion
from tests.kt.gateway.evasion import CASES, CHUNKS, MODES, PROSE, REDACTING, REQUESTS, send_all
from tests.kt.gateway.support import (
    CHAT,
    Answer,
    ModelServer,
    Reply,
    Seen,
    Starter,
    chat,
    chat_events,
    completion,
    pack,
    stream,
    targets,
    words,
)
from tests.kt.policy.corpus import harm_start


def test_no_personal_data_or_secret_reaches_the_model(start: Starter, model: ModelServer) -> None:
    """And what has none of them reaches it byte for byte."""
    gateway = start(REDACTING + targets(model), "--decision-log", "none")
    bodies = {case.id: chat(case.text, metadata={"case": case.id}) for case in CASES}
    statuses = {answer.status for answer in send_all(gateway, [(CHAT, b) for b in bodies.values()])}
    got = {json.loads(seen.body)["metadata"]["case"]: seen.body for seen in model.seen}

    assert statuses == {200}
    texts = {name: json.loads(body)["messages"][0]["content"] for name, body in got.items()}
    assert [case.id for case in CASES if evasion.leaks(case, texts[case.id])] == []
    unchanged = {case.id for case in CASES if not case.spans}
    assert {name for name in unchanged if got[name] != json.dumps(bodies[name]).encode()} == set()


@pytest.mark.parametrize("mode", ["", *MODES])
def test_no_attack_reaches_the_model(start: Starter, model: ModelServer, mode: str) -> None:
    """Nor does its text come back; what only sounds like one is answered."""
    kind = "safety-filter" if mode else "prompt-injection"
    block = f"{{{kind}: {{mode: {mode}}}}}" if mode else f"{{{kind}: {{}}}}"
    gateway = start(pack(f"[{kind}]", block, targets(model)), "--decision-log", "none")
    rows = [row for row in REQUESTS if row["policy"] == kind and row.get("mode", "") == mode]
    found = send_all(gateway, [(evasion.route(row["body"]), row["body"]) for row in rows])
    pairs = list(zip(rows, found, strict=True))

    assert [row["id"] for row, one in pairs if (one.status == 409) is not row["attack"]] == []
    assert len(model.seen) == sum(not row["attack"] for row in rows)
    blocked = [one.error for one in found if one.status == 409]
    assert {error["policy"] for error in blocked} == {kind}
    assert len({json.dumps(error) for error in blocked}) == 1


@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_personal_data_or_secret_is_streamed(start: Starter, tmp_path: Path, chunk: int) -> None:
    """On no route, in pieces of any size: the client gets what the answer in one piece says."""
    assert evasion.streamed_wrongly(start, tmp_path, evasion.stratified(chunk, CASES), chunk) == []


@pytest.mark.parametrize("mode", MODES)
def test_no_harmful_answer_begins_to_show(start: Starter, tmp_path: Path, mode: str) -> None:
    """In pieces of any size: what was shown before the stop stands before the phrase."""
    texts = evasion.answers(mode, harmful=True)
    streams = _streams(start, tmp_path, mode, texts)
    starts = [harm_start(mode, text) for _, text in texts] * len(CHUNKS)
    told = [evasion.said(one) for one in streams]

    assert {evasion.code(one) for one in streams} == {"output_blocked"}
    assert [one for one, at in zip(told, starts, strict=True) if len(one) > (at or 0)] == []
    assert all(text.startswith(one) for one, (_, text) in zip(told, texts * 4, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_no_tool_is_called_with_a_harmful_text(start: Starter, tmp_path: Path, mode: str) -> None:
    """What leaves of its arguments stands before the phrase, and is no whole value."""
    texts = evasion.answers(mode, harmful=True)
    streams = _streams(start, tmp_path, mode, texts, "tool ")
    starts = [harm_start(mode, text) for _, text in texts] * len(CHUNKS)
    told = [evasion.called(one) if one.status == 200 else "" for one in streams]

    assert {evasion.code(one) for one in streams} == {"output_blocked"}
    assert [one for one, at in zip(told, starts, strict=True) if len(one) > (at or 0)] == []
    assert all(text.startswith(one) for one, (_, text) in zip(told, texts * 4, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_what_only_sounds_harmful_is_streamed(start: Starter, tmp_path: Path, mode: str) -> None:
    """Whole and unchanged."""
    texts = evasion.answers(mode, harmful=False)
    streams = _streams(start, tmp_path, mode, texts)

    assert [evasion.said(one) for one in streams] == [text for _, text in texts] * len(CHUNKS)


def _streams(
    start: Starter, folder: Path, mode: str, texts: list[tuple[str, str]], how: str = ""
) -> list[Answer]:
    """The streams of the answers in pieces of each size, over the three routes in turn."""
    policy = pack(policy=f"{{safety-filter: {{mode: {mode}}}}}")
    gateway = evasion.mocking(start, folder, policy, evasion.script(texts, CHUNKS))
    names = [how + name for name, _ in texts]
    made = [evasion.calls(names, chunk, stream=True) for chunk in CHUNKS]
    return send_all(gateway, [call for calls in made for call in calls])


@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_stream_of_a_real_target_is_shown_too_early(
    start: Starter, model: ModelServer, chunk: int
) -> None:
    """A text of each kind, cut by the network between any two bytes."""
    gateway = start(REDACTING + targets(model), "--decision-log", "none")
    kinds = {case.kind: case for case in evasion.stratified(chunk, CASES)}
    texts = {case.id: f"{PROSE}{case.text} {PROSE}" for case in kinds.values()}
    model.reply = lambda seen: _streamed(seen, texts, chunk)
    calls = [(CHAT, chat(f"<{name}>", stream=True)) for name in texts]
    told = [one.streamed_text for one in send_all(gateway, calls)]
    model.reply = lambda seen: completion(texts[_asked(seen)])
    whole = [one.text for one in send_all(gateway, [(CHAT, chat(f"<{name}>")) for name in texts])]

    assert told == whole
    pairs = zip(kinds.values(), told, strict=True)
    assert [case.id for case, text in pairs if evasion.leaks(case, text)] == []


def _streamed(seen: Seen, texts: dict[str, str], chunk: int) -> Reply:
    return stream(chat_events(*words(texts[_asked(seen)], chunk)), chunk)


def _asked(seen: Seen) -> str:
    """The id that a request names."""
    return str(json.loads(seen.body)["messages"][0]["content"]).strip("<>")
