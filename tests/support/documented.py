"""Holds what clients of tests are answered against the API's document, so that it cannot lie.

A test whose request is answered otherwise fails at its end, with what `PROBLEMS` has by then.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from openapi import document
from openapi.described import HEADERS

PROBLEMS: list[str] = []

_URI = "urn:document"
# Of long lists the first and the last rows are looked at.
_MOST_ROWS = 40
_JSON = "application/json"
# Of a method that a path lacks, by whose words another path may stand for an id.
_NO_METHOD = 405


def hold(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes, sent: bytes
) -> None:
    """Note what an answer has otherwise than the document says; `sent` is the request's body."""
    found = operation(method, path.partition("?")[0])
    if found is None or status == _NO_METHOD:
        return
    where = f"{method} {path} {status}"
    wrong = _wrong(found, status, headers, body)
    # Of rows of which only some members are asked for, the others are missing.
    wrong = (why for why in wrong if "fields=" not in path or "is a required" not in why)
    PROBLEMS.extend(f"{where}: {why}" for why in wrong)
    if status < 300 and sent and method != "DELETE":
        PROBLEMS.extend(f"{where}, which it took: {why}" for why in _wrong_body(found, sent))


def operation(method: str, path: str) -> tuple[str, str] | None:
    """The template and the method, in lower case, by which the document has a request."""
    wanted = "get" if method == "HEAD" else method.lower()
    for template, pattern, methods in _templates():
        if wanted in methods and pattern.fullmatch(path):
            return template, wanted
    return None


def built() -> Any:
    """The document, which nobody changes."""
    with _building:  # Its generator serves one thread.
        return _built()


_building = threading.Lock()
_built = cache(document.build)


@cache
def _templates() -> list[tuple[str, re.Pattern[str], set[str]]]:
    """Those without parameters first: a word may stand in the place of an id."""
    made = []
    for template, methods in sorted(built()["paths"].items(), key=lambda one: "{" in one[0]):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        made.append((template, re.compile(pattern), set(methods)))
    return made


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resource(_URI, DRAFT202012.create_resource(built()))


def _at(*place: str) -> tuple[Any, str]:
    """What stands at a place of the document, behind a reference too, with the pointer to it."""
    value = built()
    for step in place:
        value = value[step]
    if "$ref" in value:
        return _at(*value["$ref"].removeprefix("#/").split("/"))
    return value, "#/" + "/".join(step.replace("/", "~1") for step in place)


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{_URI}{pointer}"}, registry=_registry())


def _wrong(
    found: tuple[str, str], status: int, headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    path, method = found
    if str(status) not in built()["paths"][path][method]["responses"]:
        yield f"this status is not documented; {body[:300]!r}"
        return
    told, pointer = _at("paths", path, method, "responses", str(status))
    given = {name.lower() for name in headers}
    for name in HEADERS:
        if name.lower() in given and name not in told.get("headers", {}):
            yield f"the header {name} is not documented"
    if status == 201 and "location" not in given:
        yield "there is no Location"
    if not body:
        return
    media = _media(headers)
    content = told.get("content", {})
    if media not in content:
        yield f"the type {media} is not documented"
    elif media == _JSON:
        place = f"{pointer}/content/application~1json/schema"
        value = json.loads(body)
        yield from _errors(place, _shortened(value))
        if "x-codes" in told and value["error"]["code"] not in told["x-codes"]:
            yield f"the code {value['error']['code']} is not documented"


def _wrong_body(found: tuple[str, str], sent: bytes) -> Iterator[str]:
    path, method = found
    content = built()["paths"][path][method].get("requestBody", {}).get("content", {})
    if _JSON in content and sent.lstrip().startswith(b"{"):  # Some take forms as well.
        _, pointer = _at("paths", path, method, "requestBody", "content", _JSON, "schema")
        yield from _errors(pointer, json.loads(sent))


def _errors(pointer: str, value: Any) -> Iterator[str]:
    for error in _validator(pointer).iter_errors(value):
        yield f"{error.json_path}: {error.message[:500]}"


def _shortened(value: Any) -> Any:
    rows = value.get("data") if isinstance(value, dict) else None
    if isinstance(rows, list) and len(rows) > 2 * _MOST_ROWS:
        return {**value, "data": rows[:_MOST_ROWS] + rows[-_MOST_ROWS:]}
    return value


def _media(headers: Mapping[str, str]) -> str:
    declared = next(value for name, value in headers.items() if name.lower() == "content-type")
    return declared.partition(";")[0].strip()
