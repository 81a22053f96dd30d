"""Requests for the feed: who asks, for what, and its stream until either side ends it."""

from collections.abc import Mapping

from django.http import QueryDict
from django.http.cookie import parse_cookie
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from access import authentication, sessions
from gateways.feed.feed import Feed
from gateways.feed.listener import SESSION, Credential, Ear, Listener
from gateways.feed.resources import ASKED, RESOURCES, heard_by
from keeptrusts.api.fields import check_query
from keeptrusts.api.parameters import Asked
from keeptrusts.serving import answers
from keeptrusts.serving.answers import Answer, Scope, Send
from keeptrusts.serving.attempts import Attempts
from keeptrusts.serving.bodies import Receive
from keeptrusts.serving.manners import Manners

PATH = "/v1/stream"
# `no` keeps nginx from collecting events until a buffer is full.
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Authorization"),
]


class Serving:
    """Answers `/v1/stream`."""

    def __init__(self, feed: Feed, attempts: Attempts) -> None:
        self._feed, self._attempts = feed, attempts

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, asked: Manners
    ) -> Answer | None:
        """A refusal or the answer to HEAD; None once a stream has ended.

        Raises:
            APIException: it is refused.
        """
        headers = answers.headers_of(scope)
        credential = await self._admitted(headers, scope)
        ear = ear_of(credential, scope["query_string"].decode("latin-1"))
        if scope["method"] == "HEAD":
            return Answer(200, b"", [*_HEADERS, (b"content-length", b"0")])
        scope["state"]["admit"]()
        start = asked.headers(_HEADERS)
        await send({"type": "http.response.start", "status": 200, "headers": start})
        listener = Listener(ear, credential, send, scope["state"]["end"])
        async with self._feed.telling(listener, headers.get("last-event-id")):
            while (await receive())["type"] != "http.disconnect":
                pass
        return None

    async def _admitted(self, headers: Mapping[str, str], scope: Scope) -> Credential:
        address, text = (scope["client"] or ("",))[0], answers.bearer(headers)
        text = text or _cookie(headers)
        authentication.check_given(text)
        await self._attempts.wait(address, text)
        try:
            credential = await self._feed.admit(text, address)
        except AuthenticationFailed:
            self._attempts.failed(address, text)
            raise
        self._attempts.passed(text)
        return credential


def _cookie(headers: Mapping[str, str]) -> str:
    """The session of a page of the console as a credential; empty for any other request.

    A browser says itself from where it asks, so that no page of another site opens a stream.
    """
    if headers.get("sec-fetch-site") != "same-origin":
        return ""
    value = sessions.cookie_of(parse_cookie(headers.get("cookie", "")), headers.get("host", ""))
    return f"{SESSION}{value}" if value else ""


def ear_of(credential: Credential, query: str) -> Ear:
    """What a bearer hears who asks with these parameters.

    Raises:
        FieldError: a name is not that of a resource.
        PermissionDenied: its role may hear of none of them.
        ValidationError: a parameter is unknown, or given twice.
    """
    params = QueryDict(query)
    check_query(params, (ASKED.name,))
    asked = Asked(params)
    heard = heard_by(credential.bearer, asked[ASKED])
    if not heard or (ASKED in asked and heard != set(asked[ASKED])):
        able = ", ".join(sorted(heard_by(credential.bearer, RESOURCES))) or "none"
        role = credential.bearer.role
        raise PermissionDenied(f"A token of the role {role} may hear of: {able}.")
    return Ear(heard, credential.bearer.sight)
