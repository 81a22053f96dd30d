"""`/v1/configurations`."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED, UNRELATED
from configurations import changes, checks, queries, versions
from configurations.described import operations
from configurations.publish import COUNTER
from configurations.requests.kinds import Caller
from configurations.seen import ConfigurationView, check, of
from configurations.serializers import ConfigurationInput, TrialInput, ValidationInput
from configurations.versions import Origin, Source
from keeptrusts.api.etags import is_known
from keeptrusts.api.fields import valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.parameters import flag, whole
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by, entire
from keeptrusts.api.writes.writing import written
from keeptrusts.judge.asking import Asker
from keeptrusts.judge.trials import Trial


def _row(request: Request, configuration_id: str) -> queries.Row:
    check(request, configuration_id)
    return queries.row(configuration_id)


CONFIGURATION = Resource("/v1/configurations/{}", "configurations.read", _row, counted_by(COUNTER))

_MAX_VERSION = 2**31 - 1
_OVERRIDE = flag("override", "Also one that is fed from git.", default=False)
_FROM = whole(
    "from", "The version before; without it the one before `to`.",
    lowest=1, highest=_MAX_VERSION, default=None,
)  # fmt: skip
_VERSION = whole(
    "version", "The version; without it the one in force.",
    lowest=1, highest=_MAX_VERSION, default=None,
)  # fmt: skip
_TO = whole(
    "to", "The version after; without it the one in force.",
    lowest=1, highest=_MAX_VERSION, default=None,
)  # fmt: skip


class Configurations(View):
    """List and make configurations."""

    query = {"GET": queries.CONFIGURATIONS.parameters}
    actions = {"GET": "configurations.read", "POST": "configurations.edit"}
    narrowed = dict.fromkeys(actions, FILTERED)
    described = {"GET": operations.LIST_CONFIGURATIONS, "POST": operations.CREATE_CONFIGURATION}

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.CONFIGURATIONS, seen, is_part=seen.is_narrowed)

    @written()
    def post(self, request: Request) -> Write:
        body = valid(ConfigurationInput, request.data)
        pack = checks.check(body["content"], asker=_asker(request))
        configuration_id = checks.identity(pack, asked=body.get("id"))
        of(request).check_new(configuration_id)
        fields = {
            "name": body.get("name") or pack.name,
            "description": body["description"],
            "labels": body["labels"],
            "four_eyes": body["four_eyes"],
        }

        def create() -> Response:
            origin = _origin(request, body["note"])
            versions.create(configuration_id, content=body["content"], origin=origin, fields=fields)
            return CONFIGURATION.shown(request, configuration_id, status=201)

        return create


class OneConfiguration(ConfigurationView):
    """Show, edit or archive a configuration."""

    query = {"DELETE": (_OVERRIDE,)}
    actions = {
        "GET": "configurations.read",
        "PATCH": "configurations.edit",
        "DELETE": "configurations.edit",
    }
    narrowed = dict.fromkeys(actions, FILTERED)
    described = {
        "GET": operations.GET_CONFIGURATION,
        "PATCH": operations.EDIT_CONFIGURATION,
        "DELETE": operations.ARCHIVE_CONFIGURATION,
    }

    def get(self, request: Request, configuration_id: str) -> Response:
        return CONFIGURATION.get(request, configuration_id)

    @written(CONFIGURATION)
    def patch(self, request: Request, configuration_id: str) -> Write:
        edit = changes.edit(configuration_id, request.data, caller(request), seen=of(request))
        return CONFIGURATION.showing(request, configuration_id, edit)

    @written(CONFIGURATION)
    def delete(self, request: Request, configuration_id: str) -> Write:
        override = self.asked(request)[_OVERRIDE]
        archive = changes.archive(configuration_id, {"override": override}, caller(request))
        return CONFIGURATION.showing(request, configuration_id, archive)


class Validate(OneConfiguration):
    """Check a content without storing it.

    The other methods of this path are those of a configuration with the id `validate`.
    """

    actions = {**OneConfiguration.actions, "POST": "configurations.check"}
    narrowed = {**OneConfiguration.narrowed, "POST": UNRELATED}
    described = {"POST": operations.VALIDATE_CONTENT}

    @written()
    def post(self, request: Request, configuration_id: str) -> Response:
        given = valid(ValidationInput, request.data)
        judgement = checks.judgement(
            given["content"], directory=given.get("directory"), asker=_asker(request)
        )
        return Response({"data": judgement})


class Try(OneConfiguration):
    """Try a text with a policy.

    The other methods of this path are those of a configuration with the id `try`.
    """

    actions = {**OneConfiguration.actions, "POST": "configurations.check"}
    # The configuration stands in the body, and is looked for there.
    narrowed = {**OneConfiguration.narrowed, "POST": UNRELATED}
    described = {"POST": operations.TRY_TEXT}

    @written()
    def post(self, request: Request, configuration_id: str) -> Response:
        given = valid(TrialInput, request.data)
        trial = Trial(
            given["text"], given["said_by"] == "model", given["model"], dict(given["headers"])
        )
        content, version, named = _tried_with(request, given)
        found = checks.decided(content, trial, asker=_asker(request), field=named)
        return Response({"data": {"version": version, **found}})


class Rollback(ConfigurationView):
    """Make the content of an earlier version the next one."""

    actions = {"POST": "configurations.edit"}
    narrowed = {"POST": FILTERED}
    described = {"POST": operations.ROLL_BACK}

    @written(CONFIGURATION)
    def post(self, request: Request, configuration_id: str) -> Write:
        rollback = changes.rollback(configuration_id, request.data, caller(request))
        return CONFIGURATION.showing(request, configuration_id, rollback)


class Diff(ConfigurationView):
    """Compare what two versions enforce.

    Without `to` it is the current version, without `from` the one before `to`.
    """

    query = {"GET": (_FROM, _TO)}
    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.DIFF}

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


class Explanation(ConfigurationView):
    """Say what a version enforces; without `version` it is the current one."""

    query = {"GET": (_VERSION,)}
    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.EXPLAIN}

    def get(self, request: Request, configuration_id: str) -> Response:
        number = self.asked(request)[_VERSION] or queries.row(configuration_id)["version"]
        content, content_hash = queries.content(configuration_id, number)
        found = checks.explained(content, asker=_asker(request))
        return Response({"data": {"version": number, "content_hash": content_hash, **found}})


class Content(ConfigurationView):
    """The exact bytes of the current version."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.GET_CONTENT}

    def get(
        self, request: Request, configuration_id: str, number: int | None = None
    ) -> HttpResponse:
        content, content_hash = queries.content(configuration_id, number)
        headers = {"ETag": f'"{content_hash}"'}
        if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return HttpResponseNotModified(headers=headers)
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class VersionContent(Content):
    """The exact bytes of version `number`."""

    described = {"GET": operations.GET_VERSION_CONTENT}


class Versions(ConfigurationView):
    """The history of a configuration."""

    query = {"GET": queries.VERSIONS.parameters}
    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_VERSIONS}

    def get(self, request: Request, configuration_id: str) -> Response:
        queries.check_exists(configuration_id)
        return answered(request, queries.VERSIONS, configuration_id)


class OneVersion(ConfigurationView):
    """One version without its content."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.GET_VERSION}

    def get(self, request: Request, configuration_id: str, number: int) -> Response:
        return entire(request, queries.version_row(configuration_id, number))


def caller(request: Request) -> Caller:
    """In whose name a request makes a change."""
    return Caller(bearer(request).name, _asker(request))


def _asker(request: Request) -> Asker:
    return Asker(bearer(request).id)


def _tried_with(request: Request, given: Mapping[str, Any]) -> tuple[bytes, int | None, str]:
    """The content to try a text with, its version if it is stored, and the field that named it."""
    name = given.get("configuration")
    if name is None:
        return given["content"], None, "content"
    check(request, name)
    number = given.get("version") or queries.row(name)["version"]
    return queries.content(name, number)[0], number, "configuration"


def _origin(request: Request, note: str) -> Origin:
    return Origin(source=Source.API, actor=bearer(request).name, note=note)
