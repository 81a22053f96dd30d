"""Globs: what they match, and that the work to compile them grows with their length."""

from __future__ import annotations

from typing import Any

import pytest
import re2

from kt.policy.decision.tools.globs import compile_globs, matches

MANY = [f"tool_{number}_*" for number in range(4000)]


@pytest.mark.parametrize(
    ("globs", "name", "matched"),
    [
        ([], "", False),
        ([], "anything", False),
        (["*"], "", True),
        (["delete_*"], "delete_all", True),
        (["delete_*"], "Delete_all", False),
        (["delete_*"], "undelete_all", False),
        (["a?c"], "abc", True),
        (["a?c"], "ac", False),
        (["a.c"], "abc", False),
        (["a", "b*"], "b\nc", True),
        (MANY, "tool_0_x", True),
        (MANY, "tool_3999_x", True),
        (MANY, "tool_4000_x", False),
    ],
)
def test_a_name_matches_one_of_the_globs(globs: list[str], name: str, matched: bool) -> None:
    """The whole of it, wherever among them the glob stands."""
    assert matches(compile_globs(globs), name) is matched


def test_no_pattern_grows_with_the_number_of_globs(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2's time to compile one grows with its square."""
    sizes: list[int] = []
    real = re2.compile

    def compile_(pattern: str, options: Any) -> Any:
        sizes.append(len(pattern))
        return real(pattern, options)

    monkeypatch.setattr(re2, "compile", compile_)
    compile_globs(MANY[:1000])
    few = list(sizes)
    compile_globs(MANY)
    many = sizes[len(few) :]

    assert max(many) <= 1.1 * max(few)
    assert sum(many) <= 4.4 * sum(few)
