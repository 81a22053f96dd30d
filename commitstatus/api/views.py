"""The views of `/v1/forge-credentials` and of commit statuses."""

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from commitstatus import credentials, queries
from commitstatus.api import operations
from commitstatus.api.serializers import (
    SECRETS,
    CommitStatusChoice,
    ForgeCredentialInput,
    NewForgeCredential,
)
from commitstatus.models import ForgeCredential
from gitrepos.models import Link
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.fields import valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from keeptrusts.judge.asking import Asker


def _credential(_request: Request, forge_credential_id: UUID) -> queries.Row:
    return queries.credential(forge_credential_id)


def _status(_request: Request, link_id: UUID) -> queries.Row:
    return queries.status(link_id)


CREDENTIAL = Resource(
    "/v1/forge-credentials/{}",
    "links.read",
    _credential,
    counted_by(ForgeCredential.COUNTER),
    volatile=frozenset(("git_repos", "failing", "paused_until")),
)
STATUS = Resource(
    "/v1/git-repos/{}/commit-status",
    "links.read",
    _status,
    counted_by(Link.EDITS),
    volatile=queries.OBSERVED,
)


class ForgeCredentials(View):
    """List and create credentials of forges' APIs."""

    query = {"GET": queries.CREDENTIALS.parameters}
    actions = {"GET": "links.read", "POST": "credentials.edit"}
    described = {
        "GET": operations.LIST_FORGE_CREDENTIALS,
        "POST": operations.CREATE_FORGE_CREDENTIAL,
    }

    def get(self, request: Request) -> Response:
        return answered(request, queries.CREDENTIALS, None)

    @written()
    def post(self, request: Request) -> Write:
        fields = _checked(NewForgeCredential(data=request.data, context=_context(request)))
        secret = _secret(fields)
        assert secret is not None

        def create() -> Response:
            row = credentials.create(fields, secret=secret)
            return CREDENTIAL.shown(request, row.pk, status=201)

        return create


class OneForgeCredential(View):
    """Show, edit or delete a credential of a forge's API."""

    actions = {"GET": "links.read", "PATCH": "credentials.edit", "DELETE": "credentials.edit"}
    described = {
        "GET": operations.GET_FORGE_CREDENTIAL,
        "PATCH": operations.EDIT_FORGE_CREDENTIAL,
        "DELETE": operations.DELETE_FORGE_CREDENTIAL,
    }

    def get(self, request: Request, forge_credential_id: UUID) -> Response:
        return CREDENTIAL.get(request, forge_credential_id)

    @written(CREDENTIAL)
    def patch(self, request: Request, forge_credential_id: UUID) -> Write:
        row = ForgeCredential.objects.filter(pk=forge_credential_id).first()
        if row is None:
            raise NotFoundError("forge credential with this id")
        fields = _checked(ForgeCredentialInput(row, data=request.data, context=_context(request)))
        secret = _secret(fields)
        edit = partial(credentials.edit, forge_credential_id, fields, secret=secret)
        return CREDENTIAL.showing(request, forge_credential_id, edit)

    @written(CREDENTIAL)
    def delete(self, request: Request, forge_credential_id: UUID) -> Write:
        def delete() -> Response:
            credentials.delete(forge_credential_id)
            return Response({"data": {"id": str(forge_credential_id)}})

        return delete


class CommitStatuses(View):
    """List what is told of the commits of all links."""

    query = {"GET": queries.STATUSES.parameters}
    actions = {"GET": "links.read"}
    described = {"GET": operations.LIST_COMMIT_STATUSES}

    def get(self, request: Request) -> Response:
        return answered(request, queries.STATUSES, None)


class OneCommitStatus(View):
    """Show what is told of a link's commits, and choose with which credential."""

    actions = {"GET": "links.read", "PATCH": "links.edit"}
    described = {
        "GET": operations.GET_COMMIT_STATUS,
        "PATCH": operations.CHOOSE_COMMIT_STATUS,
    }

    def get(self, request: Request, link_id: UUID) -> Response:
        return STATUS.get(request, link_id)

    @written(STATUS)
    def patch(self, request: Request, link_id: UUID) -> Write:
        name = valid(CommitStatusChoice, request.data)["credential"]
        return STATUS.showing(request, link_id, partial(credentials.choose, link_id, name))


def _context(request: Request) -> dict[str, Any]:
    return {"asker": Asker(bearer(request).id, alone=True)}


def _checked(body: ForgeCredentialInput) -> dict[str, Any]:
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _secret(fields: dict[str, Any]) -> str | None:
    """Take the secret out of the fields of a body, if there is one."""
    given = [fields.pop(name) for name in SECRETS & fields.keys()]
    return given[0] if given else None
