"""What a link follows, as pure values: which refs are asked for, and where it leads."""

import subprocess
from dataclasses import dataclass

import pytest

from gitrepos import refs
from gitrepos.errors import BranchNotFoundError, NotOnAnyBranchError, TagNotFoundError
from gitrepos.refs import HEAD, Head, Setback

A, B, C, TAG, OTHER = ("a" * 40, "b" * 40, "c" * 40, "1" * 40, "2" * 40)
MAIN, V1 = "refs/heads/main", "refs/tags/v1.0.0"
PULL = "refs/pull/1/head"
ALL = ("refs/heads/", "refs/tags/")


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """What is pure leaves nothing behind, and need not be searched for it."""


@dataclass
class Link:
    """The columns of a link that say what it follows."""

    branch: str = ""
    tag: str = ""
    commit: str = ""
    semver: str = ""


def at(**versions: str) -> dict[str, str]:
    """An answer with these tags: v1_2_3 is `v1.2.3`."""
    return {f"refs/tags/{name.replace('_', '.')}": there for name, there in versions.items()}


REPOSITORY = {HEAD: A, MAIN: A, "refs/heads/dev": B, PULL: C, V1: A, **at(v1_1_0=TAG)}
REPOSITORY["refs/tags/v1.1.0^{}"] = B
REPOSITORY |= {"refs/tags/nightly": C, "refs/tags/v2.0.0-rc.1": C, "refs/tags/v3.0.0": ""}

# What is followed, what is asked for, and where it leads in `REPOSITORY`.
LEADS = [
    (Link(), (HEAD,), Head(A, HEAD)),
    (Link(branch="main"), (MAIN,), Head(A, MAIN)),
    (Link(branch="dev"), ("refs/heads/dev",), Head(B, "refs/heads/dev")),
    (Link(branch="gone"), ("refs/heads/gone",), Head("", "refs/heads/gone")),
    (Link(branch=PULL), (PULL,), Head(C, PULL)),
    (Link(tag="v1.0.0"), (V1,), Head(A, V1)),
    (Link(tag="nightly"), ("refs/tags/nightly",), Head(C, "refs/tags/nightly")),
    (Link(tag="v1.1.0"), ("refs/tags/v1.1.0",), Head(B, "refs/tags/v1.1.0", TAG)),
    (Link(tag="v3.0.0"), ("refs/tags/v3.0.0",), Head("", "refs/tags/v3.0.0")),
    (Link(tag="main"), ("refs/tags/main",), Head("", "refs/tags/main")),
    (Link(commit=A), ALL, Head(A)),
    (Link(commit=B), ALL, Head(B)),
    (Link(commit=TAG), ALL, Head(TAG, is_shown=False)),
    (Link(commit=OTHER), ALL, Head(OTHER, is_shown=False)),
    (Link(semver="*"), ("refs/tags/",), Head(B, "refs/tags/v1.1.0", TAG)),
    (Link(semver="~1.0"), ("refs/tags/",), Head(A, V1)),
    (Link(semver=">=2.0.0-a"), ("refs/tags/",), Head(C, "refs/tags/v2.0.0-rc.1")),
    (Link(semver="^2"), ("refs/tags/",), Head("")),
    (Link(semver="^3"), ("refs/tags/",), Head("")),
]


@pytest.mark.parametrize(("link", "asked", "head"), LEADS)
def test_where_a_link_leads(link: Link, asked: tuple[str, ...], head: Head) -> None:
    """By itself, and among others of one remote, whose refs do not mix."""
    followed = refs.of(link)
    everything = [refs.of(other) for other, _, _ in LEADS]

    assert followed.asks() == asked
    assert followed.head(refs.found([followed], REPOSITORY)) == head
    assert followed.head(refs.found(everything, REPOSITORY)) == head


@pytest.mark.parametrize(("link", "head"), [(link, head) for link, _, head in LEADS])
def test_what_nobody_asked_for_is_not_known_to_be_gone(link: Link, head: Head) -> None:
    """A link that is newer than the check waits for the next one, unless another asked for it."""
    followed = refs.of(link)
    others = [refs.of(other) for other, _, _ in LEADS if other != link]

    assert followed.head({}) is None
    assert followed.head(refs.found(others, REPOSITORY)) in (None, head)


def test_of_many_tags_one_is_handed_on() -> None:
    """A repository may have thousands, and a message goes through the broker."""
    answer = {f"refs/tags/v1.0.{patch}": A for patch in range(5000)}

    assert refs.found([refs.of(Link(semver="^1"))], answer) == {
        "semver ^1": "refs/tags/v1.0.4999",
        "refs/tags/v1.0.4999": A,
    }


