"""`kt policy review`: what a change does, from a checkout as a reviewer has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kt.cli.review.change import Audience, Reviewed
from kt.cli.review.gathering import gathered
from kt.cli.review.markdown import block, code, render
from kt.cli.review.report import RENDERERS
from kt.cli.review.sides import side
from tests.kt.cli.answering import Answers
from tests.kt.cli.sarif import run_of
from tests.support.repo import Repo

PATH = "policies/bot/policy-config.yaml"


def _policy(*terms: str, cases: str = "", name: str = "Bot") -> str:
    listed = "".join(f"      - {json.dumps(term)}\n" for term in terms)
    return (
        f"pack: {{name: {json.dumps(name)}, version: 1.0.0, enabled: true}}\n"
        "policies: {chain: [human-oversight]}\n"
        f"policy:\n  human-oversight:\n    require_human_for:\n{listed}"
        f"testing:\n  suites:\n    - name: Terms\n      cases:\n{cases or _case('red falcon')}"
    )


def _case(term: str, verdict: str = "escalate") -> str:
    said = json.dumps(f"A {term}.")
    return (
        f"        - name: {json.dumps(f'of {term}')}\n"
        f"          input: {{messages: [{{role: user, content: {said}}}]}}\n"
        f"          expected: {{verdict: {verdict}}}\n"
    )


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A checkout with a policy of two terms, each of which has a case."""
    made = Repo(tmp_path / "bare.git", tmp_path / "clone", "")
    made.make(tmp_path / "templates", "sha1")
    monkeypatch.chdir(made.clone)
    made.commit({PATH: _policy("red falcon", "blue heron", cases=_both())})
    return made


def _both() -> str:
    return _case("red falcon") + _case("blue heron")


def _review(kt: Callable[..., Any], *argv: str) -> dict[str, Any]:
    done = kt("policy", "review", "--base", "HEAD~1", "--json", *argv)
    assert done.code in (0, 1), done.err
    (row,) = json.loads(done.out)["policies"]
    return dict(row)


def test_a_term_that_is_deleted_shows_in_words(repo: Repo, kt: Callable[..., Any]) -> None:
    """That it weakens, which test fails for it, and which notices nothing any more."""
    repo.commit({PATH: _policy("red falcon", cases=_both())})
    row = _review(kt)

    assert [(one["effect"], one["message"]) for one in row["changes"]] == [
        ("weaker", 'policy.human-oversight.require_human_for: "blue heron" is dropped')
    ]
    assert row["failed"] == row["idle"] == ["Terms: of blue heron"]
    done = kt("policy", "review", "--base", "HEAD~1")
    assert done.code == 1
    assert "**Weaker**\n\n- ` policy.human-oversight.require_human_for: " in done.out


def test_a_test_that_is_deleted_leaves_a_change_unnoticed(
    repo: Repo, kt: Callable[..., Any]
) -> None:
    """The review names the change, the test that noticed it, and a case that would."""
    repo.commit({PATH: _policy("red falcon", "blue heron")})
    row = _review(kt)

    assert row["gone"] == ["Terms: of blue heron"]
    (lost,) = [one for one in row["survivors"] if "blue heron" in one["message"]]
    assert lost["noticed_before_by"] == "Terms: of blue heron"
    assert "blue heron" in lost["case"]
    assert [one["message"] for one in row["uncovered"]] == [
        "policy.human-oversight.require_human_for[1]"
    ]
    assert row["coverage"]["before"] > row["coverage"]["after"]
    assert row["killed"]["before"] > row["killed"]["after"]


def test_what_did_not_change_is_not_reviewed(repo: Repo, kt: Callable[..., Any]) -> None:
    """Nor what survived before."""
    repo.commit({"README.md": "Policies."})

    assert kt("policy", "review", "--base", "HEAD~1").out.endswith("No policy differs.\n")
    repo.commit({PATH: _policy("red falcon", "blue heron", cases=_both(), name="Bot 2")})
    assert _review(kt)["survivors"] == []


def test_tests_beside_a_policy_belong_to_it(repo: Repo, kt: Callable[..., Any]) -> None:
    """A change of them is one of it."""
    given = {"messages": [{"role": "user", "content": "A red falcon."}]}
    case = {"name": "c", "input": given, "expected": {"verdict": "allow"}}
    repo.commit({"policies/bot/tests/more.json": json.dumps(case)})

    assert _review(kt)["failed"] == ["more.json: c"]


def test_new_deleted_and_moved_policies_are_told_apart(repo: Repo, kt: Callable[..., Any]) -> None:
    """With what a rename takes along."""
    repo.commit({PATH: None, "policies/desk/policy-config.yaml":
                 _policy("red falcon", "blue heron", cases=_both())})  # fmt: skip
    row = _review(kt)
    assert (row["state"], row["moved_from"]) == ("changed", PATH)
    assert row["rename"] == "desk follows bot: what is bound to it goes along"
    assert row["changes"] == []
    repo.commit({"policies/desk/policy-config.yaml": None})
    assert (_review(kt)["state"], _review(kt)["changes"][0]["message"]) == (
        "deleted",
        "the policy is deleted",
    )
    repo.commit({PATH: _policy("red falcon")})
    assert _review(kt)["state"] == "new"


def test_a_file_that_lint_refuses_is_not_compared(repo: Repo, kt: Callable[..., Any]) -> None:
    """Its findings are told, and the end is 1."""
    repo.commit({PATH: "pack: ["})
    done = kt("policy", "review", "--base", "HEAD~1")

    assert done.code == 1
    assert "Lint finds errors: neither compared nor tested." in done.out
    assert "E010" in done.out


