"""What every answer has, from a running control plane."""

import gzip
import http.client
import json
import sys
from typing import Any
from uuid import uuid4

import pytest

from tests.support.repo import policy
from tests.support.stack import Stack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPEN = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.fixture
def path(shared_stack: Stack) -> str:
    """A configuration whose row is worth encoding."""
    name = f"manners-{uuid4().hex[:8]}"
    made = {"id": name, "content": policy("Manners"), "description": "long " * 400}
    assert shared_stack.request("POST", "/v1/configurations", made).status == 201
    return f"/v1/configurations/{name}"


def _ask(
    stack: Stack, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Authorization": f"Bearer {stack.token()}", "Content-Type": "application/json"}
    line.request(method, path, None if body is None else json.dumps(body), named)
    answer = line.getresponse()
    content = answer.read()
    line.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_an_encoded_answer_is_known_and_written_upon(
    shared_stack: Stack, path: str, coding: str
) -> None:
    """Its ETag is its own, and as good as the plain one."""
    plain = _ask(shared_stack, "GET", path)
    short = _ask(shared_stack, "GET", path, Accept_Encoding=coding)
    assert (short[0], short[1]["content-encoding"]) == (200, coding)
    assert _OPEN[coding](short[2]) == plain[2]
    etag = short[1]["etag"]
    assert etag == f'{plain[1]["etag"][:-1]}-{coding}"'
    assert {"authorization", "accept-encoding", "origin"} <= {
        name.strip().lower() for name in short[1]["vary"].split(",")
    }

    known = _ask(shared_stack, "GET", path, Accept_Encoding=coding, If_None_Match=etag)
    assert (known[0], known[1]["etag"], known[2]) == (304, etag, b"")
    change = {"description": "another"}
    assert _ask(shared_stack, "PATCH", path, change, If_Match=etag)[0] == 200
    assert _ask(shared_stack, "PATCH", path, change, If_Match=etag)[0] == 412


def test_what_shows_a_secret_is_not_encoded(shared_stack: Stack) -> None:
    """Its length would tell of it, beside what a caller chooses."""
    networks = [f"10.0.{number}.0/24" for number in range(20)]
    body = {"name": "long", "role": "viewer", "note": "x" * 500, "networks": networks}
    status, headers, content = _ask(
        shared_stack, "POST", "/v1/tokens", body, Accept_Encoding="gzip, zstd"
    )
    assert (status, "content-encoding" in headers) == (201, False)
    assert json.loads(content)["data"]["token"]
    assert len(content) > 1024


def test_an_id_is_in_the_answer_and_its_error(shared_stack: Stack) -> None:
    """As it was sent."""
    name = f"asked-{uuid4().hex}"
    status, headers, content = _ask(shared_stack, "GET", "/v1/tokens/nobody", X_Request_Id=name)
    assert (status, headers["x-request-id"]) == (404, name)
    assert json.loads(content)["error"]["request_id"] == name


def test_a_stream_is_asked_about_as_all_paths_are(shared_stack: Stack) -> None:
    """By OPTIONS of the web, and by HEAD of the process that has it."""
    assert _ask(shared_stack, "OPTIONS", "/v1/stream")[0] == 204
    status, headers, content = _ask(shared_stack, "HEAD", "/v1/stream?resources=events")
    assert (status, headers["content-type"], content) == (200, "text/event-stream", b"")
    assert _ask(shared_stack, "POST", "/v1/stream", {})[0] == 405
