"""`/v1/configurations`."""

import hashlib
from collections import OrderedDict
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer, counts
from access.sights import FILTERED, UNRELATED
from configurations import changes, checks, queries, versions
from configurations.changes import valid
from configurations.publish import COUNTER
from configurations.requests.kinds import Caller
from configurations.seen import ALL, ConfigurationView, Seen, of
from configurations.serializers import ConfigurationInput, ValidationInput
from configurations.versions import Origin, Source
from keeptrusts.api.errors import FieldError
from keeptrusts.api.parameters import Asked, flag, opaque, whole, word
from keeptrusts.api.printable import encode
from keeptrusts.api.views import View, is_known
from keeptrusts.judge.asking import Asker

_MAX_VERSION = 2**31 - 1
_STATUS = word(
    "status",
    "Configurations of this status; without it those that are in force.",
    known=("active", "archived", "all"),
    default=None,
)
_WARNING = flag("warning", "Those with a warning, or those without.", default=None)
_LIMIT = whole("limit", "At most so many.", lowest=1, highest=10_000, default=None)
_CURSOR = opaque("cursor", "The `next_cursor` of the page before.")
_OVERRIDE = flag("override", "Also one that is fed from git.", default=False)
_FROM = whole(
    "from", "The version before; without it the one before `to`.",
    lowest=1, highest=_MAX_VERSION, default=None,
)  # fmt: skip
_TO = whole(
    "to", "The version after; without it the one in force.",
    lowest=1, highest=_MAX_VERSION, default=None,
)  # fmt: skip


class Configurations(View):
    """List and make configurations."""

    query = {"GET": (_STATUS, _WARNING, _LIMIT, _CURSOR)}
    actions = {"GET": "configurations.read", "POST": "configurations.edit"}
    narrowed = dict.fromkeys(actions, FILTERED)

    def get(self, request: Request) -> Response:
        query = _list_query(self.asked(request))
        if (seen := of(request)).is_narrowed:
            return _narrowed_list(request, seen, *query)
        count = counts(request).get(COUNTER, 0)
        etag = _list_etag(count, *query)
        if is_known(request.headers.get("If-None-Match", ""), etag):
            return Response(status=304, headers={"ETag": etag})
        count, encoded = _encoded_list(count, *query)
        return Response(encoded, headers={"ETag": _list_etag(count, *query)})

    def post(self, request: Request) -> Response:
        body = valid(ConfigurationInput, request.data)
        pack = checks.check(body["content"], asker=_asker(request))
        configuration_id = checks.identity(pack, asked=body.get("id"))
        of(request).check_new(configuration_id)
        row = versions.create(
            configuration_id,
            content=body["content"],
            origin=_origin(request, body["note"]),
            fields={
                "name": body.get("name") or pack.name,
                "description": body["description"],
                "labels": body["labels"],
                "four_eyes": body["four_eyes"],
            },
        )
        return Response(
            {"data": queries.row(row.pk)},
            status=201,
            headers={"Location": f"/v1/configurations/{row.pk}"},
        )


class OneConfiguration(ConfigurationView):
    """Show, edit or archive a configuration."""

    query = {"DELETE": (_OVERRIDE,)}
    actions = {
        "GET": "configurations.read",
        "PATCH": "configurations.edit",
        "DELETE": "configurations.edit",
    }
    narrowed = dict.fromkeys(actions, FILTERED)

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": queries.row(configuration_id)})

    def patch(self, request: Request, configuration_id: str) -> Response:
        changes.edit(configuration_id, request.data, caller(request), seen=of(request))()
        return Response({"data": queries.row(configuration_id)})

    def delete(self, request: Request, configuration_id: str) -> Response:
        override = self.asked(request)[_OVERRIDE]
        changes.archive(configuration_id, {"override": override}, caller(request))()
        return Response({"data": queries.row(configuration_id)})


class Validate(OneConfiguration):
    """Check a content without storing it.

    The other methods of this path are those of a configuration with the id `validate`.
    """

    actions = {**OneConfiguration.actions, "POST": "configurations.check"}
    narrowed = {**OneConfiguration.narrowed, "POST": UNRELATED}

    def post(self, request: Request, configuration_id: str) -> Response:
        given = valid(ValidationInput, request.data)
        judgement = checks.judgement(
            given["content"], directory=given.get("directory"), asker=_asker(request)
        )
        return Response({"data": judgement})


