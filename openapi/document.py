"""The document: made once in a process that is asked for it, checked, and kept as bytes."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.validation import validate_schema

from openapi import described, endpoints, shapes
from openapi.fields import Inspector

_Schema = dict[str, Any]

_ERROR: _Schema = {
    "description": "What every error is. `code` is stable, `message` says what to change.",
    "type": "object",
    "additionalProperties": False,
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "additionalProperties": False,
            "required": ["code", "message", "details", "request_id"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "description": "Fields, as `{field, code, message}`, or rows in the way.",
                    "type": "array",
                    "items": {"type": "object"},
                },
                "request_id": {
                    "description": "That of the request, as in `X-Request-Id` and the log.",
                    "type": "string",
                },
                "current": {
                    "description": "With 412, the present state, for whoever may see it.",
                    "type": "object",
                },
            },
        }
    },
}


class DocumentError(Exception):
    """The document is not complete, or none of OpenAPI 3.1."""


class Generator(SchemaGenerator):
    """Makes the document of endpoints."""

    def parse(self, input_request: object, public: bool) -> _Schema:
        """The paths; components are registered on the way."""
        every = list(endpoints.found())
        paths: dict[str, _Schema] = {}
        for one in every:
            inspector = Inspector()
            inspector.registry = self.registry
            path = paths.setdefault(one.path, {})
            path[one.method.lower()] = described.operation(one, inspector)
        self._register("schemas", {"Error": _ERROR})
        kinds = [kind for one in every for kind in described.kinds(one) if kind is not None]
        self._register("schemas", shapes.components(kinds))
        self._register("securitySchemes", described.SECURITY)
        headers = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in described.HEADERS.items()
        }
        self._register("headers", headers)
        return paths

    def _register(self, place: str, found: Mapping[str, _Schema]) -> None:
        for name, schema in found.items():
            component = ResolvedComponent(name, place, schema=schema, object=name)
            self.registry.register(component)


def build() -> _Schema:
    """The document.

    Raises:
        UndescribedError: an endpoint says nothing of itself.
        DocumentError: something cannot be described as it is.
    """
    made: _Schema = Generator(api_version=version("keeptrusts")).get_schema(public=True)  # type: ignore[no-untyped-call]
    if GENERATOR_STATS:
        raise DocumentError(
            "\n".join([*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache])
        )
    return made


def check() -> None:
    """Make the document and hold it against the schema of OpenAPI 3.1.

    Raises:
        UndescribedError: an endpoint says nothing of itself.
        DocumentError: something cannot be described as it is.
    """
    validate_schema(build())


@cache
def kept() -> tuple[bytes, str]:
    """The document as JSON, and its ETag."""
    text = orjson.dumps(build())
    return text, f'"{sha256(text).hexdigest()}"'
