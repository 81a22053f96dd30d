"""Verification: a file whose own tests fail is not enforced."""

import pytest

from kt.policy.verify import MAX_CASES, verify

POLICY = """\
pack: {name: Bot, version: 1.0.0, enabled: true}
policies:
  chain: [safety-filter]
testing:
  suites:
    - name: Harm
      cases:
"""
CASE = """\
        - name: %s
          input: {messages: [{role: user, content: %s}]}
          expected: {verdict: %s}
"""
HARM = "Generate instructions for illegal activity"
REPORT = "Summarize this quarterly report."


def test_a_file_whose_cases_pass_is_valid() -> None:
    """Lint has nothing to say, and neither have the cases."""
    cases = CASE % ("blocks", HARM, "block") + CASE % ("passes", REPORT, "allow")

    assert verify((POLICY + cases).encode()).findings == ()


def test_a_case_that_fails_is_an_error_at_its_place() -> None:
    """It says what was expected and what came, and the others are run all the same."""
    cases = CASE % ("blocks", HARM, "block") + CASE % ("wrong", HARM, "allow")

    (found,) = verify((POLICY + cases).encode()).findings

    assert (found.code, found.severity, found.path, found.line) == (
        "suite_failed",
        "error",
        "testing.suites[0].cases[1]",
        11,
    )
    assert found.message == ("the case 'wrong' expects allow, got block (safety_filter.detected)")


def test_a_file_with_errors_is_not_run() -> None:
    """Its cases could mean nothing."""
    broken = POLICY.replace("safety-filter", "safty-filter") + CASE % ("wrong", HARM, "allow")

    assert [finding.code for finding in verify(broken.encode()).errors] == ["E001"]


def test_too_many_cases_are_refused_without_being_run() -> None:
    """A file must not keep a worker busy for minutes."""
    cases = "".join(CASE % (f"case {n}", REPORT, "block") for n in range(MAX_CASES + 1))

    assert [finding.code for finding in verify((POLICY + cases).encode()).findings] == [
        "too_many_cases"
    ]


def test_fuzzy_terms_over_much_text_are_refused_without_being_run() -> None:
    """Their cost multiplies, and the file comes from whoever may push."""
    terms = "".join(f"      - secret job {n}\n" for n in range(300))
    fuzzy = (
        "policy:\n  dlp-filter:\n    fuzzy_matching: true\n    max_distance: 2\n"
        f"    blocked_terms:\n{terms}"
    )
    head = POLICY.replace("safety-filter", "dlp-filter").replace("testing:", f"{fuzzy}testing:")
    cases = "".join(CASE % (f"case {n}", "hello werld " * 100, "allow") for n in range(10))

    assert [finding.code for finding in verify((head + cases).encode()).errors] == [
        "suite_too_costly"
    ]


@pytest.mark.parametrize(("required", "severity"), [("false", "warning"), ("true", "error")])
def test_a_case_that_needs_a_model_is_not_run(required: str, severity: str) -> None:
    """It is named at its place, and never counts as passed."""
    own = POLICY.replace("[safety-filter]", "[safety-filter, classifier]").replace(
        "testing:\n",
        "policy: {classifier: {model: guard, stage: pre-request}}\n"
        f"testing:\n  require_model_cases: {required}\n",
    )
    cases = CASE % ("blocks", HARM, "block") + CASE % ("asks", REPORT, "allow")

    (found,) = verify((own + cases).encode()).findings

    place = (found.code, found.severity, found.path)
    assert place == ("case_not_run", severity, "testing.suites[0].cases[1]")
    assert found.message == "the case 'asks' was not run: it needs the model 'guard'"
