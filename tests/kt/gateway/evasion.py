"""The corpus of evasions as requests to a running gateway, and its answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from itertools import cycle, groupby, product
from pathlib import Path
from typing import Any

import aiohttp

from tests.kt.gateway.support import CHAT, Answer, Running, Starter, pack
from tests.kt.policy.corpus import Case, cases, requests

CHUNKS = (1, 3, 7, 64)
PROSE = "The committee spoke about the garden. "
# Its number is in no issuer's range: faker gives Maestro `0604`.
NO_CARD = "i0128"
INDEPENDENT = [case for case in cases("independent.jsonl") if case.id != NO_CARD]
WRITTEN = cases("written_texts.jsonl")
CASES = INDEPENDENT + WRITTEN
REQUESTS = requests()
MODES = sorted({row["mode"] for row in REQUESTS if "mode" in row})
REDACTING = pack(
    "[pii-detector, dlp-filter]",
    "{pii-detector: {healthcare_mode: true, pci_mode: true, action: redact}, "
    "dlp-filter: {action: redact}}",
)
_CONNECTIONS = 16
# Digests, in which three digits stand by chance.
_ID = re.compile(r'"(item_)?id":"[^"]*"')
_ROUTES = (CHAT, "/v1/messages", "/v1/responses")

Called = tuple[str, dict[str, Any]]


def send_all(gateway: Running, calls: Sequence[Called]) -> list[Answer]:
    """Make calls over a pool of connections; the answers in the order of the calls."""
    return asyncio.run(_send_all(gateway, calls))


async def _send_all(gateway: Running, calls: Sequence[Called]) -> list[Answer]:
    pool = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(gateway.url, connector=pool) as session:
        return await asyncio.gather(*(_send(session, *call) for call in calls))


async def _send(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Answer:
    async with session.post(path, json=body) as answer:
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, names, await answer.read())


def route(body: dict[str, Any]) -> str:
    """Where a written request goes."""
    if "messages" in body:
        return CHAT
    return "/v1/embeddings" if "embedding" in body["model"] else "/v1/responses"


def stratified(chunk: int, given: Iterable[Case]) -> list[Case]:
    """The share of one size of chunk: of every kind of text each size gets another one."""
    kinds = groupby(sorted(given, key=lambda case: case.kind), key=lambda case: case.kind)
    first = CHUNKS.index(chunk)
    return [case for _, group in kinds for case in list(group)[first : first + 1]]


def shared(chunk: int) -> list[Case]:
    """The share of one size of chunk: a quarter of the kinds and of what was written by hand.

    `test_guard` has each kind in each size.
    """
    first = CHUNKS.index(chunk)
    return [*stratified(chunk, INDEPENDENT)[first :: len(CHUNKS)], *WRITTEN[first :: len(CHUNKS)]]


def script(texts: Iterable[tuple[str, str]], chunks: Iterable[int]) -> str:
    """A mock's script that says each text, or calls a tool with it, in pieces of each size."""
    lines = []
    for (name, text), chunk in product(texts, chunks):
        tool = {"name": "search", "arguments": {"q": text}}
        lines.append({"contains": f"<{name} {chunk}>", "text": text, "chunk_characters": chunk})
        lines.append(
            {"contains": f"<tool {name} {chunk}>", "tool": tool, "chunk_characters": chunk}
        )
    return json.dumps(lines)


def calls(names: Iterable[str], *chunks: int, **more: Any) -> list[Called]:
    """Requests for what the script says to these names, in pieces of each of some sizes in turn.

    And over each of the three routes in turn.
    """
    found = []
    for name, chunk, path in zip(names, cycle(chunks), cycle(_ROUTES), strict=False):
        said = [{"role": "user", "content": f"<{name} {chunk}>"}]
        found.append(
            (path, {"model": "m", "max_tokens": 9, "messages": said, "input": said, **more})
        )
    return found


def said(answer: Answer) -> str:
    """What an answer says, whichever format it has, whole or streamed."""
    if answer.headers["content-type"] == "text/event-stream":
        return "".join(map(_delta, answer.events))
    body = answer.json
    if "choices" in body:
        return answer.text
    blocks = body.get("content") or body["output"][0]["content"]
    return str(blocks[0]["text"])


def _delta(event: Any) -> str:
    if event == "[DONE]":
        return ""
    if "choices" in event:
        return "".join(one["delta"].get("content") or "" for one in event["choices"])
    delta = event.get("delta", "")
    return delta if isinstance(delta, str) else delta.get("text", "")


def called(answer: Answer) -> str:
    """The text that a tool is called with, as far as a stream shows it."""
    shown = "".join(map(_call_delta, answer.events)).partition(": ")[2].lstrip('"')
    # Without the beginning of an escape.
    shown = re.sub(r"(?<!\\)((?:\\\\)*)\\(?:u\w{0,3})?$", r"\1", shown)
    return str(json.loads(f'"{shown}"'))


def _call_delta(event: Any) -> str:
    if "choices" in event:
        deltas = (one["delta"] for one in event["choices"])
        calls = (call for delta in deltas for call in delta.get("tool_calls", ()))
        return "".join(call["function"].get("arguments", "") for call in calls)
    delta = event.get("delta", "") if isinstance(event, dict) else ""
    return delta if isinstance(delta, str) else delta.get("partial_json", "")


def code(answer: Answer) -> str:
    """The code of the error that an answer is or ends with; "" without one."""
    end = answer.json if answer.status >= 400 else (answer.events or [""])[-1]
    return str(end["error"]["code"]) if "error" in end else ""


def leaks(case: Case, text: str) -> bool:
    """Whether a text still holds what the case says must not be there."""
    secrets = [case.text[start:end] for start, end, _ in case.spans]
    kept = {secret: case.text.count(secret) - secrets.count(secret) for secret in secrets}
    return any(text.count(secret) > count for secret, count in kept.items())


def answers(mode: str, *, harmful: bool) -> list[tuple[str, str]]:
    """The written requests of a mode that are one text, as answers behind some prose."""
    rows = [row for row in REQUESTS if row.get("mode") == mode and row["attack"] is harmful]
    single = [row for row in rows if len(row["body"]["messages"]) == 1]
    return [(row["id"], PROSE + row["body"]["messages"][0]["content"]) for row in single]


def in_prose(given: Iterable[Case]) -> dict[str, str]:
    """The texts of cases by their ids, with prose around each."""
    return {case.id: f"{PROSE}{case.text} {PROSE}" for case in given}


def streamed_wrongly(gateway: Running, given: Sequence[Case], chunk: int) -> list[str]:
    """The cases whose streams hold what they must not, or differ from the answer in one piece.

    The gateway's mock says them as they stand in prose, in pieces of this size.
    """
    texts = in_prose(given)
    whole = send_all(gateway, calls(texts, chunk))
    streams = send_all(gateway, calls(texts, chunk, stream=True))
    return [
        case.id
        for case, one, streamed in zip(given, whole, streams, strict=True)
        if not _fine(case, texts[case.id], one, streamed)
    ]


def _fine(case: Case, text: str, one: Answer, streamed: Answer) -> bool:
    told = said(streamed)
    same = told == said(one) and not code(streamed) and (told == text or bool(case.spans))
    return same and not leaks(case, told) and not leaks(case, _ID.sub("", streamed.body.decode()))


def mocking(start: Starter, folder: Path, policy: str, lines: str) -> Running:
    """A gateway whose mock follows a script."""
    path = folder / "script.json"
    path.write_text(lines)
    own = ("--mock-upstream", "--mock-script", str(path), "--decision-log", "none")
    return start(policy, *own)