def test_a_proposal_is_no_branch_that_has_a_commit() -> None:
    """Though another link of the remote follows it."""
    followed = refs.of(Link(commit=C))

    assert followed.head(followed.found({PULL: C, MAIN: A})) == Head(C, is_shown=False)


@pytest.mark.parametrize("answer", [{}, {PULL: A}, {MAIN: ""}, {MAIN: "a" * 64, V1: "b" * 64}])
def test_without_a_branch_or_tag_of_its_kind_nothing_has_a_commit(answer: dict[str, str]) -> None:
    """In an empty repository, or one with ids of another length."""
    followed = refs.of(Link(commit=A))

    assert followed.head(followed.found(answer)) == Head("")


MISSING = [
    (Link(), BranchNotFoundError, "HEAD names no branch"),
    (Link(branch="gone"), BranchNotFoundError, "no branch 'gone'"),
    (Link(tag="v9"), TagNotFoundError, "no tag 'v9'"),
    (Link(semver="^9"), TagNotFoundError, r"no tag with a version in '\^9'"),
    (Link(commit=A), NotOnAnyBranchError, A),
]


@pytest.mark.parametrize(("link", "kind", "words"), MISSING)
def test_what_is_said_of_none(link: Link, kind: type[Exception], words: str) -> None:
    """It names what was followed."""
    with pytest.raises(kind, match=words):
        raise refs.of(link).missing()


def v(version: str, commit: str) -> tuple[str, str]:
    """A tag's full name and where it points."""
    return f"refs/tags/v{version}", commit


# What is followed, where it led last, where it leads now, and why not to go there.
STEPS = [
    (Link(branch="main"), (MAIN, A), (MAIN, B), ""),
    (Link(), (HEAD, A), (HEAD, B), ""),
    (Link(tag="v1.0.0"), ("", ""), v("1.0.0", A), ""),
    (Link(tag="v1.0.0"), v("1.0.0", A), v("1.0.0", A), ""),
    (Link(tag="v1.0.0"), v("1.0.0", A), v("1.0.0", B), "tag_moved"),
    (Link(tag="v1.0.0"), ("", A), v("1.0.0", B), ""),  # An edit had it follow this one.
    (Link(tag="v1.0.0"), v("2.0.0", A), v("1.0.0", B), ""),
    (Link(tag="stable"), ("refs/tags/stable", A), ("refs/tags/stable", B), "tag_moved"),
    (Link(commit=A), ("", B), ("", A), ""),
    (Link(semver="^1"), ("", ""), v("1.0.0", A), ""),
    (Link(semver="^1"), ("", A), v("1.0.0", B), ""),
    (Link(semver="^1"), v("1.0.0", A), v("1.0.0", A), ""),
    (Link(semver="^1"), v("1.0.0", A), v("1.0.1", B), ""),
    (Link(semver="^1"), v("1.9.0", A), v("1.10.0", B), ""),
    (Link(semver="^1"), v("1.0.0", A), v("1.0.0", B), "tag_moved"),
    (Link(semver="^1"), v("1.10.0", A), v("1.9.0", B), "tag_lower"),
    (Link(semver="^1"), v("1.10.0", A), v("1.9.0", A), "tag_lower"),
    (Link(semver="^1"), v("2.0.0", A), v("1.9.0", B), ""),  # An edit had it follow this range.
    (Link(semver="^1"), v("1.0.0-rc.1", A), v("1.0.0", B), ""),
    (Link(semver=">=1.0.0-a"), v("1.0.0", A), v("1.0.0-rc.1", B), "tag_lower"),
    (Link(semver=">=1.0.0-a"), v("1.0.0-rc.1", A), v("1.0.0", B), ""),
    (Link(semver="*"), v("1.0.0", A), ("refs/tags/1.0.0", B), "tag_moved"),
    (Link(semver="*"), v("1.0.0", A), ("refs/tags/1.0.0", A), ""),
    (Link(semver="*"), v("1.0.0+a", A), v("1.0.0+b", B), "tag_moved"),
]


@pytest.mark.parametrize(("link", "last", "now", "code"), STEPS)
def test_a_tag_goes_forward_by_itself_and_not_back(
    link: Link, last: tuple[str, str], now: tuple[str, str], code: str
) -> None:
    """A branch may go wherever it wants; the message has what was and what is."""
    (last_ref, last_commit), (ref, commit) = last, now

    why = refs.of(link).setback(Head(commit, ref), last_ref=last_ref, last_commit=last_commit)

    assert (why.code if why else "") == code
    if isinstance(why, Setback):
        assert refs.tag_of(ref) in why.message


