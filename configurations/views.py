"""`/v1/configurations`."""

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.authentication import bearer, counts
from configurations import checks, queries, versions
from configurations.publish import COUNTER
from configurations.serializers import ConfigurationEdit, ConfigurationInput
from configurations.versions import Origin, Source
from keeptrusts.errors import FieldError
from keeptrusts.fields import check_query
from keeptrusts.rendering import encode

_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
_STATUSES = ("active", "archived", "all")


class Configurations(APIView):
    """List and make configurations."""

    def get(self, request: Request) -> Response:
        query = _list_query(request)
        count = counts(request).get(COUNTER, 0)
        etag = f'"{count}-{"-".join(str(value) for value in query)}"'
        headers = {**_PRIVATE, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers=headers)
        return Response(_encoded_list(count, *query), headers=headers)

    def post(self, request: Request) -> Response:
        body = _valid(ConfigurationInput, request)
        pack = checks.check(body["content"])
        configuration_id = checks.identity(pack, asked=body.get("id"))
        row = versions.create(
            configuration_id,
            content=body["content"],
            origin=_origin(request, body["note"]),
            fields={
                "name": body.get("name") or pack.name,
                "description": body["description"],
                "labels": body["labels"],
            },
        )
        return Response(
            {"data": queries.row(row.pk)},
            status=201,
            headers={"Location": f"/v1/configurations/{row.pk}"},
        )


class OneConfiguration(APIView):
    """Show, edit or archive a configuration."""

    def get(self, request: Request, configuration_id: str) -> Response:
        check_query(request.query_params, ())
        return Response({"data": queries.row(configuration_id)}, headers=_PRIVATE)

    def patch(self, request: Request, configuration_id: str) -> Response:
        body = _valid(ConfigurationEdit, request)
        content = body.get("content")
        if content is not None:
            checks.identity(checks.check(content), asked=configuration_id)
        versions.edit(
            configuration_id,
            content=content,
            origin=_origin(request, body["note"]),
            fields={key: body[key] for key in ("name", "description", "labels") if key in body},
            override=body["override"],
        )
        return Response({"data": queries.row(configuration_id)})

    def delete(self, request: Request, configuration_id: str) -> Response:
        check_query(request.query_params, ("override",))
        override = _choice(request, "override", ("true", "false"), default="false") == "true"
        versions.archive(configuration_id, override=override)
        return Response({"data": queries.row(configuration_id)})


class Content(APIView):
    """The exact bytes of the current version, or of version `number`."""

    def get(
        self, request: Request, configuration_id: str, number: int | None = None
    ) -> HttpResponse:
        check_query(request.query_params, ())
        content, content_hash = queries.content(configuration_id, number)
        headers = {**_PRIVATE, "ETag": f'"{content_hash}"', "X-Content-Type-Options": "nosniff"}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class Versions(APIView):
    """The history of a configuration."""

    def get(self, request: Request, configuration_id: str) -> Response:
        check_query(request.query_params, ())
        return Response({"data": queries.version_rows(configuration_id)}, headers=_PRIVATE)


class OneVersion(APIView):
    """One version without its content."""

    def get(self, request: Request, configuration_id: str, number: int) -> Response:
        check_query(request.query_params, ())
        return Response({"data": queries.version_row(configuration_id, number)}, headers=_PRIVATE)


@lru_cache(maxsize=4)
def _encoded_list(_count: int, status: str, after: str, limit: int | None) -> bytes:
    """The encoded list for one state of the change counter.

    The counter was read before the rows are, so what is kept may be newer than its key says
    but never older, and the next change has another key.
    """
    rows = queries.rows(status=status, after=after, limit=limit)
    answer: dict[str, Any] = {"data": rows}
    if limit is not None:
        answer["next_cursor"] = rows[-1]["id"] if len(rows) == limit else None
    return encode(answer)


def _list_query(request: Request) -> tuple[str, str, int | None]:
    check_query(request.query_params, ("status", "limit", "cursor"))
    status = _choice(request, "status", _STATUSES, default="active")
    limit = request.query_params.get("limit")
    if limit is not None and not (limit.isdecimal() and 0 < int(limit) <= 10_000):
        raise FieldError("limit", "must be a whole number from 1 to 10000")
    return status, request.query_params.get("cursor", ""), int(limit) if limit else None


def _choice(request: Request, name: str, known: tuple[str, ...], *, default: str) -> str:
    value = request.query_params.get(name, default)
    if value not in known:
        raise FieldError(name, f"must be one of {', '.join(known)}")
    return value


def _valid(serializer: type[ConfigurationInput | ConfigurationEdit], request: Request) -> Any:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data


def _origin(request: Request, note: str) -> Origin:
    return Origin(source=Source.API, actor=bearer(request).name, note=note)
