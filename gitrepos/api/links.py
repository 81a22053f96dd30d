"""The views of `/v1/git-repos`."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import redis
import structlog
from django.db import transaction
from kombu.exceptions import OperationalError
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations import changes as contents
from configurations.described import operations as told
from configurations.requests import writer
from configurations.seen import ConfigurationView, of
from configurations.views import CONFIGURATION, caller
from gitrepos import tasks
from gitrepos.api import changes, operations, overview
from gitrepos.api.link_serializers import Asked, Confirmation, NewLink
from gitrepos.links import four_eyes, links, preview_requests, queries
from gitrepos.links.queries import OfLink
from gitrepos.models import Link
from gitrepos.webhooks import deliveries
from keeptrusts import counters
from keeptrusts.api.errors import BusyError, NotFoundError, UnavailableError
from keeptrusts.api.fields import Input, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.parameters import flag, identifier, whole
from keeptrusts.api.rendering import raw_body
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written
from keeptrusts.messaging import mailbox
from keeptrusts.messaging.merging import Merged

log = structlog.get_logger(__name__)

_MAX_WAIT_SECONDS = 30
_LOOK_SECONDS = 0.1
_MERGED_SECONDS = 0.25
_WAIT = whole(
    "wait", "Seconds to wait for the sync.", lowest=0, highest=_MAX_WAIT_SECONDS, default=0
)
_DRY_RUN = flag("dry_run", "Preview the sync, and make none.", default=False)
_LIKE = identifier("git_repo", "The link that the test is about.", of="a link")
_NO_TIME = "All workers are busy; try again in a few seconds."
# A waiting request takes a thread of the web server; some must stay free for the others.
_seats = threading.BoundedSemaphore(4)
# A preview also takes a worker, for longer than its request waits; syncs need some, too.
_preview_seats = threading.BoundedSemaphore(2)


def _row(request: Request, link_id: UUID) -> queries.Row:
    return queries.link(link_id, of(request))


def _hold_with_requests(link_id: UUID) -> None:
    """Lock what a confirmation of a held commit locks, in its order."""
    writer.hold_waiting(four_eyes.CONFIRM, str(link_id))
    counters.hold(Link.EDITS)


# What polls and syncs observe, forges send, and time brings about.
_OBSERVED = frozenset(
    ("status", "observed_generation", "conditions", "last_commit", "last_tag", "last_polled_at",
     "next_poll_at", "last_synced_at", "last_delivery_at", "error", "held", "files",
     "credential_expires_at", "credential_expiring", "broken_glass")
)  # fmt: skip
LINK = Resource("/v1/git-repos/{}", "links.read", _row, counted_by(Link.EDITS), volatile=_OBSERVED)


class GitRepos(View):
    """List and link repositories."""

    query = {"GET": queries.LINKS.parameters}
    actions = {"GET": "links.read", "POST": "links.edit"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_GIT_REPOS, "POST": operations.CREATE_GIT_REPO}

    def get(self, request: Request) -> Response:
        return answered(request, queries.LINKS, of(request))

    @written()
    def post(self, request: Request) -> Write:
        fields, notices = changes.fields(NewLink, request.data)
        given = {name: fields.pop(name, "") for name in ("access_token", "credential")}

        def create() -> Response:
            row = links.create(
                fields.pop("url"),
                token=given["access_token"],
                credential=given["credential"],
                fields=fields,
            )
            _hint()
            return LINK.shown(request, row.pk, status=201, beside=_noticed(notices))

        return create


class Summary(View):
    """Show a summary of all links, for dashboards and for a first look when something is wrong."""

    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.SUMMARY}

    def get(self, request: Request) -> Response:
        try:
            return Response({"data": overview.summary(of(request))})
        except redis.RedisError as exc:
            raise UnavailableError("The broker") from exc


class Webhook(View):
    """Take a forge's webhook. Its signature is the credential: no token is needed."""

    authentication_classes = ()
    permission_classes = ()
    # GitLab sends an Idempotency-Key, and says by it what other headers of it say.
    ignores_conditions = True
    described = {"POST": operations.TAKE_DELIVERY}

    def post(self, request: Request, link_id: UUID) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        receipt = deliveries.take(link_id, headers, raw_body(request))
        if not receipt.ignored:
            _hint()
        verdict = {"accepted": not receipt.ignored, "reason": receipt.ignored or None}
        return Response({"data": {**verdict, "message": receipt.message}}, status=202)


