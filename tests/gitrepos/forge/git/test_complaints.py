"""Complaints of git and ssh, and the error for each."""

import pytest

from gitrepos.errors import RequestFailedError
from gitrepos.forge.git.complaints import translated

AT = "fatal: unable to access 'https://forge.example/r.git/': The requested URL returned error: "


@pytest.mark.parametrize(
    ("complaint", "code"),
    [
        (f"{AT}401\n", "auth_failed"),
        (f"{AT}403\n", "auth_failed"),
        (f"{AT}404\n", "repo_not_found"),
        (f"{AT}302\n", "moved"),
        (f"{AT}429\n", "rate_limited"),
        (f"{AT}451\n", "taken_down"),
        (f"{AT}500\n", "unreachable"),
        (f"{AT}400\n", "bad_answer"),
        ("fatal: dumb http transport does not support shallow capabilities\n", "bad_answer"),
        ("fatal: Server does not support shallow clients\n", "bad_answer"),
        ("error: pack-objects died of signal 25\n", "too_large"),
        ("fatal: write error: No space left on device\n", "internal"),
        ("fatal: couldn't find remote ref refs/heads/main\n", "branch_not_found"),
    ],
)
def test_a_complaint_is_told_as_what_it_is(complaint: str, code: str) -> None:
    """By git's own words, and libcurl's."""
    assert translated(128, complaint, is_late=False).code == code


@pytest.mark.parametrize(
    ("complaint", "failed"),
    [
        ("error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500\n", True),
        ("error: RPC failed; HTTP 501 curl 22 The requested URL returned error: 501\n", True),
        ("error: RPC failed; curl 52 Empty reply from server\n", True),
        ("error: RPC failed; curl 56 Recv failure: Connection reset by peer\n", True),
        # Overload, and servers that did not answer at all.
        ("error: RPC failed; HTTP 503 curl 22 The requested URL returned error: 503\n", False),
        ("error: RPC failed; curl 28 Operation too slow\n", False),
        (f"{AT}500\n", False),
        ("fatal: unable to access 'https://x/': Failed to connect to x port 443\n", False),
    ],
)
def test_a_failure_at_the_second_request_may_be_one_of_knowledge(
    complaint: str, failed: bool
) -> None:
    """The server answered the first, so an older request may do."""
    error = translated(128, complaint, is_late=False)

    assert isinstance(error, RequestFailedError) is failed


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (2, "with exit status 2"),
        (-6, "by signal 6 (SIGABRT)"),
        (128 + 11, "by signal 11 (SIGSEGV)"),
    ],
)
def test_a_git_that_ends_without_words_is_told_by_its_step(status: int, how: str) -> None:
    """A reader has nothing else to go by."""
    error = translated(status, "remote: \n", is_late=False, step="git fsck")

    assert (error.code, error.message) == ("bad_answer", f"git fsck ended {how} and said nothing.")
