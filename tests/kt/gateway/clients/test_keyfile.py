"""The file of client keys: what it means, and what is said of one that cannot be used."""

from __future__ import annotations

from hashlib import sha256

import pytest

from kt.gateway.clients.callers import Allowance
from kt.gateway.clients.keyfile import parse_callers
from kt.gateway.errors import SettingError


def hexed(key: str) -> str:
    return sha256(key.encode()).hexdigest()


ONE = f"keys:\n- name: team\n  sha256: '{hexed('k-1')}'\n"


def said(text: str | bytes, path: str = "keys.yaml") -> str:
    """What is wrong with a file."""
    with pytest.raises(SettingError) as refused:
        parse_callers(text.encode() if isinstance(text, str) else text, path)
    return str(refused.value)


def test_a_named_key_has_models_and_limits() -> None:
    """All of them optional."""
    text = ONE + (
        "  models: [gpt-4o*, claude-?]\n"
        "  rate_limit: {max_requests: 60, window_seconds: 60}\n"
        "  token_budget: {max_tokens: 5000000, window_seconds: 86400}\n"
    )
    caller = parse_callers(text.encode(), "keys").find("k-1")

    assert caller is not None
    assert (caller.name, caller.requests, caller.tokens) == (
        "team",
        Allowance(60, 60),
        Allowance(5_000_000, 86_400),
    )
    assert [caller.may_use(one) for one in ("gpt-4o-mini", "claude-x", "claude-xy", "GPT-4o")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_key_is_found_by_its_digest_alone() -> None:
    """In either case of letters; a digest is no key, and nothing is none."""
    callers = parse_callers(ONE.replace(hexed("k-1"), hexed("k-1").upper()).encode(), "k.yaml")
    caller = callers.find("k-1")

    assert caller is not None
    assert (caller.name, caller.may_use("any")) == ("team", True)
    assert [callers.find(one) for one in ("", "k-2", hexed("k-1"), "K-1", " k-1")] == [None] * 5


def test_two_keys_of_one_name_are_one_client() -> None:
    """So that a key can be replaced without a pause."""
    text = f"keys: [{{name: team, sha256: ['{hexed('old')}', '{hexed('new')}']}}]"
    callers = parse_callers(text.encode(), "keys")

    assert callers.find("old") is callers.find("new") is not None
    assert len(callers) == 2


@pytest.mark.parametrize(
    "text", ["# clients\nalpha, beta\n", "alpha # first\n\nbeta", "alpha,\nbeta,,\n"]
)
def test_a_key_a_line_has_no_name(text: str) -> None:
    """As before there were names."""
    callers = parse_callers(text.encode(), "keys")
    found = callers.find("alpha")

    assert found is not None
    assert (found.name, found.may_use("any"), found.requests) == ("", True, None)
    assert callers.find("beta") is not None
    assert callers.find("gamma") is None


H = hexed("k-1")
WRONG = [
    ("", "keys", "has no key; write one a line"),
    ("# none yet\n", "keys", "has no key"),
    (",, ,, ,\n", "keys", "has no key"),
    ("\u00a0\n", "keys", "has no key"),
    ('{"keys":[{"name":"a"}]}', "keys", "the key 'sha256' is required"),
    ("---\nkeys: []", "keys", "the list is empty"),
    ("", "keys.yaml", "The file holds nothing"),
    ("keys: []", "keys", "the list is empty"),
    ("kyes:\n- name: team\n", "keys", "begins with 'keys:'"),
    ("kyes: []", "keys.yml", "unknown key"),
    ("keys: [{sha256: x}]", "keys", "the key 'name' is required in keys[0]"),
    ("keys: [{name: team}]", "keys", "the key 'sha256' is required in keys[0]"),
    ("keys: [{name: team, sha256: x}]", "keys", "keys[0].sha256 is not 64 hexadecimal digits"),
    ("keys: [{name: team, sha256: []}]", "keys", "keys[0].sha256 is empty"),
    (f"keys: [{{name: team, sha256: [{H}, 5]}}]", "keys", "not 64 hexadecimal digits in quotes"),
    (f"keys: [{{name: team, sha256: {{a: {H}}}}}]", "keys", "not 64 hexadecimal digits"),
    (f"keys: [{{name: team, sha256: {hexed('')}}}]", "keys", "the digest of an empty key"),
    (
        f"keys: [{{name: a, sha256: {H}}}, {{name: b, sha256: {H}}}]",
        "keys",
        "keys[1].sha256 is the key of keys[0] already",
    ),
    (
        f"keys: [{{name: a, sha256: {H}}}, {{name: a, sha256: {hexed('b')}}}]",
        "keys",
        "keys[1].name already stands in line 1",
    ),
    (f"keys: [{{name: Team A, sha256: {H}}}]", "keys", "'Team A' is not lower-case letters"),
    (f"keys: [{{name: a, sha256: {H}, models: []}}]", "keys", "the list is empty"),
    (f"keys: [{{name: a, sha256: {H}, rate_limit: {{}}}}]", "keys", "'max_requests' is required"),
    (
        f"keys: [{{name: a, sha256: {H}, token_budget: {{max_tokens: 0, window_seconds: 9}}}}]",
        "keys",
        "out of range",
    ),
    ("keys: [{name: a, key: x}]", "keys", "unknown key in keys[0]; give its SHA-256"),
    ("keys:\n- name: a\n  name: b\n", "keys", "keys:3:3 "),
    (b"alpha\xff", "keys", "not UTF-8"),
    (b"a" * ((1 << 20) + 1), "keys", "larger than"),
]


@pytest.mark.parametrize(("text", "path", "expected"), WRONG)
def test_a_file_that_cannot_be_used_says_why(text: str | bytes, path: str, expected: str) -> None:
    """A file that is taken for another would open the gateway."""
    assert expected in said(text, path)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret-key\n",
        "keys: s3cret-key",
        "[s3cret-key]",
        "keys: [s3cret-key, s3cret-other]",
        "keys: [s3cret-key, s3cret-key]",
        "keys: [{name: a, sha256: s3cret-key}]",
        "keys: [{name: a, sha256: [s3cret-key]}]",
        "keys: [{s3cret-key: a}]",
        "keys: {s3cret-key: a}",
        "s3cret-key: team",
        "keys: [{name: a, key: s3cret-key}]",
        "keys: [*s3cret-key]",
        "keys: ['s3cret-key]",
        "keys: [&s3cret-key {name: a}, &s3cret-key {name: b}]",
        "keys: [{s3cret-key: 1, s3cret-key: 2}]",
        "keys:\n- !s3cret-key a\n",
        "keys:\n\t- s3cret-key\n",
    ],
)
def test_no_key_is_shown(text: str) -> None:
    """Where somebody writes a key in place of its digest, or of anything else."""
    assert "s3cret" not in said(text)