class OneGitRepo(View):
    """Show, edit or delete a link."""

    actions = {"GET": "links.read", "PATCH": "links.edit", "DELETE": "links.edit"}
    narrowed = {"GET": FILTERED}
    described = {
        "GET": operations.GET_GIT_REPO,
        "PATCH": operations.EDIT_GIT_REPO,
        "DELETE": operations.DELETE_GIT_REPO,
    }

    def get(self, request: Request, link_id: UUID) -> Response:
        return LINK.get(request, link_id)

    @written(LINK)
    def patch(self, request: Request, link_id: UUID) -> Write:
        fields, notices = changes.fields(Asked, request.data)

        def edit() -> Response:
            changes.edit(link_id, fields)
            _hint()
            return LINK.shown(request, link_id, beside=_noticed(notices))

        return edit

    @written(LINK)
    def delete(self, request: Request, link_id: UUID) -> Write:
        def delete() -> Response:
            left = links.delete(link_id)
            return Response({"data": {"id": str(link_id), "orphaned_configurations": left}})

        return delete


def _waited(view: View, request: Request, answer: Response, link_id: UUID) -> Response:
    """The answer to a request for a sync, or with `?wait=SECONDS` to the sync, if made in time."""
    if not (wait := view.asked(request)[_WAIT]):
        return answer
    return LINK.shown(request, link_id, status=200 if _served(link_id, wait) else 202)


class Sync(View):
    """Ask for a sync now: 202, or with `?wait=SECONDS` 200 once it was made.

    With `?dry_run=true` the answer is a preview, and no sync is made.
    """

    query = {"POST": (_WAIT, _DRY_RUN)}
    actions = {"POST": "links.edit"}
    described = {"POST": operations.SYNC}

    def action_of(self, request: Request) -> str:
        is_dry = request.query_params.get("dry_run") == "true"
        return "links.preview" if is_dry else super().action_of(request)

    @written(LINK, then=_waited)
    def post(self, request: Request, link_id: UUID) -> Write | Response:
        Input(data=request.data).is_valid(raise_exception=True)
        asked = self.asked(request)
        _ = asked[_WAIT]  # Refused before anything is asked for.
        if asked[_DRY_RUN]:
            return Response({"data": _previewed(_found(link_id))})

        def ask() -> Response:
            links.request_sync(link_id)
            _hint()
            return LINK.shown(request, link_id, status=202)

        return ask


class Test(View):
    """Preview the first sync of a link with this body, or a merge into the branch of one."""

    query = {"POST": (_LIKE,)}
    actions = {"POST": "links.preview"}
    described = {"POST": operations.TEST}

    @written()
    def post(self, request: Request) -> Response:
        fields, notices = changes.fields(NewLink, request.data)
        link = links.draft(
            fields.pop("url"),
            token=fields.pop("access_token", ""),
            credential=fields.pop("credential", ""),
            fields=fields,
            like=self.asked(request)[_LIKE],
        )
        return Response({"data": _previewed(link), **_noticed(notices)})


class Confirm(View):
    """Confirm a held commit; the body names it, so that no other one is confirmed by mistake.

    Under four eyes the commit itself asks, and whoever confirms it here is the second person.
    """

    actions = {"POST": "links.confirm"}
    described = {"POST": operations.CONFIRM}

    @written(replace(LINK, hold=_hold_with_requests))
    def post(self, request: Request, link_id: UUID) -> Write:
        commit, by = valid(Confirmation, request.data)["commit"], bearer(request)
        exactly = {"commit": commit}
        asked = writer.waiting_for(four_eyes.CONFIRM, str(link_id), exactly, by=by)
        write: Callable[[], object] = (
            partial(links.confirm, link_id, commit=commit, actor=by.name)
            if asked is None
            else writer.confirm(asked, exactly, by=by)
        )

        def confirm() -> Response:
            write()
            _hint()
            return LINK.shown(request, link_id, status=202)

        return confirm


