"""The ASGI application of the web: requests are whole before a thread is taken for them."""

import asyncio

from django.conf import settings

from keeptrusts.api.errors import RefusedError
from keeptrusts.serving import answers, doors
from keeptrusts.serving.answers import Answer, Scope, Send
from keeptrusts.serving.attempts import Attempts
from keeptrusts.serving.bodies import Bodies, ClientLeftError, Receive
from keeptrusts.serving.bridge import Bridge
from keeptrusts.serving.limits import Limits
from keeptrusts.serving.manners import Manners
from keeptrusts.serving.places import Places

_UNAUTHENTICATED = 401


class Application:
    """Answers every request by way of a bridge, each class of callers within its share of places.

    Of a request that is refused for its head, its body or its credential, no thread hears.
    """

    def __init__(
        self,
        bridge: Bridge,
        places: Places,
        *,
        health_places: Places,
        attempts: Attempts,
        limits: Limits,
    ) -> None:
        self._bridge, self._limits = bridge, limits
        self._places, self._health_places = places, health_places
        self._bodies = Bodies()
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Manners.of(scope)
        with asked.logged():
            try:
                answer = await self._answer(scope, receive, asked)
            except ClientLeftError:
                return
            except asyncio.CancelledError:
                # The process stops, and waited for it as long as it may.
                await answers.send_whole(send, asked.dressed(answers.of_error(_stopping())))
                raise
            except Exception as exc:  # noqa: BLE001
                # The outermost caller; what is no deliberate refusal is logged there.
                answer = await answers.of_failure(exc)
            await answers.send_whole(send, asked.dressed(answer))

    async def _answer(self, scope: Scope, receive: Receive, asked: Manners) -> Answer:
        headers = answers.headers_of(scope)
        door = doors.of(scope["path"])
        door.check(scope["method"], scope["path"], headers)
        address, credential = (scope["client"] or ("",))[0], answers.bearer(headers)
        # A form has its credential in the body: who fails there is known by the address alone.
        is_attempt = bool(credential) or scope["path"] in settings.SIGN_IN_PATHS
        if is_attempt:
            await self._attempts.wait(address, credential)
        if door is doors.PEOPLE:
            asked.window = self._limits.count(credential)
            if asked.window is not None:
                asked.window.check()
        async with self._bodies.whole(receive) as body:
            scope["state"]["admit"]()
            places = self._health_places if door is doors.HEALTH else self._places
            async with places.taken(door.name, credential or address):
                if scope["state"]["is_gone"]():
                    raise ClientLeftError  # Nobody reads the answer.
                answer = await self._bridge.answer(scope, body)
        if is_attempt:
            self._note(answer, address, credential)
        return answer

    def _note(self, answer: Answer, address: str, credential: str) -> None:
        if answer.status == _UNAUTHENTICATED:
            self._attempts.failed(address, credential)
        elif credential and answer.is_authenticated:
            self._attempts.passed(credential)


def _stopping() -> RefusedError:
    message = (
        "The control plane stops before this is answered, so it may be done or not; ask again in a"
        " few seconds."
    )
    return RefusedError(503, "unavailable", message, headers={"Retry-After": "2"})
