"""The views of `/v1/git-repos`."""

import threading
import time
from typing import Any
from uuid import UUID, uuid4

import redis
import structlog
from kombu.exceptions import OperationalError
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer
from access.sights import FILTERED
from configurations import changes as contents
from configurations import queries as configurations
from configurations.requests import writer
from configurations.seen import ALL, ConfigurationView, Seen, of
from configurations.views import caller
from gitrepos import tasks
from gitrepos.api import changes, overview
from gitrepos.api.link_serializers import Asked, Confirmation, NewLink
from gitrepos.links import four_eyes, links, preview_requests, queries
from gitrepos.links.queries import OfLink
from gitrepos.models import Link
from gitrepos.webhooks import deliveries
from keeptrusts.api.errors import BusyError, NotFoundError, UnavailableError
from keeptrusts.api.fields import Input, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.parameters import flag, identifier, whole
from keeptrusts.api.rendering import raw_body
from keeptrusts.api.views import View
from keeptrusts.messaging import mailbox

log = structlog.get_logger(__name__)

_MAX_WAIT_SECONDS = 30
_LOOK_SECONDS = 0.1
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


class GitRepos(View):
    """List and link repositories."""

    query = {"GET": queries.LINKS.parameters}
    actions = {"GET": "links.read", "POST": "links.edit"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        return answered(request, queries.LINKS, of(request))

    def post(self, request: Request) -> Response:
        fields, notices = changes.fields(NewLink, request.data)
        row = links.create(
            fields.pop("url"),
            token=fields.pop("access_token", ""),
            credential=fields.pop("credential", ""),
            fields=fields,
        )
        _hint()
        return Response(
            _shown(row.pk, notices), status=201, headers={"Location": f"/v1/git-repos/{row.pk}"}
        )


class Summary(View):
    """Show a summary of all links, for dashboards and for a first look when something is wrong."""

    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        try:
            return Response({"data": overview.summary(of(request))})
        except redis.RedisError as exc:
            raise UnavailableError("The broker") from exc


class Webhook(View):
    """Take a forge's webhook. Its signature is the credential: no token is needed."""

    authentication_classes = ()
    permission_classes = ()

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

    def get(self, request: Request, link_id: UUID) -> Response:
        return Response(_shown(link_id, seen=of(request)))

    def patch(self, request: Request, link_id: UUID) -> Response:
        fields, notices = changes.fields(Asked, request.data)
        changes.edit(link_id, fields)
        _hint()
        return Response(_shown(link_id, notices))

    def delete(self, request: Request, link_id: UUID) -> Response:
        left = links.delete(link_id)
        return Response({"data": {"id": str(link_id), "orphaned_configurations": left}})


class Sync(View):
    """Ask for a sync now: 202, or with `?wait=SECONDS` 200 once it was made.

    With `?dry_run=true` the answer is a preview, and no sync is made.
    """

    query = {"POST": (_WAIT, _DRY_RUN)}
    actions = {"POST": "links.edit"}

    def action_of(self, request: Request) -> str:
        is_dry = request.query_params.get("dry_run") == "true"
        return "links.preview" if is_dry else super().action_of(request)

    def post(self, request: Request, link_id: UUID) -> Response:
        Input(data=request.data).is_valid(raise_exception=True)
        asked = self.asked(request)
        wait = asked[_WAIT]
        if asked[_DRY_RUN]:
            return Response({"data": _previewed(_found(link_id))})
        number = links.request_sync(link_id)
        _hint()
        done = wait > 0 and _served(link_id, number, wait)
        return Response(_shown(link_id), status=200 if done else 202)


class Test(View):
    """Preview the first sync of a link with this body, or a merge into the branch of one."""

    query = {"POST": (_LIKE,)}
    actions = {"POST": "links.preview"}

    def post(self, request: Request) -> Response:
        fields, notices = changes.fields(NewLink, request.data)
        link = links.draft(
            fields.pop("url"),
            token=fields.pop("access_token", ""),
            credential=fields.pop("credential", ""),
            fields=fields,
            like=self.asked(request)[_LIKE],
        )
        answer = {"data": _previewed(link)}
        return Response(answer | ({"notices": notices} if notices else {}))


class Confirm(View):
    """Confirm a held commit; the body names it, so that no other one is confirmed by mistake.

    Under four eyes the commit itself asks, and whoever confirms it here is the second person.
    """

    actions = {"POST": "links.confirm"}

    def post(self, request: Request, link_id: UUID) -> Response:
        commit, by = valid(Confirmation, request.data)["commit"], bearer(request)
        shown = {"commit": commit}
        asked = writer.waiting_for(four_eyes.CONFIRM, str(link_id), shown, by=by)
        if asked is None:
            links.confirm(link_id, commit=commit, actor=by.name)
        else:
            writer.confirm(asked, shown, by=by)
        _hint()
        return Response(_shown(link_id), status=202)


class Pin(ConfigurationView):
    """Pin a version of a configuration, which stays in force whatever git has; or release it."""

    actions = {"POST": "configurations.pin", "DELETE": "configurations.pin"}
    narrowed = dict.fromkeys(actions, FILTERED)

    def post(self, request: Request, configuration_id: str) -> Response:
        contents.pin(configuration_id, request.data, caller(request))()
        return Response({"data": configurations.row(configuration_id)})

    def delete(self, request: Request, configuration_id: str) -> Response:
        links.release_pin(configuration_id, actor=bearer(request).name)
        _hint()
        return Response({"data": configurations.row(configuration_id)})


class Syncs(View):
    """List the history of a link: its changes and failures, newest first."""

    query = {"GET": queries.SYNCS.parameters}
    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, link_id: UUID) -> Response:
        seen = of(request)
        queries.check_seen(link_id, seen)
        return answered(request, queries.SYNCS, OfLink(link_id, seen))


class Files(View):
    """List the files of a link with their outcomes."""

    query = {"GET": queries.FILES.parameters}
    actions = {"GET": "links.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, link_id: UUID) -> Response:
        seen = of(request)
        queries.check_seen(link_id, seen)
        return answered(request, queries.FILES, OfLink(link_id, seen))


def _found(link_id: UUID) -> Link:
    row = Link.objects.select_related("remote__shared").filter(pk=link_id).first()
    if row is None:
        raise NotFoundError("git repo with this id")
    return row


def _shown(link_id: UUID, notices: list[str] | None = None, *, seen: Seen = ALL) -> dict[str, Any]:
    answer: dict[str, Any] = {"data": queries.link(link_id, seen)}
    return answer | ({"notices": notices} if notices else {})


def _hint() -> None:
    """Have a worker poll at once. What is due is in the rows, so a lost hint costs a second."""
    try:
        tasks.tick.apply_async(expires=2)
    except OperationalError as exc:
        log.warning("broker unreachable; the next tick finds the row", error=str(exc))


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


def _served(link_id: UUID, number: int, seconds: int) -> bool:
    """Wait for an attempt that began after request `number`; returns whether it ended in time."""
    if not _seats.acquire(blocking=False):
        return False
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            row = _found(link_id)
            if row.served_seq >= number and not row.remote.is_at_work:
                return True
            time.sleep(_LOOK_SECONDS)
        return False
    finally:
        _seats.release()