# What is followed, what was pushed, the default branch where it is known, and if it concerns it.
PUSHES = [
    (Link(branch="main"), MAIN, "", True),
    (Link(branch="main"), "refs/tags/main", "main", False),
    (Link(), MAIN, "main", True),
    (Link(), "refs/heads/dev", "main", False),
    (Link(), "refs/heads/dev", "", True),
    (Link(), V1, "", False),
    (Link(tag="v1.0.0"), V1, "main", True),
    (Link(tag="v1.0.0"), "refs/heads/v1.0.0", "main", False),
    (Link(semver="^1"), V1, "main", True),
    (Link(semver="^1"), "refs/tags/v2.0.0", "main", False),
    (Link(semver="^1"), "refs/tags/nightly", "main", False),
    (Link(semver="*"), "refs/heads/v1.0.0", "main", False),
    (Link(commit=A), MAIN, "main", False),
    (Link(commit=A), V1, "", False),
]


@pytest.mark.parametrize(("link", "pushed", "default", "concerns"), PUSHES)
def test_which_pushes_concern_a_link(link: Link, pushed: str, default: str, concerns: bool) -> None:
    """A commit by its id stays where it is."""
    assert refs.of(link).is_moved_by(pushed, default) is concerns


GOOD = {
    "branch": ["main", "release/1.x", "a.b", "@a", "refs"],
    "tag": ["v1.0.0", "1.0", "release/2026", "a.b", "@", "支援", "x" * 200],
    "commit": [A, A + "0" * 24],
    "semver": ["*", "^1.2", ">=1.2 <2", "~1.2.3", "1.x"],
}
BAD = {
    "branch": ["-a", "a..b", "@", "a b", MAIN, V1, PULL, "refs/changes/01/1/1"],
    "tag": [
        "-a", "a..b", "a b", ".a", "a/.b", "a.", "/a", "a/", "a//b", "a~", "a^", "a:", "a?", "a*",
        "a[", "a\\", "a.lock", "a.lock/b", "a@{b", "a\x7f", "a\nb", V1, MAIN, PULL,
    ],
    "commit": ["abc", "a" * 39, "a" * 41, "a" * 63, "g" * 40, "0" * 40, "HEAD", "main"],
    "semver": ["latest", ">>1", "01.2.3", "v"],
}  # fmt: skip


@pytest.mark.parametrize(("form", "value"), [(f, v) for f, values in GOOD.items() for v in values])
def test_what_can_be_followed(form: str, value: str) -> None:
    """By each form."""
    assert refs.problem(form, value, ()) is None
    assert refs.form(Link(**{form: value})) == form


@pytest.mark.parametrize(("form", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_what_cannot_be_followed(form: str, value: str) -> None:
    """The reason ends a sentence."""
    assert refs.problem(form, value, ())


@pytest.mark.parametrize("name", [*GOOD["tag"], *BAD["tag"]])
def test_a_tag_is_what_git_calls_one(name: str) -> None:
    """`check-ref-format`, and `git tag`, which takes no dash in front."""
    if name.startswith("refs/"):
        return  # git would take a tag of that name; its full name is meant.
    command = ["git", "check-ref-format", f"refs/tags/{name}"]
    accepted = subprocess.run(command, cwd="/").returncode == 0 and not name.startswith("-")

    assert (refs.problem("tag", name, ()) is None) is accepted


PATTERNS = ("refs/pull/*", "refs/merge-requests/*")


@pytest.mark.parametrize(
    ("ref", "allowed"),
    [
        (HEAD, True), ("", True), (MAIN, True), (V1, True), (PULL, True),
        ("refs/merge-requests/7/head", True), ("refs/changes/01/1/1", False),
        ("refs/pull", False), ("refs/pulls/1/head", False), ("refs/notes/commits", False),
    ],
)  # fmt: skip
def test_other_refs_are_an_operators_to_allow(ref: str, allowed: bool) -> None:
    """Anybody may push to some of them."""
    assert refs.is_allowed(ref, PATTERNS) is allowed
    assert refs.is_allowed(ref, ()) is (
        allowed and not ref.startswith(("refs/pull/", "refs/merge"))
    )


def test_an_allowed_ref_is_followed_by_its_full_name() -> None:
    """As a branch; no setting makes a tag of it."""
    assert refs.problem("branch", PULL, PATTERNS) is None
    assert refs.problem("tag", PULL, PATTERNS)
    assert "KEEPTRUSTS_GIT_ALLOWED_REFS" in (refs.problem("branch", PULL, ()) or "")
    assert refs.problem("branch", "refs/pull/../heads/x", PATTERNS)
