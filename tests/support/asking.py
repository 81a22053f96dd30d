"""The check of remotes, called directly."""

import ipaddress
from collections.abc import Sequence

from gitrepos.errors import RemoteError
from gitrepos.forge import check
from gitrepos.forge.addresses import Network, parse
from gitrepos.forge.proxy import DIRECT, Proxy
from gitrepos.forge.secret import NOBODY, Secret

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PER_HOST = 32
MAIN = "refs/heads/main"


def ask(
    *urls: str,
    refs: Sequence[str] = (MAIN,),
    allowed: tuple[Network, ...] = LOOPBACK,
    per_host: int = PER_HOST,
    ca_file: str = "",
    secret: Secret = NOBODY,
    proxy: Proxy = DIRECT,
) -> list[check.RefsAnswer[int]]:
    """Ask some urls for their refs; the answers are in the order of the urls."""
    questions = [
        check.RefsQuestion(
            number, parse(url, schemes=["https", "http", "file"]), secret, tuple(refs)
        )
        for number, url in enumerate(urls)
    ]
    groups = check.check(questions, terms=check.Terms(allowed, per_host, ca_file, proxy))
    return sorted((answer for group in groups for answer in group), key=lambda answer: answer.key)


def heads(url: str, *refs: str, ca_file: str = "") -> dict[str, str]:
    """The commits that a url's refs point at; a failure is raised."""
    (answer,) = ask(url, refs=refs or (MAIN,), ca_file=ca_file)
    if answer.error is not None:
        raise answer.error
    return dict(answer.heads)


def failure(
    url: str,
    *,
    allowed: tuple[Network, ...] = LOOPBACK,
    ca_file: str = "",
    secret: Secret = NOBODY,
    proxy: Proxy = DIRECT,
) -> RemoteError:
    """The error of a check of a url, which must fail."""
    (answer,) = ask(url, allowed=allowed, ca_file=ca_file, secret=secret, proxy=proxy)
    assert answer.error is not None, answer.heads
    return answer.error
