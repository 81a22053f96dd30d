"""The views of `/v1/git-credentials`."""

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations.seen import of
from gitrepos.api import operations
from gitrepos.api.credential_serializers import (
    CredentialInput,
    NewCredential,
)
from gitrepos.links import queries, shared_credentials
from gitrepos.models import GitCredential, Link
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from keeptrusts.judge.asking import Asker


def _row(request: Request, credential_id: UUID) -> queries.Row:
    return queries.credential(credential_id, of(request))


CREDENTIAL = Resource(
    "/v1/git-credentials/{}",
    "links.read",
    _row,
    counted_by(Link.EDITS),
    volatile=frozenset(("git_repos", "expiring")),
)


class GitCredentials(View):
    """List and create shared credentials."""

    query = {"GET": queries.CREDENTIALS.parameters}
    actions = {"GET": "links.read", "POST": "credentials.edit"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_GIT_CREDENTIALS, "POST": operations.CREATE_GIT_CREDENTIAL}

    def get(self, request: Request) -> Response:
        return answered(request, queries.CREDENTIALS, of(request))

    @written()
    def post(self, request: Request) -> Write:
        body = NewCredential(data=request.data, context=_context(request))
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        secrets = _secrets(fields, fields["kind"])

        def create() -> Response:
            row = shared_credentials.create(fields, secrets=secrets)
            return CREDENTIAL.shown(request, row.pk, status=201)

        return create


class OneGitCredential(View):
    """Show, edit or delete a shared credential."""

    actions = {"GET": "links.read", "PATCH": "credentials.edit", "DELETE": "credentials.edit"}
    narrowed = {"GET": FILTERED}
    described = {
        "GET": operations.GET_GIT_CREDENTIAL,
        "PATCH": operations.EDIT_GIT_CREDENTIAL,
        "DELETE": operations.DELETE_GIT_CREDENTIAL,
    }

    def get(self, request: Request, credential_id: UUID) -> Response:
        return CREDENTIAL.get(request, credential_id)

    @written(CREDENTIAL)
    def patch(self, request: Request, credential_id: UUID) -> Write:
        row = GitCredential.objects.filter(pk=credential_id).first()
        if row is None:
            raise NotFoundError("git credential with this id")
        body = CredentialInput(row, data=request.data, context=_context(request))
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        secrets, actor = _secrets(fields, row.kind), bearer(request).name
        edit = partial(shared_credentials.edit, credential_id, fields, secrets=secrets, actor=actor)
        return CREDENTIAL.showing(request, credential_id, edit)

    @written(CREDENTIAL)
    def delete(self, request: Request, credential_id: UUID) -> Write:
        def delete() -> Response:
            shared_credentials.delete(credential_id)
            return Response({"data": {"id": str(credential_id)}})

        return delete


def _context(request: Request) -> dict[str, Any]:
    return {"asker": Asker(bearer(request).id, alone=True)}


def _secrets(fields: dict[str, Any], kind: str) -> dict[str, str]:
    """Take the secrets out of the fields of a body; by column."""
    named = shared_credentials.SECRET_FIELDS[kind].items()
    return {column: fields.pop(field) for column, field in named if field in fields}
