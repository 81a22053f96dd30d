"""A request as it is taken in: its route, its model, and that what it says can be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kt.gateway.call.jsonbody import parse
from kt.gateway.errors import InvalidRequestError

_NEEDED = {
    "/v1/chat/completions": "messages",
    "/v1/messages": "messages",
    "/v1/embeddings": "input",
    "/v1/responses": None,
}
ROUTES = tuple(_NEEDED)
# What a request says, by key; some of it may be tokens too.
_SAID = ("system", "instructions", "input", "prompt")
_TOKENS = ("input", "prompt")
# There `prompt` is the name of one that the target keeps.
_STORED_PROMPTS = "/v1/responses"
# What a part of it says, and what holds further parts.
_TEXTS = ("text", "thinking", "refusal", "data")
_HOLDERS = ("content", "output", "summary", "source")
_SCALARS = (int, float)


def take(path: str, data: bytes) -> tuple[dict[str, Any], str]:
    """The body of a request and its model.

    Raises:
        InvalidRequestError: no JSON, or something that is needed is missing, or says its text in
            what is no text: a card number as a number would reach the model unread.
    """
    body = parse(data)
    model, needed = body.get("model"), _NEEDED[path]
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("model is missing.", param="model")
    if needed and not body.get(needed):
        raise InvalidRequestError(f"{needed} is missing.", param=needed)
    _check_messages(body.get("messages"))
    for key in _SAID:
        is_stored = key == "prompt" and path == _STORED_PROMPTS
        if key in body and not is_stored and not (key in _TOKENS and _are_tokens(body[key])):
            _check_content(body[key], key)
    return body, model


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
