"""Cases as YAML that can be pasted into a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kt.policy.mutants.searching import Proposal


def pasted(proposal: Proposal, indent: int = 0) -> str:
    """A case as an item of `cases`, to the end of its last line."""
    lines = [
        f"- name: {_flow(proposal.name)}",
        "  input:",
        *(f"    {line}" for line in _input(proposal.given)),
        f"  expected: {{verdict: {proposal.verdict}, reason_code: {_flow(proposal.reason_code)}}}",
    ]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _input(given: Mapping[str, Any]) -> Iterator[str]:
    for key in ("model", "headers"):
        if key in given:
            yield f"{key}: {_flow(given[key])}"
    yield "messages:"
    for message in given["messages"]:
        yield f"  - {_flow(message)}"
    if "upstream_response" in given:
        yield f"upstream_response: {_flow(given['upstream_response'])}"


def _flow(value: Any) -> str:
    """A value in one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return value if _is_plain(value) else f'"{"".join(map(_escaped, value))}"'
    return {None: "null", True: "true", False: "false"}.get(value, str(value))


# What YAML 1.1 reads as something else than text, of words alone.
_WORDS = frozenset(
    "y n yes no on off true false null none nan inf".split()  # noqa: SIM905 - as a line of words
)


def _is_plain(text: str) -> bool:
    """True of a word that stands for itself without quotes."""
    letters = text.replace("_", "").replace("-", "").replace(".", "")
    is_word = letters.isascii() and letters.isalnum() and text[0].isalpha() and text[-1].isalnum()
    return is_word and text.lower() not in _WORDS


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign == " " or (sign.isprintable() and sign != "\ufeff"):
        return sign
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