class Pin(ConfigurationView):
    """Pin a version of a configuration, which stays in force whatever git has; or release it."""

    actions = {"POST": "configurations.pin", "DELETE": "configurations.pin"}
    narrowed = dict.fromkeys(actions, FILTERED)
    described = {"POST": told.PIN, "DELETE": told.UNPIN}

    @written(CONFIGURATION)
    def post(self, request: Request, configuration_id: str) -> Write:
        pin = contents.pin(configuration_id, request.data, caller(request))
        return CONFIGURATION.showing(request, configuration_id, pin)

    @written(replace(CONFIGURATION, hold=links.hold_pin))
    def delete(self, request: Request, configuration_id: str) -> Write:
        def release() -> None:
            links.release_pin(configuration_id, actor=bearer(request).name)
            _hint()

        return CONFIGURATION.showing(request, configuration_id, release)


class Syncs(View):
    """List the history of a link: its changes and failures, newest first."""

    query = {"GET": queries.SYNCS.parameters}
    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_SYNCS}

    def get(self, request: Request, link_id: UUID) -> Response:
        seen = of(request)
        queries.check_seen(link_id, seen)
        return answered(request, queries.SYNCS, OfLink(link_id, seen))


class Files(View):
    """List the files of a link with their outcomes."""

    query = {"GET": queries.FILES.parameters}
    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_FILES}

    def get(self, request: Request, link_id: UUID) -> Response:
        seen = of(request)
        queries.check_seen(link_id, seen)
        return answered(request, queries.FILES, OfLink(link_id, seen))


def _found(link_id: UUID) -> Link:
    row = Link.objects.select_related("remote__shared").filter(pk=link_id).first()
    if row is None:
        raise NotFoundError("git repo with this id")
    return row


def _noticed(notices: list[str]) -> dict[str, list[str]]:
    return {"notices": notices} if notices else {}


def _hint() -> None:
    """Have a worker poll at once, when the change is committed.

    What is due is in the rows, so a lost hint costs a second.
    """
    transaction.on_commit(_tell_soon)


def _tell() -> None:
    try:
        tasks.tick.apply_async(expires=2)
    except OperationalError as exc:
        log.warning("broker unreachable; the next tick finds the row", error=str(exc))


# Of many that are written together a poller polls those of each message in one batch.
_tell_soon = Merged(_tell, seconds=_MERGED_SECONDS)


def _previewed(link: Link) -> Any:
    """The preview of a link, made by a worker, whose time and memory are bounded."""
    if not _preview_seats.acquire(blocking=False):
        raise BusyError(_NO_TIME)
    try:
        preview = _answered(preview_requests.keep(link))
    finally:
        _preview_seats.release()
    if preview is None:
        raise BusyError(_NO_TIME)
    return preview


def _answered(request_id: UUID) -> Any:
    """The preview for a request, from a worker; None when there is none in time."""
    ticket = uuid4().hex
    try:
        tasks.preview_link.apply_async((ticket, str(request_id)), expires=_MAX_WAIT_SECONDS)
        return mailbox.take(ticket, seconds=_MAX_WAIT_SECONDS)
    except OperationalError as exc:
        raise UnavailableError("The broker") from exc
    finally:
        preview_requests.forget(request_id)


def _served(link_id: UUID, seconds: int) -> bool:
    """Wait for an attempt that began after what is asked for; returns whether it ended in time."""
    if not _seats.acquire(blocking=False):
        return False
    try:
        until, number = time.monotonic() + seconds, _found(link_id).requested_seq
        while time.monotonic() < until:
            row = _found(link_id)
            if row.served_seq >= number and not row.remote.is_at_work:
                return True
            time.sleep(_LOOK_SECONDS)
        return False
    finally:
        _seats.release()
