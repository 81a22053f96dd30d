"""The views of `/v1/git-credentials`."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations.seen import ALL, Seen, of
from gitrepos.api.credential_serializers import (
    CredentialInput,
    NewCredential,
)
from gitrepos.links import queries, shared_credentials
from gitrepos.models import GitCredential
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.judge.asking import Asker


class GitCredentials(View):
    """List and create shared credentials."""

    query = {"GET": queries.CREDENTIALS.parameters}
    actions = {"GET": "links.read", "POST": "credentials.edit"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        return answered(request, queries.CREDENTIALS, of(request))

    def post(self, request: Request) -> Response:
        body = NewCredential(data=request.data, context=_context(request))
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        row = shared_credentials.create(fields, secrets=_secrets(fields, fields["kind"]))
        return Response(
            _shown(row.pk), status=201, headers={"Location": f"/v1/git-credentials/{row.pk}"}
        )


class OneGitCredential(View):
    """Show, edit or delete a shared credential."""

    actions = {"GET": "links.read", "PATCH": "credentials.edit", "DELETE": "credentials.edit"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, credential_id: UUID) -> Response:
        return Response(_shown(credential_id, of(request)))

    def patch(self, request: Request, credential_id: UUID) -> Response:
        row = GitCredential.objects.filter(pk=credential_id).first()
        if row is None:
            raise NotFoundError("git credential with this id")
        body = CredentialInput(row, data=request.data, context=_context(request))
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        secrets = _secrets(fields, row.kind)
        shared_credentials.edit(credential_id, fields, secrets=secrets, actor=bearer(request).name)
        return Response(_shown(credential_id))

    def delete(self, request: Request, credential_id: UUID) -> Response:
        shared_credentials.delete(credential_id)
        return Response({"data": {"id": str(credential_id)}})


def _context(request: Request) -> dict[str, Any]:
    return {"asker": Asker(bearer(request).id, alone=True)}


def _secrets(fields: dict[str, Any], kind: str) -> dict[str, str]:
    """Take the secrets out of the fields of a body; by column."""
    named = shared_credentials.SECRET_FIELDS[kind].items()
    return {column: fields.pop(field) for column, field in named if field in fields}


def _shown(credential_id: UUID, seen: Seen = ALL) -> dict[str, Any]:
    return {"data": queries.credential(credential_id, seen)}
