"""A client of the control plane's API, made of the standard library.

TLS is the system's: `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from http.client import HTTPException, IncompleteRead
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kt import __version__
from kt.cli.client.bounds import read_within
from kt.cli.client.members import Row
from kt.cli.client.refusals import refusal, rest_before_next, silence
from kt.cli.errors import CommandError

_TIMEOUT_SECONDS = 60
_MOST_BYTES = 256 << 20
_MOST_OF_A_LINE = 1 << 16
_ATTEMPTS = 4
_MOST_PAGES = 10_000

Query = Mapping[str, Any]


class Answer(NamedTuple):
    """What was answered: the members of the body, the ETag ("" for none), and the status."""

    body: Row
    etag: str
    status: int

    @property
    def data(self) -> Any:
        """What stands under `data`; None in an answer without a body."""
        return self.body.get("data")

    @property
    def notices(self) -> list[str]:
        """What the control plane did otherwise than it was asked to."""
        notices = self.body.get("notices")
        return [text for text in _listed(notices) if isinstance(text, str)]

    @property
    def row(self) -> Row:
        """The one row under `data`."""
        return self.data if isinstance(self.data, dict) else {}


class ControlPlane:
    """Speaks `/v1` with a token; follows no redirect, which could lead the token elsewhere.

    `renew` says what to do about a token that is refused.
    """

    def __init__(self, url: str, token: str, *, renew: str = "check KEEPTRUSTS_API_TOKEN") -> None:
        self.url = url
        self._token = token
        self._renew = renew
        # Plain http stays on this machine, and so goes through no proxy.
        proxies = urllib.request.ProxyHandler(None if url.startswith("https:") else {})
        self._opener = urllib.request.build_opener(proxies, _NoRedirect)

    def has_token(self, token: str) -> bool:
        """Whether this is the token that it sends."""
        return self._token == token

    def rows(self, path: str, query: Query | None = None) -> list[Row]:
        """The rows under `data` of an answer, of all its pages.

        Raises:
            DeniedError: the token may not read them.
            CommandError: there is no answer, or it is not a list of rows.
        """
        return [row for page in self.pages(path, query) for row in page]

    def pages(self, path: str, query: Query | None = None) -> Iterator[list[Row]]:
        """As `rows`, page by page."""
        cursors: set[str] = set()
        asked = dict(query or {})
        while True:
            answer = self.get(path, asked)
            rows, cursor = answer.data, answer.body.get("next_cursor")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise CommandError(f"GET {path}: the answer is not a list of rows")
            yield rows
            if not isinstance(cursor, str) or not cursor:
                return
            if cursor in cursors or len(cursors) == _MOST_PAGES:
                raise CommandError(f"GET {path}: the answer leads from page to page without an end")
            cursors.add(cursor)
            asked["cursor"] = cursor

    def row(self, path: str) -> Row:
        """The one row under `data` of an answer.

        Raises:
            CommandError: there is no answer, or it is not a row.
        """
        return self.read(path).row

    def read(self, path: str) -> Answer:
        """As `row`, with the ETag by which a write says what it is about."""
        answer = self.get(path)
        if not isinstance(answer.data, dict):
            raise CommandError(f"GET {path}: the answer is not a row")
        return answer

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Whatever a path answers.

        Raises:
            CommandError: there is no answer, or it is none of this API.
        """
        return self._answer("GET", path + _query(query), None, {})

    def heard(self, path: str) -> Iterator[str]:
        """The names of server-sent events as they come, until the stream ends.

        Raises:
            RefusedError: there is no such stream, or not for this token.
            NoAnswerError: nobody answers, or nothing comes any more.
        """
        request = self._request("GET", path, None, {"Accept": "text/event-stream"})
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                while told := answer.readline(_MOST_OF_A_LINE):
                    if told.startswith(b"event:"):
                        yield told.removeprefix(b"event:").strip().decode("utf-8", "replace")
        except urllib.error.HTTPError as exc:
            raise refusal(f"GET {path}", exc, renew=self._renew) from exc
        except (OSError, HTTPException, ValueError) as exc:
            raise silence(f"GET {self.url}{path}", exc) from exc

    def content(self, path: str) -> bytes:
        """The exact bytes that a path answers."""
        return self._tried("GET", path, None, {})[0]

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        etag: str = "",
        query: Query | None = None,
    ) -> Answer:
        """Write; `etag` is that of what was read before, so that nobody's change is lost.

        A POST has a key, by which its repetition is no second one.

        Raises:
            RefusedError: the control plane will not.
            CommandError: there is no answer; what was asked may have been done.
        """
        headers = {"If-Match": etag} if etag else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        return self._answer(method, path + _query(query), data, headers)

    def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        data, etag, status = self._tried(method, path, body, headers)
        if not data and method != "GET":
            return Answer({}, etag, status)
        try:
            members = json.loads(data, parse_constant=_no_number, parse_float=_number)
            return Answer({**members, "data": members["data"]}, etag, status)
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise CommandError(f"{method} {path}: the answer has no data") from exc

    def _tried(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[bytes, str, int]:
        """Ask, and ask again where that is safe and the control plane says when."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._asked(method, path, body, headers)
            except urllib.error.HTTPError as exc:
                rest = rest_before_next(exc, method)
                if rest is None or attempt == _ATTEMPTS:
                    raise refusal(f"{method} {path}", exc, renew=self._renew) from exc
                exc.close()
                time.sleep(rest)
            except (OSError, HTTPException, ValueError) as exc:
                if method == "GET" and attempt == 1 and _was_cut(exc):
                    continue
                raise silence(f"{method} {self.url}{path}", exc) from exc
        raise AssertionError("the last attempt returns or raises")

    def _asked(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[bytes, str, int]:
        request = self._request(method, path, body, headers)
        with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            data = read_within(answer, most=_MOST_BYTES)
            if data is None:
                raise CommandError(f"{method} {path}: the answer is too large, or takes too long")
            return data, answer.headers.get("ETag", ""), answer.status

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib.request.Request:
        return urllib.request.Request(  # noqa: S310  Checked by `addresses`.
            self.url + path,
            method=method,
            data=body,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": f"kt/{__version__}",
                **headers,
            },
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: it could lead the token elsewhere."""


def _query(query: Query | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    try:
        return f"?{urlencode(given)}" if given else ""
    except UnicodeEncodeError as exc:  # A shell hands on any bytes.
        raise CommandError(f"{exc.object!r} is not UTF-8") from exc


def _no_number(name: str) -> None:
    raise ValueError(name)


def _number(text: str) -> float:
    """A number of JSON, which has none that is not finite, so that `--json` prints none."""
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _was_cut(exc: Exception) -> bool:
    """Whether a connection ended that had begun, as when the other side starts anew."""
    cause = getattr(exc, "reason", exc)
    return isinstance(cause, ConnectionResetError | BrokenPipeError | IncompleteRead)
