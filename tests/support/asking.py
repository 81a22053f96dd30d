"""The cheap check without anything around it."""

import ipaddress
from collections.abc import Sequence

from gitrepos import remote
from gitrepos.address import Network, parse
from gitrepos.errors import RemoteError

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
MAIN = "refs/heads/main"


def ask(
    *urls: str,
    refs: Sequence[str] = (MAIN,),
    token: str = "",
    allowed: Sequence[Network] = LOOPBACK,
) -> list[remote.Answer[int]]:
    """The answers for some urls, in their order."""
    questions = [
        remote.Question(number, parse(url, schemes=["https", "http", "file"]), token, tuple(refs))
        for number, url in enumerate(urls)
    ]
    answers = [answer for group in remote.check(questions, allowed=allowed) for answer in group]
    return sorted(answers, key=lambda answer: answer.key)


def heads(url: str, *refs: str, token: str = "") -> dict[str, str]:
    """The commits that a url's refs point at; a failure is raised."""
    (answer,) = ask(url, refs=refs or (MAIN,), token=token)
    if answer.error is not None:
        raise answer.error
    return dict(answer.heads)


def failure(url: str, *, allowed: Sequence[Network] = LOOPBACK, token: str = "") -> RemoteError:
    """How asking a url fails."""
    (answer,) = ask(url, allowed=allowed, token=token)
    assert answer.error is not None, answer.heads
    return answer.error
