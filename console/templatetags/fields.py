"""Fields of forms: what was sent comes back after a refusal, with what is wrong beside it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template

register = template.Library()

_Context = dict[str, Any]


@register.inclusion_tag("console/field.html", takes_context=True)
def field(
    context: template.Context, act: str, name: str, label: str, now: object = "", **more: Any
) -> _Context:
    """A field of a form.

    `now` is what it has. `more`: its `kind` (a type of `input`, or `area`), a `hint`, whether it is
    `required`, a `placeholder`, the `list` of what it may be. A secret comes back to nobody.
    """
    kind = more.pop("kind", "text")
    is_secret = kind in ("password", "secret")
    value = "" if is_secret else _value(context, act, name, now)
    return {**_common(context, act, name, label), "kind": kind, "value": value, **more}


@register.inclusion_tag("console/choice.html", takes_context=True)
def choice(
    context: template.Context, act: str, name: str, label: str, now: object, options: str,
    **more: Any,
) -> _Context:  # fmt: skip
    """A field with a few values: `options` are `value=words`, with bars between them."""
    pairs = [one.partition("=") for one in options.split("|")]
    value = _value(context, act, name, now)
    shown = [
        {"value": key, "words": words or key, "is_now": key == value} for key, _, words in pairs
    ]
    return {**_common(context, act, name, label), "options": shown, **more}


@register.inclusion_tag("console/tick.html", takes_context=True)
def tick(
    context: template.Context, act: str, name: str, label: str, now: object = False, **more: Any
) -> _Context:
    """A field that is true or false, and sent either way."""
    value = _value(context, act, name, "true" if now else "false")
    return {**_common(context, act, name, label), "is_on": value == "true", **more}


def _common(context: template.Context, act: str, name: str, label: str) -> _Context:
    problems = [
        one["message"]
        for one in _details(context, act)
        if one.get("field") == name and one.get("message")
    ]
    return {"id": f"{act}-{name}".replace(".", "-"), "name": name, "label": label,
            "problems": problems}  # fmt: skip


def _details(context: template.Context, act: str) -> Iterable[Mapping[str, Any]]:
    refused = context.get("refused") if context.get("tried") == act else None
    return (refused or {}).get("details") or ()


def _value(context: template.Context, act: str, name: str, now: object) -> str:
    given = context.get("given")
    if given is not None and context.get("tried") == act and name in given:
        return str(given.getlist(name)[-1])
    return _text(now)


def _text(value: object) -> str:
    """A value as people write it: lists by lines, labels as `name=value`, a comma between."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items())
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
