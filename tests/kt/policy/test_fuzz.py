"""Lint on arbitrary bytes: nothing is raised, and findings are bounded and printable."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kt.policy.files import MAX_BYTES
from kt.policy.language import KINDS
from kt.policy.lint import MAX_FINDINGS, lint
from kt.policy.report import Report

_CASES = sorted((Path(__file__).parents[2] / "cases").glob("*/*.yaml"))
_WHOLE = [path.read_bytes() for path in _CASES]

# What YAML gives a meaning to, and what the language does.
_SIGNS = st.sampled_from(
    [*"[]{},:?-&*!|>'\"%@`#~<\\\t\n\r \0\x07\x85", "\ufeff", "\u2028", "<<: ", "- ", ": ", "\n  "]
)
_WORDS = st.sampled_from(
    [*KINDS, "pack", "policies", "chain", "policy", "when", "true", "1.0", "&a ", "*a", "!!str ",
     " # kt: allow ", "W006 because ", "W007"]
)  # fmt: skip
_TEXT = st.lists(st.one_of(_SIGNS, _WORDS, st.text(max_size=4)), max_size=60).map("".join)

_SETTINGS = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _hold(report: Report) -> None:
    """What is true of every report."""
    assert len(report.findings) <= MAX_FINDINGS + 1
    assert report.ok == (not report.errors)
    for finding in report.findings:
        assert finding.line >= 1
        assert finding.column >= 1
        printed = finding.message + finding.suggestion + finding.path
        assert printed.isprintable()
        assert len(printed) < 5000


@given(st.binary(max_size=400))
@_SETTINGS
def test_lint_answers_any_bytes(data: bytes) -> None:
    """Whatever they are."""
    _hold(lint(data))


@given(_TEXT)
@_SETTINGS
def test_lint_answers_any_text_made_of_yaml(text: str) -> None:
    """Signs and words of the language in any order reach further in than random bytes."""
    _hold(lint(text.encode("utf-8", "surrogatepass")))


@given(st.sampled_from(_WHOLE), st.data())
@_SETTINGS
def test_lint_answers_a_case_with_a_piece_replaced(whole: bytes, data: st.DataObject) -> None:
    """A slip in a real file reaches every rule."""
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 30)))
    piece = data.draw(st.one_of(st.binary(max_size=8), _TEXT.map(str.encode)))
    _hold(lint(whole[:start] + piece + whole[end:]))


@given(st.sampled_from(_WHOLE), _TEXT.map(lambda text: text.encode()), st.integers(2, 50_000))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_lint_answers_a_piece_repeated_up_to_the_limit(
    whole: bytes, piece: bytes, times: int
) -> None:
    """Work that grows faster than the input shows when a piece comes a thousand times."""
    _hold(lint((whole + piece * times)[: MAX_BYTES + 1]))
