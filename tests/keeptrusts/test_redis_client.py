"""Warnings of a Redis across a network, by the control plane and by a gateway alike."""

from collections.abc import Callable

import pytest

from keeptrusts import redis_client
from kt import addresses

CLEAR, NOBODY, POSE = "in clear", "no password", "pose as the server"
URLS = [
    ("", []),
    ("unix:///run/redis.sock?db=0", []),
    ("redis://localhost:6379/0", []),
    ("redis://127.0.0.1:6379/0", []),
    ("redis://127.8.8.8", []),
    ("redis://[::1]:6379", []),
    ("redis:///0", []),
    ("redis://redis.example:6379/0", [CLEAR, NOBODY]),
    ("redis://user:s3cret@redis.example/0", [CLEAR]),
    ("redis://:s3cret@10.0.0.5:6379", [CLEAR]),
    ("redis://user@10.0.0.5:6379", [CLEAR, NOBODY]),
    ("redis://localhost.example", [CLEAR, NOBODY]),
    ("redis://0.0.0.0", [CLEAR, NOBODY]),
    ("redis://[fd00::1]:6379", [CLEAR, NOBODY]),
    ("rediss://redis.example:6380/0", [NOBODY]),
    ("rediss://user:s3cret@redis.example:6380/0", []),
    ("rediss://user:s3cret@redis.example/0?ssl_cert_reqs=none", [POSE]),
    ("rediss://user:s3cret@redis.example/0?ssl_cert_reqs=required", []),
]


@pytest.mark.parametrize("warn", [redis_client.warnings, addresses.redis_warnings])
@pytest.mark.parametrize(("url", "words"), URLS)
def test_what_others_on_the_network_may_do_is_said(
    warn: Callable[[str], list[str]], url: str, words: list[str]
) -> None:
    """In a line each, without the url, whose password is nobody's to read."""
    lines = warn(url)

    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))
    assert not any("s3cret" in line or "example" in line for line in lines)
