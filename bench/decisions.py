"""A bench of decisions beside the version before: CPU of both in turn, on prose and hostile text.

    python bench/decisions.py CHECKOUT [--rounds 7] [--only hostile]

`CHECKOUT` is a tree of the version before; its code runs in this interpreter's environment. Each
round judges each text in both trees, one after the other and in changing order, so that a busy
machine is busy for both; the ratio is the median of the rounds' ratios. Texts are prose in size
classes, and hostile ones of 16 kB each: nothing but the marks of one disguise, or the words of
one idea in one language, again and again.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from statistics import median
from urllib.parse import quote

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from tests.kt.policy.decision.hostile import of_ideas  # noqa: E402

CORPUS = ROOT / "tests" / "cases" / "corpus" / "independent.jsonl"
CLASSES = (500, 1000, 4000, 16_000)
LONG = 16_000
KINDS = ("prompt-injection", "safety-filter", "pii-detector", "dlp-filter")
# A text is judged until this much was read, so that the clock can see it.
_READ = 64_000


def prose() -> str:
    """Benign prose of the corpus, ASCII."""
    rows = map(json.loads, CORPUS.read_text(encoding="utf-8").splitlines())
    texts = (row["text"] for row in rows if row["kind"] == "benign_prose")
    joined = " ".join(text if isinstance(text, str) else "".join(text) for text in texts)
    return "".join(sign if sign.isascii() else "e" for sign in joined)


def texts() -> dict[str, str]:
    """The texts by name."""
    plain = prose() * 4
    chance = random.Random(1)
    said = plain[: LONG // 3]
    hostile = {
        "percent": quote(said, safe="").replace(".", "%2E")[:LONG],
        "percent of all": "".join(f"%{ord(sign):02X}" for sign in said),
        "u escapes": "".join(f"\\u{ord(sign):04x}" for sign in said),
        "entities": "".join(f"&#{ord(sign)};" for sign in said),
        "quoted printable": "".join(f"={ord(sign):02X}" for sign in said),
        "base64 of prose": base64.b64encode(plain[:LONG].encode()).decode(),
        "base64, four times": _times(4, plain[: LONG // 4]),
        "base64 of chance": base64.b64encode(chance.randbytes(LONG)).decode(),
        "short base64": " ".join(
            base64.b64encode(word.encode()).decode() for word in plain.split()
        ),
        "hex": plain[: LONG // 2].encode().hex(),
        "decimal": " ".join(str(ord(sign)) for sign in said),
        "binary": " ".join(f"{ord(sign):08b}" for sign in said),
        "base32": base64.b32encode(plain[:LONG].encode()).decode(),
        "ascii85": base64.a85encode(plain[:LONG].encode()).decode(),
        "accents": "".join(f"{sign}\u0301\u0302\u0303" for sign in said),
        "accented": plain.replace("e", "\u00e9").replace("a", "\u00e1").replace("o", "\u00f3"),
        "tags in words": "".join(f"{sign}<b></b>" for sign in said),
        "tags": "".join(f"<p>{word}</p>" for word in plain.split()),
        "open tags": "<a" * (LONG // 2),
        "comments": "a/*" * (LONG // 3),
        "bold": "".join(f"{sign}**" for sign in said),
        "colours": "".join(f"\x1b[31m{word}" for word in plain.split()),
        "spaced": " ".join(plain[: LONG // 2]),
        "leet": plain.translate(str.maketrans("aeiot", "43107")),
        "moved": plain.translate(
            str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
        ),
        "backwards": plain[::-1],
        "selectors": "".join(chr(0xE0100 + ord(sign) - 16) for sign in said),
        "tag characters": "".join(chr(0xE0000 + ord(sign)) for sign in said),
        "confusables": plain.translate({ord(one): ord(one) + 0x3CF for one in "aeop"}),
        "marks of each": "%41 \\n &amp; a<b>b ** =20=20 \x1b[0m QUJDREVGR0hJSktM 4142434445464748 ",
        "line ends as two": plain.replace(" ", "\\n"),
        "underscores": plain.replace(" ", " _"),
    }
    classes = {f"prose, {size / 1000:g} kB": plain[:size] for size in CLASSES}
    return {
        **classes,
        **{name: (text * (LONG // len(text) + 1))[:LONG] for name, text in hostile.items()},
        **of_ideas(LONG),
    }


def _times(times: int, text: str) -> str:
    data = text.encode()
    for _ in range(times):
        data = base64.b64encode(data)
    return data.decode()


# Runs in a process of its own with a tree on its path: a line in, the CPU seconds of it out.
_CHILD = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from kt.policy.decision import Request, compile_policy, decide
kinds = sys.argv[2].split(",")
snapshot = compile_policy({
    "pack": {"name": "bench", "version": "1.0.0", "enabled": True},
    "policies": {"chain": [{kind: {"parallel": True}} for kind in kinds]},
    "policy": {"pii-detector": {"healthcare_mode": True}},
})
for line in sys.stdin:
    text, times = json.loads(line)
    request = Request({"model": "m", "messages": [{"role": "user", "content": text}]}, model="m")
    start = time.process_time()
    for _ in range(times):
        decide(snapshot, request)
    print((time.process_time() - start) / times, flush=True)
"""


class Side:
    """A tree whose decisions are timed."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-c", _CHILD, str(root), ",".join(KINDS)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
        )

    def seconds(self, text: str) -> float:
        """CPU seconds of one decision about a text."""
        assert self._child.stdin and self._child.stdout
        times = max(1, _READ // len(text))
        self._child.stdin.write(json.dumps([text, times]) + "\n")
        self._child.stdin.flush()
        return float(self._child.stdout.readline())

    def close(self) -> None:
        """End its process."""
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait()


def measured(before: Side, after: Side, text: str, rounds: int) -> tuple[float, float]:
    """CPU ms per kB of the version after, and the ratio of both."""
    ratios, costs = [], []
    for number in range(rounds):
        order = (before, after) if number % 2 else (after, before)
        spent = {side: side.seconds(text) for side in order}
        ratios.append(spent[after] / spent[before])
        costs.append(spent[after])
    return median(costs) * 1e6 / len(text), median(ratios)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("checkout", type=Path)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--only", default="")
    asked = arguments.parse_args()
    before, after = Side(asked.checkout.resolve()), Side(ROOT)
    print(f"{'text':24}{'ms/kB':>8}{'ratio':>8}")
    for name, text in texts().items():
        if asked.only in name:
            cost, ratio = measured(before, after, text, asked.rounds)
            print(f"{name:24}{cost:8.2f}{ratio:8.2f}", flush=True)
    before.close()
    after.close()


if __name__ == "__main__":
    main()
