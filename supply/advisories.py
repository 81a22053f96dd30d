"""Known advisories of all pins, asked of OSV (https://osv.dev).

`python -m supply.advisories` ends with 0 when none is known, with 1 when there are some, which it
lists, and with 2 when it could not ask: then nothing is known, and it says so.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from supply import pins
from supply.pins import Pin

_URL = "https://api.osv.dev"
_SECONDS = 30
_MOST_BYTES = 16 << 20
NONE, FOUND, NOT_ASKED = 0, 1, 2


class NotAskedError(Exception):
    """The source of advisories did not answer, or not with what its protocol says."""


def ask(listed: Sequence[Pin], url: str) -> dict[str, list[str]]:
    """Ids of advisories by the package's url, of those that have any.

    Raises:
        NotAskedError: there is no complete answer.
    """
    found: dict[str, list[str]] = {}
    queries = [{"package": {"purl": pin.purl}} for pin in listed]
    places = list(listed)
    while queries:
        results = _batch(queries, url)
        more, still = [], []
        for pin, query, result in zip(places, queries, results, strict=True):
            ids = [str(vulnerability["id"]) for vulnerability in result.get("vulns") or []]
            if ids:
                found.setdefault(pin.purl, []).extend(ids)
            if token := result.get("next_page_token"):
                more.append({**query, "page_token": token})
                still.append(pin)
        queries, places = more, still
    return found


def _batch(queries: Sequence[Mapping[str, Any]], url: str) -> list[Mapping[str, Any]]:
    request = urllib.request.Request(  # noqa: S310
        f"{url}/v1/querybatch",
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            results = json.loads(answer.read(_MOST_BYTES))["results"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise NotAskedError(f"{type(exc).__name__}: {exc}") from exc
    if not _is_complete(results, len(queries)):
        raise NotAskedError(f"the answer is not one for {len(queries)} packages")
    return list(results)


def _is_complete(results: Any, count: int) -> bool:
    return (
        isinstance(results, list)
        and len(results) == count
        and all(isinstance(result, dict) for result in results)
        and all(
            isinstance(one, dict) and "id" in one
            for result in results
            for one in result.get("vulns") or []
        )
    )


def main() -> int:
    """Ask for all pins and print what is known; returns the exit status."""
    listed = list({**pins.read(pins.DEVELOPMENT), **pins.read(pins.RUN)}.values())
    url = os.environ.get("OSV_URL") or _URL
    try:
        found = ask(listed, url)
    except NotAskedError as exc:
        print(
            f"advisories: NOT CHECKED: {url} could not be asked ({exc}). Nothing is known about"
            f" these {len(listed)} packages; try again where it can be reached.",
            file=sys.stderr,
        )
        return NOT_ASKED
    for purl, ids in found.items():
        print(f"{purl}: {', '.join(f'https://osv.dev/vulnerability/{one}' for one in ids)}")
    print(f"advisories: {len(found)} of {len(listed)} packages have known advisories")
    return FOUND if found else NONE


if __name__ == "__main__":
    sys.exit(main())
