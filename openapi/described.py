"""Operations of the document: parameters, bodies, answers and errors of endpoints."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.plumbing import ResolvedComponent

from access import roles
from access.sights import FILTERED, NARROWABLE, UNRELATED
from configurations.checks import ID
from keeptrusts.api.operations import JSON
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY, IF_MATCH
from openapi import codes, shapes
from openapi.endpoints import Endpoint, UndescribedError
from openapi.fields import Inspector

_Schema = dict[str, Any]

SECURITY: Mapping[str, _Schema] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of /v1/tokens, or a JWT that meets a trust.",
    },
    "gateway": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a gateway, which asks about itself.",
    },
    "enrolment": {
        "type": "http",
        "scheme": "bearer",
        "description": "An enrolment token.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hub-Signature-256",
        "description": (
            "The HMAC-SHA256 of the body by the link's webhook_secret, as GitHub, Gitea, Forgejo,"
            " Gogs and Bitbucket send it; GitLab, Azure DevOps and Standard Webhooks prove it in"
            " headers of their own."
        ),
    },
}
HEADERS: Mapping[str, str] = {
    "ETag": "A validator of the answer, which `If-None-Match` takes.",
    "Location": "The path of what was made.",
    "Retry-After": "Seconds until it is worth while to ask again.",
    "WWW-Authenticate": "How to prove who asks.",
    "Idempotent-Replayed": "`true` where the answer is that of an earlier request.",
    "Keeptrusts-Next-Cursor": "The cursor of the next page; missing on the last one.",
    "Keeptrusts-Statement": "What the gateway is to enforce, base64url.",
    "Keeptrusts-Signature": "The statement's Ed25519 signature, base64url.",
    "Keeptrusts-Key": "The key that signed it, base64url.",
    "Keeptrusts-Key-Chain": "What leads from older keys to that one, base64url.",
    "Keeptrusts-Events": "Where event streams are.",
    "Keeptrusts-Gateway-Url": "Where to pull, report and send decisions.",
    "Keeptrusts-Client-Keys": "The ETag of the gateway's list of client keys.",
}
_PARAMETERS = {
    "binding_id": "The id of a selector.",
    "configuration_id": "The id of a configuration.",
    "credential_id": "The id of a git credential.",
    "forge_credential_id": "The id of a forge credential.",
    "gateway_id": "The id of a gateway.",
    "content_hash": "SHA-256 in lowercase hex.",
    "link_id": "The id of a link.",
    "name": "The name of a client key or of a file.",
    "number": "A number, counted from 1.",
    "epoch": "The number of a tree of evidence.",
    "level": "A level of tiles, 0 for the hashes of leaves.",
    "place": "The number of a tile, as `x001/234`; with `.p/N` for the first N of a partial one.",
    "token_id": "The id of a token.",
    "trust_id": "The id of a trust.",
    "rule_id": "The id of a rule of sign-in.",
    "endpoint_id": "The id of a notification endpoint.",
    "notification_id": "The id of a notification.",
}
_CONVERTED: Mapping[str, _Schema] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 1},
    "str": {"type": "string", "minLength": 1},
    "path": {"type": "string", "minLength": 1},
    "configuration": {"type": "string", "pattern": f"^{ID.pattern}$"},
}
_NARROWED = {
    FILTERED: "A narrowed credential has what it sees alone.",
    UNRELATED: "A narrowed credential is answered as any other.",
    "refused": "A narrowed credential is refused.",
}
_MOST_IN_A_NAME = 3
_CONDITIONS: Mapping[str, _Schema] = {
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "ETags that the caller has, or `*`: 304 if one is the present.",
        "schema": {"type": "string"},
    },
    IF_MATCH: {
        "name": IF_MATCH,
        "in": "header",
        "description": "ETags of the state to write upon, or `*`: 412 if it is none of these.",
        "schema": {"type": "string"},
    },
    IDEMPOTENCY_KEY: {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": "Has the request made once, however often it is sent with this key.",
        "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
    },
}


def operation(endpoint: Endpoint, inspector: Inspector) -> _Schema:
    """An endpoint as the document has it; what it names is registered with the inspector."""
    told = endpoint.operation
    made: _Schema = {
        "operationId": told.id,
        "summary": told.does,
        "tags": [_tag(endpoint.path)],
        "security": [{endpoint.credential: []}] if endpoint.credential else [],
    }
    if words := " ".join(_words(endpoint)):
        made["description"] = words
    if endpoint.action:
        able = list(roles.ROLES) if endpoint.action == roles.ANY else _able(endpoint)
        made |= {"x-action": endpoint.action, "x-roles": able, "x-narrowed": endpoint.narrowing}
    if parameters := list(_parameters(endpoint)):
        made["parameters"] = parameters
    if endpoint.has_body:
        made["requestBody"] = _body(endpoint, inspector)
    made["responses"] = {**_answers(endpoint), **_errors(endpoint, inspector)}
    return made


def kinds(endpoint: Endpoint) -> Iterator[Any]:
    """The types that an endpoint's answers name."""
    told = endpoint.operation
    yield from told.data if isinstance(told.data, tuple) else (told.data,)
    yield from (*told.beside.values(), *told.sometimes.values(), *told.whole.values())


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    return parts[1] if parts[0:1] == ["v1"] and len(parts) > 1 else "health"


