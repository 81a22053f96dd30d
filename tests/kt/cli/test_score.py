"""`kt policy score`: tables of labelled texts, and lines that are none."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_POLICY = """\
pack: {name: Bot, version: 1.0.0, enabled: true}
policies: {chain: [pii-detector]}
"""
_CARD = "4111 1111 1111 1111"
_LINES = [
    {"text": f"card {_CARD}", "label": "pos", "kind": "card", "family": "spaced", "value": [_CARD]},
    {"text": "card 1234", "label": "pos", "kind": "card", "family": "short"},
    {"text": "no card", "label": "neg", "kind": "card"},
    {"text": f"a test card: {_CARD}", "label": "neg", "kind": "card", "family": "spaced"},
    {"body": {"messages": [{"role": "user", "content": "Hello"}]}, "label": "neg", "unknown": 1},
]


@pytest.fixture
def samples(files: Path) -> Path:
    (files / "policy.yaml").write_text(_POLICY)
    path = files / "texts.jsonl"
    path.write_text("\n\n".join(map(json.dumps, _LINES)))
    return path


def test_a_table_has_a_row_for_each_kind(samples: Path, kt: Callable[..., Any]) -> None:
    """And one for each family that is asked for."""
    done = kt("policy", "score", str(samples), "--policy", "policy.yaml", "--families")

    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert rows == [
        ["found", "left", "of", "recall", "95", "%", "flagged", "of", "precision"],
        ["all", "0", "0", "0", "-", "-", "0", "1", "-"],
        ["card", "1", "0", "2", "0.500", "0.09-0.91", "1", "2", "0.500"],
        ["short", "0", "0", "1", "0.000", "0.00-0.79", "0", "0", "-"],
        ["spaced", "1", "0", "1", "1.000", "0.21-1.00", "1", "1", "0.500"],
    ]


def test_misses_are_named_by_line_and_never_by_text(samples: Path, kt: Callable[..., Any]) -> None:
    """On stderr, so that the table can be kept."""
    done = kt("policy", "score", str(samples), "--policy", "policy.yaml", "--misses")

    assert done.err.splitlines() == [
        f"{samples}:3: missed (policy.allowed)  card short",
        f"{samples}:7: flagged (pii_detector.detected)  card spaced",
    ]
    assert _CARD not in done.err + done.out


def test_a_document_says_what_was_judged_by_what(samples: Path, kt: Callable[..., Any]) -> None:
    """The digests are those of the files."""
    done = kt("policy", "score", str(samples), "--policy", "policy.yaml", "--json")

    made = json.loads(done.out)
    assert made["samples_sha256"] == hashlib.sha256(samples.read_bytes()).hexdigest()
    assert made["policy_sha256"] == hashlib.sha256(_POLICY.encode()).hexdigest()
    assert made["rows"][2] == {
        "kind": "card", "family": "short", "positives": 1, "found": 0, "left": 0,
        "negatives": 0, "flagged": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("\xff", "it is no JSON"),
        ("[]", "it is no object"),
        ('{"text": "a"}', '"label" must be "pos" or "neg"'),
        ('{"text": "a", "label": []}', '"label" must be "pos" or "neg"'),
        ('{"text": "a", "label": "pos", "role": {}}', '"role" must be "user", "tool"'),
        ('{"text": 1, "label": "pos"}', 'it must have "text", a string, or "body", an object'),
        ('{"label": "pos"}', 'it must have "text", a string, or "body", an object'),
        ('{"text": "a", "body": {}, "label": "pos"}', 'it must have "text", a string, or'),
        ('{"body": [1], "label": "pos"}', 'it must have "text", a string, or "body", an object'),
        ('{"text": "a", "label": "pos", "value": "a"}', '"value" must be a list of strings'),
        ('{"text": "a", "label": "pos", "kind": 1}', '"kind" and "family" must be strings'),
        ("x" * (4 * 1024 * 1024 + 1), "a line of over 4 MiB"),
    ],
    ids=range(14),
)
def test_a_line_that_is_none_is_named(
    samples: Path, kt: Callable[..., Any], line: str, why: str
) -> None:
    """With what to change; nothing is scored."""
    samples.write_bytes(b'{"text": "a", "label": "neg"}\n' + line.encode("latin-1"))

    done = kt("policy", "score", str(samples), "--policy", "policy.yaml")

    assert (done.code, done.out) == (2, "")
    assert f"texts.jsonl:2: {why}" in done.err


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_nothing_to_score_is_no_result(samples: Path, kt: Callable[..., Any], content: str) -> None:
    """A table without rows would look like one."""
    samples.write_text(content)

    done = kt("policy", "score", str(samples), "--policy", "policy.yaml")

    assert (done.code, done.out) == (2, "")
    assert "no labelled text in it" in done.err


@pytest.mark.parametrize(
    ("file", "policy", "why"),
    [
        ("absent.jsonl", "policy.yaml", "absent.jsonl: No such file"),
        ("texts.jsonl", "absent.yaml", "absent.yaml: No such file"),
        (".", "policy.yaml", ".: Is a directory"),
        ("texts.jsonl", "texts.jsonl", "texts.jsonl:"),
    ],
)
def test_what_cannot_be_read_is_named(
    samples: Path, kt: Callable[..., Any], file: str, policy: str, why: str
) -> None:
    """Texts and policy alike."""
    done = kt("policy", "score", file, "--policy", policy)

    assert (done.code, done.out) == (2, "")
    assert why in done.err
