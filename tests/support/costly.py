"""Policies that cost as much as their limits allow, each within the length of a file."""

from collections.abc import Iterable, Mapping

from kt.policy.files import MAX_BYTES

HEAD = "pack:\n  name: Costly\n  version: 1.0.0\n  enabled: true\n"


def terms(count: int, form: str = "term number {0} is rather long") -> list[str]:
    """So many terms, each another."""
    return [form.format(number) for number in range(count)]


def cases(texts: Iterable[str]) -> str:
    """A case for each text."""
    return "".join(
        f"        - name: c{number}\n"
        f"          input: {{messages: [{{role: user, content: {text}}}]}}\n"
        "          expected: {verdict: allow}\n"
        for number, text in enumerate(texts)
    )


def blocking(words: Iterable[str], *texts: str, targets: int = 0, extra: str = "") -> bytes:
    """A policy that blocks these terms, with a suite of these texts; one for each of `targets`."""
    names = [f"t{number}" for number in range(targets)]
    suites = [f"    - name: s\n      cases:\n{cases(texts)}"]
    if targets:
        suites = [
            f"    - name: {name}\n      target: {name}\n      cases:\n{cases(texts)}"
            for name in names
        ]
    served = "".join(f"    - id: {name}\n      provider: mock\n" for name in names)
    text = (
        f"{HEAD}policies:\n  chain:\n    - safety-filter\n"
        "policy:\n  safety-filter:\n    block_if:\n"
        + "".join(f"      - {word}\n" for word in words)
        + f"    action: block\n{extra}"
        + (f"providers:\n  targets:\n{served}" if targets else "")
        + (f"testing:\n  suites:\n{''.join(suites)}" if texts else "")
    )
    return text.encode()


def finding(patterns: Iterable[str], *texts: str) -> bytes:
    """A policy that finds these patterns, with a suite of these texts."""
    text = (
        f"{HEAD}policies:\n  chain:\n    - dlp-filter\npolicy:\n  dlp-filter:\n"
        "    detect_patterns:\n"
        + "".join(f"      - '{pattern}'\n" for pattern in patterns)
        + "    action: block\n"
        + (f"testing:\n  suites:\n    - name: s\n      cases:\n{cases(texts)}" if texts else "")
    )
    return text.encode()


def _powers(depth: int) -> str:
    """Aliases of aliases: ten times as many values at each level."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, depth):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    return "\n".join(lines) + "\n"


_FUZZY = "    fuzzy_matching: true\n    max_distance: 4\n"

POLICIES: Mapping[str, bytes] = {
    "as many terms as fit": blocking(terms(25_000), "hi"),
    "short terms": blocking(terms(70_000, "t{0:x}"), "hi"),
    "long terms": blocking(terms(2000, "{0} " + "some words " * 40), "hi"),
    "targets times terms": blocking(terms(15_000), "hi", targets=400),
    "many cases": blocking(terms(3000), *["lorem ipsum dolor " * 80] * 500),
    "a long case": blocking(terms(1000), "lorem ipsum " * 70_000),
    "fuzzy terms": blocking(terms(20_000), "lorem ipsum number terms", extra=_FUZZY),
    "a fuzzy term in a long case": blocking(
        ["abcdefghijkl"], "abcdefghijxl " * 60_000, extra=_FUZZY
    ),
    "patterns that repeat": finding(terms(100, "(a{{1,9}}b){{1,9}}{0}"), "ab" * 100_000),
    "patterns of alternatives": finding(
        ["|".join(terms(60, f"w{n}x{{0}}[a-z]*")) for n in range(900)], "w1x1abc " * 1000
    ),
    "patterns of letters": finding(terms(20, r"\pL{{1,9}}\pN{{1,9}}{0}"), "é1" * 100_000),
    "look-alikes": blocking(terms(100), "𝒕𝒆𝒓𝒎 " * 20_000),
    "marks upon marks": blocking(terms(100), "e" + "\u0301\u0323" * 100_000),
    "base64 in base64": blocking(terms(100), "SGVsbG8gd29ybGQgaGVsbG8gd29ybGQ= " * 20_000),
    "escapes": blocking(terms(100), '"' + "%2541" * 60_000 + '"'),
    "aliases of aliases": (HEAD + _powers(12)).encode(),
    "merged keys": (
        f"base: &b {{{', '.join(f'k{n}: 1' for n in range(300))}}}\n"
        + "".join(f"m{n}: {{<<: *b}}\n" for n in range(300))
    ).encode(),
    "anchors": "".join(f"k{n}: &a{n} 1\n" for n in range(55_000)).encode(),
    "levels": (HEAD + "x: " + "[" * 63 + "]" * 63 + "\n").encode(),
    "unknown keys": (HEAD + "".join(f"polici{n}s: 1\n" for n in range(50_000))).encode(),
    "kinds that are none": (
        f"{HEAD}policies:\n  chain:\n" + "".join(f"    - safety-filtr{n}\n" for n in range(40_000))
    ).encode(),
    "a key given again and again": (HEAD + "k: 1\n" * 60_000).encode(),
    "documents": b"---\n" * 200_000,
    "one long line": (HEAD + "x: " + "a" * 1_000_000 + "\n").encode(),
    "one long word that is nearly right": (
        f"{HEAD}policies:\n  chain:\n    - {'safety-filte' * 80_000}\n"
    ).encode(),
    "comments": (HEAD + "#\n" * 500_000).encode(),
}
assert not (long := [n for n, c in POLICIES.items() if len(c) > MAX_BYTES]), long