class Rollback(ConfigurationView):
    """Make the content of an earlier version the next one."""

    actions = {"POST": "configurations.edit"}
    narrowed = {"POST": FILTERED}

    def post(self, request: Request, configuration_id: str) -> Response:
        changes.rollback(configuration_id, request.data, caller(request))()
        return Response({"data": queries.row(configuration_id)})


class Diff(ConfigurationView):
    """Compare what two versions enforce.

    Without `to` it is the current version, without `from` the one before `to`.
    """

    query = {"GET": (_FROM, _TO)}
    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, configuration_id: str) -> Response:
        asked = self.asked(request)
        before, after = asked[_FROM], asked[_TO]
        after = after or queries.row(configuration_id)["version"]
        before = before or max(after - 1, 1)
        found = checks.compared(
            queries.content(configuration_id, before)[0],
            queries.content(configuration_id, after)[0],
            asker=_asker(request),
        )
        return Response({"data": {"from": before, "to": after, "changes": found}})


class Content(ConfigurationView):
    """The exact bytes of the current version, or of version `number`."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(
        self, request: Request, configuration_id: str, number: int | None = None
    ) -> HttpResponse:
        content, content_hash = queries.content(configuration_id, number)
        headers = {"ETag": f'"{content_hash}"'}
        if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return HttpResponseNotModified(headers=headers)
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class Versions(ConfigurationView):
    """The history of a configuration."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": queries.version_rows(configuration_id)})


class OneVersion(ConfigurationView):
    """One version without its content."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, configuration_id: str, number: int) -> Response:
        return Response({"data": queries.version_row(configuration_id, number)})


# Encoded lists by the state of the change counter and the query.
_KEPT: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_MOST_KEPT = 4


def _encoded_list(
    count: int, status: str, warned: bool | None, after: str, limit: int | None
) -> tuple[int, bytes]:
    """The encoded list, and the state of the change counter that it is of."""
    query = (status, warned, after, limit)
    if (kept := _KEPT.get((count, *query))) is not None:
        return count, kept
    count, answer = _list(ALL, *query)
    encoded = _KEPT[count, *query] = encode(answer)
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return count, encoded


def _narrowed_list(request: Request, seen: Seen, *query: Any) -> Response:
    """The list of those that are seen. Its ETag is of its bytes: the counter is of all changes."""
    encoded = encode(_list(seen, *query)[1])
    headers = {"ETag": f'"{hashlib.sha256(encoded).hexdigest()}"'}
    if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
        return Response(status=304, headers=headers)
    return Response(encoded, headers=headers)


def _list(
    seen: Seen, status: str, warned: bool | None, after: str, limit: int | None
) -> tuple[int, dict[str, object]]:
    most = None if limit is None else limit + 1
    count, matches = queries.rows(status=status, after=after, limit=most, warned=warned, seen=seen)
    answer: dict[str, object] = {"data": matches[:limit]}
    if limit is not None:
        answer["next_cursor"] = matches[limit - 1]["id"] if len(matches) > limit else None
    return count, answer


def _list_etag(count: int, *query: object) -> str:
    return f'"{count}-{"-".join(str(value) for value in query)}"'


def _list_query(asked: Asked) -> tuple[str, bool | None, str, int | None]:
    cursor = asked[_CURSOR]
    if cursor and not checks.ID.fullmatch(cursor):
        raise FieldError("cursor", "must be the next_cursor of an answer")
    return asked[_STATUS] or queries.IN_FORCE, asked[_WARNING], cursor, asked[_LIMIT]


def caller(request: Request) -> Caller:
    """In whose name a request makes a change."""
    return Caller(bearer(request).name, _asker(request))


def _asker(request: Request) -> Asker:
    return Asker(bearer(request).id)


def _origin(request: Request, note: str) -> Origin:
    return Origin(source=Source.API, actor=bearer(request).name, note=note)
