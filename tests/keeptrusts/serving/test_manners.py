"""What every answer has."""

from collections.abc import Mapping

import pytest
import structlog

from keeptrusts.serving import manners
from keeptrusts.serving.answers import JSON, Answer
from keeptrusts.serving.manners import Manners

_LONGEST = "a" * 128


def _asked(*headers: tuple[str, str]) -> Manners:
    return Manners.of({"headers": [(name.encode(), value.encode()) for name, value in headers]})


def _dressed(asked: Manners, *given: tuple[bytes, bytes]) -> Mapping[bytes, bytes]:
    headers = asked.dressed(Answer(200, b"", list(given))).headers
    found = dict(headers)
    assert len(found) == len(headers)
    return found


@pytest.mark.parametrize("sent", ["a", "0af7651916cd43dd8448eb211c80319c", "A.b_c-9", _LONGEST])
def test_an_id_of_a_caller_is_kept(sent: str) -> None:
    """As it is."""
    assert _asked(("x-request-id", sent)).request_id == sent


@pytest.mark.parametrize(
    "sent", [[], [""], [" "], ["a b"], ["é"], ["a\r\nb"], [f"{_LONGEST}a"], ["a,b"], ["a", "b"]]
)
def test_another_id_is_made(sent: list[str]) -> None:
    """In the place of one that is missing, of another form or given twice; Django gets it, too."""
    scope = {"headers": [(b"x-request-id", one.encode("utf-8")) for one in sent]}
    first = Manners.of(scope).request_id
    assert len(first) == 24
    assert scope["headers"] == [(b"x-request-id", first.encode())]
    assert Manners.of({"headers": []}).request_id != first


def test_an_answer_has_what_all_have_and_keeps_its_own() -> None:
    """Of what it says itself nothing is said twice."""
    asked = _asked(("x-request-id", "mine"))
    assert _dressed(asked, JSON) == {
        b"content-type": b"application/json",
        b"x-request-id": b"mine",
        b"vary": b"Accept-Encoding, Origin",
    }
    assert _dressed(asked, (b"x-request-id", b"mine"), (b"vary", b"Authorization, origin")) == {
        b"x-request-id": b"mine",
        b"vary": b"Authorization, origin, Accept-Encoding",
    }


def test_browsers_may_read_answers_of_allowed_origins_alone() -> None:
    """Errors that Django never saw, too."""
    allowed = _dressed(_asked(("origin", "https://console.example")))
    assert allowed[b"access-control-allow-origin"] == b"https://console.example"
    exposed = {name.strip() for name in allowed[b"access-control-expose-headers"].split(b",")}
    assert exposed >= {b"ETag", b"Location", b"Retry-After", b"X-Request-Id", b"RateLimit"}
    for origin in ("https://other.example", "null", "*", ""):
        assert b"access-control-allow-origin" not in _dressed(_asked(("origin", origin)))


def test_the_id_is_in_every_line_of_the_log() -> None:
    """Until the request is over."""
    with _asked(("x-request-id", "mine")).logged():
        assert structlog.contextvars.get_contextvars()["request_id"] == "mine"
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_a_refusal_of_a_head_has_what_was_read_of_it() -> None:
    """Nothing, where nothing was."""
    request_id, headers = manners.refused([(b"x-request-id", b"mine")])
    assert (request_id, dict(headers)[b"x-request-id"]) == ("mine", b"mine")
    assert len(manners.refused(None)[0]) == 24
