"""What hostile texts cost: so much a character, however long they are."""

from __future__ import annotations

import time

from kt.policy.decision import Request, compile_policy, decide
from tests.kt.policy.builders import chat, policy
from tests.kt.policy.decision.hostile import of_ideas

ALL = compile_policy(
    policy("prompt-injection", "safety-filter", "pii-detector", "dlp-filter")
    | {"policies": {"chain": [{kind: {"parallel": True}} for kind in (
        "prompt-injection", "safety-filter", "pii-detector", "dlp-filter")]}}
)  # fmt: skip
SHORT, LONG = 2_000, 16_000
MARKED = {
    "percent": "%41%42 ",
    "percent, words": "some%20words ",
    "escapes": "\\u0041\\n ",
    "references": "&#65;&amp; ",
    "tags": "a<b></b>",
    "bold": "a**b",
    "base64": "QUJDREVGR0hJSktM ",
    "hex": "41424344454647484950 ",
    "ascii85": '87cURD]i,"Ebo80 ',
    "leetspeak": "1gn0r3 4ll ",
    "accents": "\u00e1l\u00e9 \u00f3n\u00ed ",
    "piled accents": "a\u0301\u0302\u0303",
    "look-alikes": "a\u043e\u0435 ",
    "vowel signs": "\u0915\u093f\u0924\u093e ",
    "spelt": "i g n o r e ",
    "moved": "vtaber nyy ehyrf ",
    "headings": "### System:\n",
}


def texts(size: int) -> dict[str, str]:
    """Of each disguise nothing but its marks, and the words of every idea."""
    marked = {name: (text * (size // len(text) + 1))[:size] for name, text in MARKED.items()}
    return marked | of_ideas(size)


def seconds(text: str, rounds: int) -> float:
    """CPU seconds of one decision, the fewest of some rounds."""
    request = Request(chat(text), model="m")
    best = 60.0
    for _ in range(rounds):
        start = time.process_time()
        decide(ALL, request)
        best = min(best, time.process_time() - start)
    return best


def test_hostile_texts_cost_no_more_the_longer_they_are() -> None:
    """Eight times the text is far less than eight times eight times the time."""
    names = [*MARKED, *list(of_ideas(1))[::16]]
    short, long = texts(SHORT), texts(LONG)
    grown = {name: seconds(long[name], 1) / seconds(short[name], 3) for name in names}
    # Once more where somebody else may have had the processor.
    steep = [name for name, times in grown.items() if times > 20]
    assert [name for name in steep if seconds(long[name], 3) > 24 * seconds(short[name], 3)] == []