def _able(endpoint: Endpoint) -> list[str]:
    return roles.with_action(endpoint.action)


def _words(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.operation.note:
        yield endpoint.operation.note
    if endpoint.action == roles.ANY:
        yield "Any role may."
    elif endpoint.action:
        yield f"Roles that may ({endpoint.action}): {', '.join(_able(endpoint))}."
    if endpoint.action == roles.ANY or set(NARROWABLE) & set(_able(endpoint)):
        yield _NARROWED[endpoint.narrowing] if endpoint.action else ""


def _parameters(endpoint: Endpoint) -> Iterator[_Schema]:
    for name, converter in endpoint.converters.items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _about(name),
            "schema": _CONVERTED[converter],
        }
    yield from (one.described() for one in endpoint.query)
    wanted = {"If-None-Match"} if _is_cached(endpoint) else endpoint.honours
    yield from (one for name, one in _CONDITIONS.items() if name in wanted)


def _about(name: str) -> str:
    if name not in _PARAMETERS:
        raise UndescribedError(f"{{{name}}}: say what it is in openapi.described")
    return _PARAMETERS[name]


def _body(endpoint: Endpoint, inspector: Inspector) -> _Schema:
    form, example = endpoint.operation.body, endpoint.operation.example
    if form is dict:
        return {"content": {JSON: {"schema": {"type": "object"}}}}
    schema = inspector.body(form, partial=endpoint.method == "PATCH" and _has_required(form))
    media: _Schema = {"schema": schema}
    if example is not None:
        media["example"] = dict(example)
    # A form that must have something in it, or something certain.
    needed = "minProperties" in form.json_schema or _has_required(form)
    return {"required": needed, "content": {JSON: media}}


def _has_required(form: Any) -> bool:
    return any(field.required for field in form().fields.values())


def _answers(endpoint: Endpoint) -> _Schema:
    told, answers = endpoint.operation, {}
    for status in told.whole or told.status:
        headers = list(told.headers)
        headers += ["Location"] if status == HTTPStatus.CREATED else []
        headers += ["ETag"] if _is_cached(endpoint) or _shows_state(endpoint) else []
        headers += ["Idempotent-Replayed"] if IDEMPOTENCY_KEY in endpoint.honours else []
        answers[str(status)] = _answer(
            HTTPStatus(status).phrase, headers, _content(endpoint, status)
        )
    if _is_cached(endpoint):
        held = {"ETag", *(name for name in told.headers if name in _NEWS)}
        answers["304"] = _answer("The caller has it already.", sorted(held), {})
    return answers


_NEWS = ("Keeptrusts-Events", "Keeptrusts-Gateway-Url", "Keeptrusts-Client-Keys")


