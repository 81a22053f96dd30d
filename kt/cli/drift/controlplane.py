"""A client of the control plane's API, made of the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from kt import __version__
from kt.cli.errors import CommandError

_TIMEOUT_SECONDS = 30
_MOST_BYTES = 256 << 20
_MOST_SHOWN = 300


class DeniedError(CommandError):
    """The token's role may not read this."""


class ControlPlane:
    """Reads `/v1` with a token; follows no redirect."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        # Plain http stays on this machine, and so goes through no proxy.
        proxies = urllib.request.ProxyHandler(None if url.startswith("https:") else {})
        self._opener = urllib.request.build_opener(proxies, _NoRedirect)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """The rows under `data` of an answer.

        Raises:
            DeniedError: the token may not read them.
            CommandError: there is no answer, or it is not a list of rows.
        """
        rows = self._data(path)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise CommandError(f"GET {path}: the answer is not a list of rows")
        return rows

    def row(self, path: str) -> dict[str, Any]:
        """The one row under `data` of an answer.

        Raises:
            CommandError: there is no answer, or it is not a row.
        """
        row = self._data(path)
        if not isinstance(row, dict):
            raise CommandError(f"GET {path}: the answer is not a row")
        return row

    def _data(self, path: str) -> Any:
        try:
            return json.loads(self._get(path))["data"]
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise CommandError(f"GET {path}: the answer has no data") from exc

    def _get(self, path: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310  Checked by `addresses`.
            self._url + path,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": f"kt/{__version__}",
            },
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                data: bytes = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as exc:
            hint = "; check KEEPTRUSTS_API_TOKEN" if exc.code == HTTPStatus.UNAUTHORIZED else ""
            refused = DeniedError if exc.code == HTTPStatus.FORBIDDEN else CommandError
            raise refused(f"GET {path}: {exc.code} {_said(exc)}".rstrip() + hint) from exc
        except (OSError, HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", None) or exc
            raise CommandError(f"GET {self._url}{path}: no answer: {reason}") from exc
        if len(data) > _MOST_BYTES:
            raise CommandError(f"GET {path}: the answer is too large")
        return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: it could lead the token elsewhere."""


def _said(exc: urllib.error.HTTPError) -> str:
    """The code and message of an error answer, "" without them, on one line safe to print."""
    with exc:
        try:
            error = json.loads(exc.read(1 << 16))["error"]
            text = f"{error['code']}: {error.get('message', '')}"
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return ""
    line = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(line.split()).rstrip(":")[:_MOST_SHOWN]
