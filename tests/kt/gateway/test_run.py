"""What a gateway says when it starts."""

from __future__ import annotations

import pytest

from kt.gateway.gateway import Gateway
from kt.gateway.options import Options
from kt.gateway.policy.loading import nothing
from kt.gateway.policy.source import FileSource
from kt.gateway.run import _greeting

OPEN = (
    "no client key is asked for, and whoever reaches 0.0.0.0:41002 may call; "
    "give --listen 127.0.0.1:41002, or --client-keys F"
)


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (Options(), [OPEN]),
        (Options(port=8000), [OPEN.replace("41002", "8000")]),
        (Options(host="127.0.0.1"), []),
        (Options(host="10.0.0.7"), []),
        (Options(client_keys=frozenset([b"d" * 32])), []),
    ],
)
def test_a_gateway_that_is_open_to_all_says_so(options: Options, warned: list[str]) -> None:
    """The default is for containers, and surprises on a desk."""
    gateway = Gateway(options, FileSource("p.yaml"), nothing(source="p.yaml", now=""), {}, ())

    assert _greeting(gateway)[1:] == warned