def _is_cached(endpoint: Endpoint) -> bool:
    """Whether it answers `If-None-Match`, as lists in one manner do that change by a counter."""
    return endpoint.operation.cached or any(one.name == "fields" for one in endpoint.query)


def _shows_state(endpoint: Endpoint) -> bool:
    """Whether it writes, and may answer with the resource as it is then."""
    return bool(endpoint.honours)


def _answer(words: str, headers: list[str], content: _Schema) -> _Schema:
    answer: _Schema = {"description": words}
    if headers:
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    if content:
        answer["content"] = content
    return answer


def _content(endpoint: Endpoint, status: int) -> _Schema:
    told = endpoint.operation
    if status not in told.whole and told.data is None:
        return {}
    whole = status in told.whole
    json = shapes.schema_of(told.whole[status]) if whole else _envelope(endpoint)
    return {
        media: {"schema": json if media == JSON else _OF_MEDIA.get(media, _TEXT)}
        for media in told.media
    }


_TEXT: _Schema = {"type": "string"}
# Bytes of somebody's file, which readers of this type take apart.
_OF_MEDIA: Mapping[str, _Schema] = {
    "application/yaml": {},
    "application/vnd.dsse.envelope.v1+json": {"type": "object"},
}


def _envelope(endpoint: Endpoint) -> _Schema:
    told = endpoint.operation
    kinds = told.data if isinstance(told.data, tuple) else (told.data,)
    schemas = [shapes.schema_of(kind) for kind in kinds]
    members = {"data": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    for name, kind in {**told.beside, **told.sometimes}.items():
        members[name] = shapes.schema_of(kind)
    needed = ["data", *told.beside]
    if any(one.name == "cursor" for one in endpoint.query):
        members["next_cursor"] = {
            "type": ["string", "null"],
            "description": "What `cursor` takes for the next page; null on the last one.",
        }
        needed += (
            []
            if any(one.name == "limit" and one.default is None for one in endpoint.query)
            else ["next_cursor"]
        )
    if any(one.name == "count" for one in endpoint.query):
        about = "With `count`: how many match, on all pages."
        members["count"] = {"type": "integer", "minimum": 0, "description": about}
    return {
        "type": "object",
        "properties": members,
        "required": needed,
        "additionalProperties": False,
    }


def _errors(endpoint: Endpoint, inspector: Inspector) -> _Schema:
    answers = {}
    for status, named in codes.of(endpoint).items():
        if status in endpoint.operation.whole:
            continue
        name = _name(endpoint, status, named)
        answer = ResolvedComponent(name, "responses", schema=error(status, named), object=name)
        inspector.registry.register_on_missing(answer)
        answers[str(status)] = answer.ref
    return answers


def _name(endpoint: Endpoint, status: int, named: list[str]) -> str:
    """The name of an error's answer, as Error409IdTaken; of many codes by its operation."""
    if len(named) > _MOST_IN_A_NAME:
        return f"{endpoint.operation.id[0].upper()}{endpoint.operation.id[1:]}Error{status}"
    words = "Or".join("".join(part.capitalize() for part in code.split("_")) for code in named)
    return f"Error{status}{words}"


def _meaning(code: str) -> str:
    if code not in codes.MEANINGS:
        raise UndescribedError(f"{code}: say what it means in openapi.codes.MEANINGS")
    return codes.MEANINGS[code]


_WITH_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
    HTTPStatus.CONFLICT: ["ETag", "Idempotent-Replayed", "Location", "Retry-After"],
    HTTPStatus.PRECONDITION_FAILED: ["ETag"],
    HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
}


def error(status: int, named: list[str]) -> _Schema:
    """The answer with a status that is an error with one of these codes."""
    words = "\n".join(f"- `{code}`: {_meaning(code)}" for code in named)
    headers = _WITH_HEADERS.get(HTTPStatus(status), [])
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    # Beside the schema, so that a client has one type for all errors.
    return {**_answer(words, headers, content), "x-codes": named}
