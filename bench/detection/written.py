"""A bench of the detectors: precision and recall, and the cost of worst-case text.

Prints precision and recall by label on each half of the labelled corpus, the
benign texts in which something was found, the verdicts on whole requests, and
CPU time per kB as a ratio to prose. Where presidio-analyzer is installed in
the interpreter that runs this, its recognizers are scored beside ours:

    python -m venv /tmp/peer && /tmp/peer/bin/pip install presidio-analyzer google-re2
    /tmp/peer/bin/python bench/detection/written.py
"""

from __future__ import annotations

import base64
import random
import statistics
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "kt" / "policy")]

from builders import ask, chat, compiled, policy  # noqa: E402
from corpus import Case, Detector, benign_hits, cases, detect, requests, score  # noqa: E402

from kt.policy.decision import Request, compile_policy, decide  # noqa: E402

HALVES = ("independent.jsonl", "written_texts.jsonl")
SIZE = 100_000
ROUNDS = 5
PEER_LABELS = {
    "CREDIT_CARD": "CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "PHONE_NUMBER": "PHONE",
    "US_SSN": "SSN",
    "US_NPI": "NPI",
}


def peer() -> Detector | None:
    """Presidio's pattern recognizers, without a language model; None where it is missing."""
    try:
        import tldextract
        from presidio_analyzer import predefined_recognizers as known
    except ImportError:
        return None
    # Its list of domain endings comes with it; the default asks the network first.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    names = ("CreditCard", "Email", "Iban", "Ip", "Phone", "UsSsn", "UsNpi")
    made = [getattr(known, f"{name}Recognizer", None) for name in names]
    regions = {"supported_regions": ("US", "GB", "DE", "FR", "IN", "AU")}
    recognizers = [one(**(regions if "Phone" in one.__name__ else {})) for one in made if one]

    def find(text: str) -> Iterator[tuple[int, int, str]]:
        for one in recognizers:
            # Its engine's default threshold is zero; this is the one its documentation advises.
            for hit in one.analyze(text, one.supported_entities, None) or ():
                if hit.score >= 0.4 and hit.entity_type in PEER_LABELS:
                    yield hit.start, hit.end, PEER_LABELS[hit.entity_type]

    return find


def print_scores(name: str, detector: Detector, chosen: list[Case]) -> None:
    """Print a line for each label, then the benign texts in which something was found."""
    scores, mistakes = score(detector, chosen)
    print(
        f"\n{name}\n{'label':14}{'precision':>10}{'recall':>8}{'right':>7}{'missed':>8}{'wrong':>7}"
    )
    for label, one in sorted(scores.items()):
        counts = f"{one.right:7}{one.missed:8}{one.wrong:7}"
        print(f"{label:14}{one.precision:10.3f}{one.recall:8.3f}{counts}")
    benign = [case for case in chosen if not case.spans]
    hits = benign_hits(detector, benign)
    print(f"benign texts with a hit: {hits.total()} of {len(benign)} {dict(hits)}")
    if "--mistakes" in sys.argv:
        print(*mistakes, sep="\n")


def print_requests() -> None:
    """Print the number of whole requests with the right verdict."""
    right: Counter[tuple[str, bool]] = Counter()
    asked: Counter[tuple[str, bool]] = Counter()
    for row in requests():
        decision = decide(compiled(row["policy"], row["block"]), Request(row["body"]))
        key = (row["policy"], row["attack"])
        asked[key] += 1
        right[key] += (decision.verdict != "allow") == row["attack"]
    print("\nwhole requests, written by hand")
    for (kind, attack), count in sorted(asked.items()):
        outcome = "blocked" if attack else "passed"
        print(f"{kind:18}{right[kind, attack]:4} of {count} {outcome}")


def texts() -> dict[str, str]:
    """The texts that are timed: prose first, then the worst for automata and for Python loops."""
    chance = random.Random(1)
    prose = " ".join(case.text for case in cases(HALVES[0]) if case.kind == "benign_prose")
    english = "".join(sign if sign.isascii() else "e" for sign in prose)
    groups = " ".join("".join(chance.choices(string.digits, k=4)) for _ in range(SIZE // 5))
    return {
        "prose": (english * 10)[:SIZE],
        "prose, other languages": (prose * 10)[:SIZE],
        "random printable": "".join(chance.choices(string.printable, k=SIZE)),
        "base64": base64.b64encode(chance.randbytes(SIZE * 3 // 4)).decode(),
        "hex": chance.randbytes(SIZE // 2).hex(),
        "one letter": "a" * SIZE,
        "one digit": "1" * SIZE,
        "digits": "".join(chance.choices(string.digits, k=SIZE)),
        "groups of digits": groups,
        "letters apart": "a b " * (SIZE // 4),
        "dots": "1." * (SIZE // 2),
        "at signs": "a@" * (SIZE // 2),
        "Chinese": "中文字符与数据" * (SIZE // 7),
        "zero-width": "a\u200b" * (SIZE // 2),
        "half a phrase": "ignore all how to make " * (SIZE // 23),
    }


def print_times() -> None:
    """Print CPU per kB through the four content kinds together, and the ratio to prose."""
    blocks: dict[str, Any] = {"pii-detector": {"healthcare_mode": True}, "dlp-filter": {}}
    chain = ("safety-filter", "prompt-injection", "pii-detector", "dlp-filter")
    snapshot = compile_policy(policy(*chain, blocks=blocks))
    bodies = {name: chat(text) for name, text in texts().items()}
    spent: dict[str, list[float]] = {name: [] for name in bodies}
    for _ in range(ROUNDS):
        for name, body in bodies.items():
            spent[name].append(_cpu_seconds(lambda body=body: ask(snapshot, body)))
    base = statistics.median(spent["prose"])
    print(f"\n{SIZE // 1000} kB of text, whole chain: CPU µs per kB, ratio to prose")
    for name, times in spent.items():
        middle = statistics.median(times)
        print(f"{name:24}{middle * 1e9 / SIZE:10.1f}{middle / base:8.1f}")


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    beside = peer()
    for half in HALVES:
        chosen = cases(half)
        print_scores(half, detect, chosen)
        if beside:
            shared_labels = set(PEER_LABELS.values())
            shared = [
                case for case in chosen if {label for *_, label in case.spans} <= shared_labels
            ]
            print_scores(f"{half}, presidio's recognizers", beside, shared)
    print_requests()
    print_times()


if __name__ == "__main__":
    main()
