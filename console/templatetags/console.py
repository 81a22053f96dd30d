"""Tags and filters of the pages: forms, states, times, sizes of hashes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access.bearers import Bearer
from console import assets, inside
from console.asked import asked
from console.paging import Rows

register = template.Library()

# Fields that no page gives back.
_SECRETS = (
    "access_token", "webhook_secret", "token", "password", "private_key", "passphrase",
    "client_key",
)  # fmt: skip

# How a state is drawn. Colour is never alone: each kind has a mark of its own.
_KINDS = {
    "good": ("in_sync", "in_force", "ok", "synced", "active", "unchanged", "confirmed", "allow",
             "pass", "delivered"),
    "busy": ("rolling_out", "syncing", "pending", "asked", "waiting", "running"),
    "warn": ("stale", "held", "pinned", "missing", "synced_in_part", "unlinked", "expiring",
             "warning", "overridden", "quarantined", "orphaned", "paused", "redact", "escalate",
             "suspended", "conflict", "not_applied"),
    "bad": ("offline", "stalled", "drifted", "failing", "failed", "error", "block", "refused",
            "revoked", "expired", "changed_by_one", "gave_up"),
}  # fmt: skip
_KIND_OF = {state: kind for kind, states in _KINDS.items() for state in states}
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@register.simple_tag
def asset(name: str) -> str:
    """The path of a file that pages load."""
    return assets.url(name)


@register.simple_tag
def sheet() -> SafeString:
    """The styles of all pages."""
    return assets.sheet()


@register.simple_tag
def state(value: object, why: str = "") -> SafeString:
    """A state in words, with its colour and mark."""
    text = str(value or "none")
    kind = _KIND_OF.get(text, "idle")
    words = text.replace("_", " ")
    if why:
        return format_html('<span class="state {}" title="{}">{}</span>', kind, why, words)
    return format_html('<span class="state {}">{}</span>', kind, words)


@register.simple_tag
def when(value: object) -> SafeString:
    """A time of the API as how long ago it was, with the time itself as a title."""
    moment = _moment(value)
    if moment is None:
        return SafeString('<span class="none">never</span>')
    seconds = int((timezone.now() - moment).total_seconds())
    length = next((f"{abs(seconds) // n} {unit}" for n, unit in _STEPS if abs(seconds) >= n), "now")
    words = length if length == "now" else f"{length} ago" if seconds > 0 else f"in {length}"
    title = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), title, words)


@register.filter
def short(value: object) -> str:
    """The beginning of a hash, enough to tell it from others."""
    return str(value or "")[:12]


@register.filter
def segment(value: object) -> str:
    """A text as one segment of a path."""
    return quote(str(value), safe="")


@register.filter
def split(value: str) -> list[str]:
    """The words of a text, for options that stand in a template."""
    return value.split()


@register.simple_tag(takes_context=True)
def sorted_by(context: template.Context, listed: Rows, column: str, title: str) -> SafeString:
    """The head of a column that sorts its list, one way and then the other."""
    query = context["request"].GET.copy()
    query.pop("cursor", None)
    now = listed.asked.get("sort", "")
    query["sort"] = f"-{column}" if now == column else column
    ways = {column: "ascending", f"-{column}": "descending"}
    order = format_html(' aria-sort="{}"', ways[now]) if now in ways else ""
    return format_html('<th{}><a href="?{}">{}</a></th>', order, query.urlencode(), title)


@register.filter
def asks(row: Mapping[str, Any]) -> str:
    """What a request asks for."""
    return asked(row)


@register.filter
def words(value: object) -> str:
    """A name of the API as words."""
    return str(value).replace("_", " ").replace(".", " ")


@register.simple_tag(takes_context=True)
def may(context: template.Context, name: str, **names: Any) -> bool:
    """Whether the role of who looks may send a form of the page."""
    act = context["acts"][name]
    path = inside.path(act.path, **{**_ANY, **(context.get("names") or {}), **names})
    api: inside.API = context["api"]
    return api.may(act.method, path, act.action)


@register.simple_tag(takes_context=True)
def allowed(context: template.Context, action: str) -> bool:
    """Whether the role of who looks may do something."""
    bearer: Bearer = context["bearer"]
    return bearer.may(action)


@register.simple_tag(takes_context=True)
def able(context: template.Context, method: str, path: str) -> bool:
    """Whether who looks may do what a method of a path of the API does."""
    api: inside.API = context["api"]
    return api.may(method, path)


@register.filter
def sendable(given: QueryDict) -> list[tuple[str, str]]:
    """The fields of a form that was refused, to be sent with another one: all but its own."""
    own = ("form_token", "act", "key", "etag", "asked", "alone", *_SECRETS)
    return [(name, str(value)) for name, value in given.items() if name not in own]


@register.filter
def member(values: Mapping[str, Any], name: str) -> Any:
    """A member by its name."""
    return values.get(name)


@register.filter
def ticks(text: object) -> SafeString:
    """A text of the API, with what stands between ticks as code."""
    parts = str(text or "").split("`")
    shown = (
        format_html("<code>{}</code>", one) if number % 2 else format_html("{}", one)
        for number, one in enumerate(parts)
    )
    return SafeString("".join(shown))


@register.filter
def first_line(text: str) -> str:
    """The first line of a text."""
    return text.partition("\n")[0]


@register.filter
def further_lines(text: str) -> str:
    """All lines but the first one, as they are; empty for a text of one line."""
    return text.partition("\n")[2]


@register.filter
def labels(value: Mapping[str, Any] | None) -> str:
    """Labels as people write them."""
    return ", ".join(f"{name}={one}" for name, one in (value or {}).items())


@register.simple_tag(takes_context=True)
def form(context: template.Context, name: str, **hidden: Any) -> SafeString:
    """The hidden fields of a form: whose it is, what it does, upon which state, and once.

    `hidden` are more of them; `etag` among them is that of the state that is shown.
    """
    fields = {"form_token": context["form_token"], "act": name,
              "key": f"{context['key']}-{name}-{'-'.join(map(str, hidden.values()))}"[:200],
              **hidden}  # fmt: skip
    parts = (
        format_html('<input type="hidden" name="{}" value="{}">', field, value)
        for field, value in fields.items()
    )
    return SafeString("".join(parts))


# In the place of a name that a form has and the page has not: who may is the same for all.
_ANY = dict.fromkeys(("number", "name", "gateway_id", "configuration_id"), "1") | dict.fromkeys(
    ("link_id", "token_id", "trust_id", "credential_id", "binding_id"), str(UUID(int=1))
)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value)) if value else None