def test_sarif_has_what_needs_a_look(repo: Repo, kt: Callable[..., Any]) -> None:
    """At its place in the policy."""
    repo.commit({PATH: _policy("red falcon", cases=_both())})
    done = kt("policy", "review", "--base", "HEAD~1", "--format", "sarif")

    results = run_of(done.out)["results"]
    assert {one["ruleId"] for one in results} >= {"weaker", "case_failed"}


def test_a_base_that_is_not_there_is_2(repo: Repo, kt: Callable[..., Any]) -> None:
    """And it is said what helps."""
    done = kt("policy", "review", "--base", "nowhere")
    assert (done.code, "no such commit" in done.err) == (2, True)


def test_a_control_plane_says_whom_it_reaches(
    repo: Repo, kt: Callable[..., Any], answers: Answers
) -> None:
    """By configuration, link and gateways."""
    repo.commit({PATH: _policy("red falcon")})
    answers.says("/v1/configurations", [{"id": "bot", "git_repo": "link-1"}, {"id": "other"}])
    answers.says(
        "/v1/drift",
        [{"configuration": "bot", "gateway": "edge-1"}, {"configuration": "bot", "gateway": ""},
         {"configuration": "other", "gateway": "edge-2"}],
    )  # fmt: skip

    assert _review(kt)["reach"] == {
        "configuration": "bot",
        "is_known": True,
        "link": "link-1",
        "gateways": ["edge-1"],
    }


_SIGNS = (
    "@everyone", "@octocat please", "#1", "org/repo#2", "!3", "https://evil.example/x",
    "www.evil.example", "[a](https://evil.example)", "![a](https://evil.example/i.png)",
    "<img src=x onerror=alert(1)>", "<!-- kt policy review -->", "</details>", "<script>", "`",
    "``", "```", "`` ` ``", "````\n# Title", "a `@user` b", "| a | b |", "**bold**", "~~gone~~",
    "- [ ] x", "> quote", "---", "\\`", "\\", "&lt;b&gt;", "&#64;user", "$`x`$", "$$x$$", ":tada:",
    "\r\n# T",
    "\u2028# T", "\u202eabc", "\x1b[31m", "\t", " ", "", "x" * 5000, "`" * 300, "a\n\n    code",
    "<a href='javascript:alert(1)'>", "{{7*7}}", "/close", "/merge", "cc @org/team", "~label",
    "%milestone", "user@example.com", "::error::x", "]]>", "<details><summary>",
)  # fmt: skip
HOSTILE = [text for one in _SIGNS for text in (one, f"`{one}` {one}")]


def _outside_of_code(text: str) -> tuple[str, set[str]]:
    """What a forge shows outside of code, and the sorts of all that it makes of the text."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    sorts: set[str] = set()
    said: list[str] = []

    def walk(tokens: list[Token]) -> None:
        for token in tokens:
            sorts.add(token.type)
            if token.type not in ("code_inline", "fence"):
                if token.children:
                    walk(token.children)
                else:
                    said.append(token.content)

    walk(reader.parse(text))
    return "\n".join(said), sorts


_EXPECTED = {
    "html_block", "heading_open", "heading_close", "inline", "paragraph_open", "paragraph_close",
    "text", "code_inline", "softbreak", "strong_open", "strong_close", "bullet_list_open",
    "bullet_list_close", "list_item_open", "list_item_close", "fence",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_markup(text: str) -> None:
    """In code of either form: nothing of it is outside, whatever stands around."""
    said, sorts = _outside_of_code(f"{code(text)} and {code(text)}\n\n- {code(text)}\n")
    assert said.replace("(empty)", "").split() == ["and"]
    assert sorts <= _EXPECTED
    said, sorts = _outside_of_code(f"before\n\n{block(text)}\n\nafter\n")
    assert said.split() == ["before", "after"]
    assert sorts <= _EXPECTED


def test_hostile_texts_in_every_field_inject_nothing() -> None:
    """Of names, terms, cases, paths, ids and messages, in a whole review."""
    assert len(HOSTILE) >= 100
    plain, _ = _outside_of_code(render([_of("plain")]))
    words = set(plain.split())
    for text in HOSTILE:
        comment = render([_of(text)])
        said, sorts = _outside_of_code(comment)
        assert sorts <= _EXPECTED
        left = {word for word in said.split() if "(empty)" not in word} - words
        assert {word for word in left if not word.strip("().").replace(".", "").isdigit()} == set()
        assert comment.count("<!--") - comment.count("` <!--") >= 1
    run_of(RENDERERS["sarif"]([_of(text) for text in HOSTILE[:20]]))


def _of(text: str) -> Reviewed:
    """A review in which a text stands wherever somebody else writes."""
    line = " ".join(text.split()) or "x"
    line = "".join(sign for sign in line if sign.isprintable())[:150] or "x"
    before = _policy(line, "blue heron", cases=_both(), name=line)
    after = _policy(f"{line} 2", "blue heron", cases=_case(line, "allow"), name=line)
    sides = [side(one.encode(), "bot", ()) for one in (before, after)]
    reach = Audience(text, True, text, (text, text))
    return Reviewed(text, sides[0], sides[1], moved_from=text, reach=reach)


def test_a_comment_has_no_more_than_a_forge_takes() -> None:
    """What does not fit is counted."""
    one = _of("plain")
    text = render([one] * 300)

    assert len(text) <= 65_000
    assert "more policies differ" in text


def test_a_review_is_of_this_checkout_alone(repo: Repo) -> None:
    """Paths from its root, wherever it is asked."""
    repo.commit({PATH: _policy("red falcon")})
    from kt.cli.git.before import Before

    assert [one.file for one in gathered(Before("HEAD~1"), ["policies"])] == [PATH]
    assert [one.file for one in gathered(Before("HEAD~1"), ["policies/bot"])] == [PATH]
