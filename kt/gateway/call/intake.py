"""A request as it is taken in: its route, its model, and that what it says can be judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kt.gateway.call.jsonbody import parse
from kt.gateway.clients.callers import Caller
from kt.gateway.errors import (
    MESSAGES_PATH,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    encode,
)

_NEEDED = {
    "/v1/chat/completions": "messages",
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "messages",
    "/v1/completions": "prompt",
    "/v1/embeddings": "input",
    "/v1/moderations": "input",
    "/v1/responses": None,
}
# Where Azure has the same routes, by the name of a deployment or without one.
_AZURE = "/openai/"
_DEPLOYMENT = re.compile(r"deployments/([^/]+)/(.+)")
# Where further models stand; OpenRouter and LiteLLM read them.
_FURTHER_MODELS = ("models", "fallbacks")
# The model of a moderation that names none.
_DEFAULT_MODELS = {"/v1/moderations": "omni-moderation-latest"}
# What a request says, by key; some of it may be tokens too.
_SAID = ("system", "instructions", "input", "prompt")
_TOKENS = ("input", "prompt")
# There `prompt` is the name of one that the target keeps.
_STORED_PROMPTS = "/v1/responses"
# What a part of it says, and what holds further parts.
_TEXTS = ("text", "thinking", "refusal", "data")
_HOLDERS = ("content", "output", "summary", "source")
_SCALARS = (int, float)


class Route(NamedTuple):
    """A route by its own path, and the deployment that stands in Azure's form of it."""

    path: str
    deployment: str = ""


def find_route(path: str) -> Route | None:
    """The route of a model call, None for any other path."""
    if path in _NEEDED:
        return Route(path)
    if not path.startswith(_AZURE):
        return None
    rest = path.removeprefix(_AZURE)
    named = _DEPLOYMENT.fullmatch(rest)
    name, rest = named.groups() if named else ("", rest.removeprefix("v1/"))
    own = f"/v1/{rest}"
    return Route(own, name) if own in _NEEDED and not own.startswith(MESSAGES_PATH) else None


class Taken(NamedTuple):
    """A request's body, its bytes, and its model."""

    body: dict[str, Any]
    data: bytes
    model: str


def take(route: Route, data: bytes) -> Taken:
    """Read a request. A deployment is its model, which its target would else read in the path.

    Raises:
        InvalidRequestError: no JSON, or something that is needed is missing, or says its text in
            what is no text: a card number as a number would reach the model unread.
    """
    path, body = route.path, parse(data)
    if route.deployment and body.get("model") != route.deployment:
        body = {**body, "model": route.deployment}
        data = encode(body)
    model, needed = body.get("model", _DEFAULT_MODELS.get(path)), _NEEDED[path]
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("model is missing.", param="model")
    if needed and not body.get(needed):
        raise InvalidRequestError(f"{needed} is missing.", param=needed)
    _check_messages(body.get("messages"))
    for key in _SAID:
        is_stored = key == "prompt" and path == _STORED_PROMPTS
        if key in body and not is_stored and not (key in _TOKENS and _are_tokens(body[key])):
            _check_content(body[key], key)
    return Taken(body, data, model)


def check_models(path: str, body: Mapping[str, Any], model: str, caller: Caller | None) -> None:
    """Refuse a model that the caller's key may not use, as the API of the route refuses it.

    Some targets read further models, to which they fall back, from a list beside the first.

    Raises:
        ForbiddenError: on a route of Anthropic's API.
        NotFoundError: on any other; OpenAI's does not tell a model of others from one of nobody.
    """
    if caller is None or caller.models is None:
        return
    names = [model]
    for key in _FURTHER_MODELS:
        more = body.get(key)
        names += more if isinstance(more, list) else []
    for name in names:
        if not (isinstance(name, str) and caller.may_use(name)):
            if path.startswith(MESSAGES_PATH):
                message = f"This key may not use the model {name!r}."
                raise ForbiddenError(message, code="model_not_allowed")
            message = f"The model {name!r} does not exist, or this key may not use it."
            raise NotFoundError(message, code="model_not_found", param="model")


def _check_messages(messages: Any) -> None:
    if messages is None:
        return
    if not isinstance(messages, list):
        raise InvalidRequestError("messages is not a list.", param="messages")
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if not isinstance(message, dict):
            raise InvalidRequestError(f"{where} is not an object.", param=where)
        _check_content(message.get("content"), f"{where}.content")


def _check_content(value: Any, where: str) -> None:
    """Refuse what is neither text nor a list of parts; nothing at all is left out of a call."""
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list):
        message = f"{where} is neither text nor a list of parts."
        raise InvalidRequestError(message, param=where)
    for at, part in enumerate(value):
        _check_part(part, f"{where}[{at}]", is_input=where in _TOKENS)


def _check_part(part: Any, where: str, *, is_input: bool) -> None:
    if isinstance(part, str) or (is_input and _are_tokens(part)):
        return
    if not isinstance(part, dict):
        raise InvalidRequestError(f"{where} is neither text nor a part.", param=where)
    _check_inside(part, where)


def _check_inside(part: Mapping[str, Any], where: str) -> None:
    """Refuse numbers where a part says something, or holds further parts."""
    for key in _TEXTS:
        if isinstance(part.get(key), _SCALARS):
            raise InvalidRequestError(f"{where}.{key} is no text.", param=f"{where}.{key}")
    for key in _HOLDERS:
        held = part.get(key)
        if isinstance(held, _SCALARS):
            raise InvalidRequestError(f"{where}.{key} is no text.", param=f"{where}.{key}")
        if isinstance(held, dict):
            _check_inside(held, f"{where}.{key}")
        elif isinstance(held, list):
            for at, inner in enumerate(held):
                _check_part(inner, f"{where}.{key}[{at}]", is_input=False)


def _are_tokens(value: Any) -> bool:
    """True for tokens: numbers in place of a text, which the policy's `unjudged` decides about."""
    if not isinstance(value, list) or not value:
        return False
    return all(type(item) is int for item in value) or all(_are_tokens(item) for item in value)
