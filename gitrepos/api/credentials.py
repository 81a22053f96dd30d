"""The views of `/v1/git-credentials`."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations.seen import ALL, Seen, of
from gitrepos.api.credential_serializers import (
    CredentialInput,
    CredentialRow,
    NewCredential,
)
from gitrepos.links import narrowing, shared_credentials
from gitrepos.links.links import COUNTER
from gitrepos.models import GitCredential
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from keeptrusts.judge.asking import Asker


def _row(request: Request, credential_id: UUID) -> dict[str, Any]:
    return dict(CredentialRow(_found(credential_id, of(request))).data)


CREDENTIAL = Resource(
    "/v1/git-credentials/{}",
    "links.read",
    _row,
    counted_by(COUNTER),
    volatile=frozenset(("git_repos", "expiring")),
)


class GitCredentials(View):
    """List and create shared credentials."""

    actions = {"GET": "links.read", "POST": "credentials.edit"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        rows = _rows(of(request)).order_by("name")
        return Response({"data": CredentialRow(rows, many=True).data})

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

    def get(self, request: Request, credential_id: UUID) -> Response:
        return CREDENTIAL.get(request, credential_id)

    @written(CREDENTIAL)
    def patch(self, request: Request, credential_id: UUID) -> Write:
        row = _found(credential_id)
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


def _rows(seen: Seen = ALL) -> QuerySet[Any]:
    """Credentials with the number of links that use them; only those of links that are seen."""
    links = narrowing.links(seen, "remotes__links")
    rows = GitCredential.objects.annotate(git_repos=Count("remotes__links", filter=links or None))
    return rows.filter(git_repos__gt=0) if seen.is_narrowed else rows


def _found(credential_id: UUID, seen: Seen = ALL) -> Any:
    row = _rows(seen).filter(pk=credential_id).first()
    if row is None:
        raise NotFoundError("git credential with this id")
    return row
