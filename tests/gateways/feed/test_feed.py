"""The feed of what changes, from its process, with a real database and broker."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from access import roles, sessions, tokens
from access.models import Session, Token
from access.sights import Sight
from events.models import AuditEntry
from keeptrusts import counters
from keeptrusts.messaging import hints, progress
from tests.support.brokers import end_subscriptions
from tests.support.events import Event, Events, Pusher
from tests.support.repo import policy
from tests.support.stack import wait_for
from tests.support.syncing import make, override

pytestmark = pytest.mark.django_db(transaction=True)

Listen = Callable[..., Events]
_STREAM = "/v1/stream"


@pytest.fixture
def listen(admin: APIClient, pusher: Pusher) -> Iterator[Listen]:
    """Open a stream, once the process has looked at the database of this test."""
    opened: list[Events] = []
    looking = Events(pusher.port, _STREAM, _text(admin))
    looking.next()  # It stands where the database is: what comes after that is told.
    tokens.create("looked for")
    while looking.next().name not in ("change", "reset"):
        pass
    looking.close()

    def _listen(text: str, query: str = "", last_id: str | None = None) -> Events:
        stream = Events(pusher.port, _STREAM + query, text, last_id)
        opened.append(stream)
        assert stream.status == 200, stream.answer.read()
        return stream

    yield _listen
    for stream in opened:
        stream.close()


def _text(admin: APIClient) -> str:
    text: str = admin._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    return text


def _next(stream: Events, name: str) -> Event:
    """The next message of a name; those of others are passed over."""
    while (event := stream.next()).name != name:
        pass
    return event


def _until(stream: Events, changed: str) -> Event:
    """The message that something changed; those before it are passed over."""
    while (event := _next(stream, "change")).data["id"] != changed:
        pass
    return event


def _told(stream: Events, until: str) -> list[tuple[str, str]]:
    """The resources and ids that are told up to the first with this id."""
    found: list[tuple[str, str]] = []
    while not found or found[-1][1] != until:
        data = _next(stream, "change").data
        found.append((data["resource"], data["id"]))
    return found


def test_what_changes_is_told(admin: APIClient, listen: Listen) -> None:
    """By its resource and id, with the counter that its list has by then; events as they are."""
    stream = listen(_text(admin))
    opening = stream.next()
    assert (opening.name, bool(opening.id)) == ("open", True)

    made = tokens.create("somebody", role="viewer")[0]
    assert _until(stream, str(made.pk)).data == {
        "resource": "tokens", "id": str(made.pk), "counter": counters.read()[tokens.COUNTER],
    }  # fmt: skip
    make(admin, "bot", policy("Bot"))
    assert _told(stream, "bot") == [("configurations", "bot")]
    override(admin, "bot", policy("Another"))
    admin.post("/v1/configurations/bot/pin", {"version": 1, "reason": "x"}, format="json")
    event = _next(stream, "event")

    listed = admin.get("/v1/events").json()["data"]
    assert event.data in listed
    assert event.id


@pytest.mark.parametrize("role", [*roles.ROLES])
def test_a_role_hears_of_what_it_may_read(pusher: Pusher, listen: Listen, role: str) -> None:
    """Whoever may read nothing of it is refused, as is whoever asks for more."""
    text = tokens.create("somebody", role=role)[1]
    heard = {
        "metrics": set(),
        "ci": {"configurations"},
        "admin": {"tokens", "trusts", "enrolment-tokens"},
    }.get(role, {"requests", "events"})  # fmt: skip
    if not heard:
        status, body = pusher.get(_STREAM, text)
        assert (status, json.loads(body)["error"]["code"]) == (403, "permission_denied")
        return
    told = set(listen(text).next().data["resources"])
    assert told >= heard
    assert ("tokens" in told) is (role == "admin")
    assert pusher.get(f"{_STREAM}?resources=tokens", text, "HEAD")[0] == (
        200 if role == "admin" else 403
    )


def test_a_listener_hears_of_what_it_asks_for(admin: APIClient, listen: Listen) -> None:
    """And of nothing else."""
    stream = listen(_text(admin), "?resources=tokens,trusts")
    assert stream.next().data == {"resources": ["tokens", "trusts"]}
    make(admin, "bot", policy("Bot"))
    made = tokens.create("somebody", role="viewer")[0]
    assert {name for name, _ in _told(stream, str(made.pk))} == {"tokens"}


@pytest.mark.parametrize(
    ("query", "status"),
    [("?resources=tokens,nothing", 400), ("?resources=", 400), ("?other=1", 400),
     ("?resources=tokens&resources=trusts", 400)],
)  # fmt: skip
def test_a_wrong_question_is_refused(
    admin: APIClient, pusher: Pusher, query: str, status: int
) -> None:
    """And the answer names what is wrong."""
    found, body = pusher.get(_STREAM + query, _text(admin))
    assert (found, json.loads(body)["error"]["code"]) == (status, "invalid")


def test_nobody_hears_without_a_token(pusher: Pusher) -> None:
    """Nor with an unknown one, nor by another method."""
    for text, code in (("", "not_authenticated"), ("kt_no", "authentication_failed")):
        status, body = pusher.get(_STREAM, text)
        assert (status, json.loads(body)["error"]["code"]) == (401, code)
    assert pusher.get(_STREAM, "kt_no", "POST")[0] == 405


def test_browsers_may_read_what_the_process_answers(admin: APIClient, pusher: Pusher) -> None:
    """Its stream and its errors, from allowed origins."""
    for text, status in (("", 401), (_text(admin), 200)):
        line = http.client.HTTPConnection("127.0.0.1", pusher.port, timeout=60)
        head = {"Origin": "https://console.example", "X-Request-Id": "mine"}
        line.request("GET", _STREAM, headers=head | {"Authorization": f"Bearer {text}"})
        answer = line.getresponse()
        assert answer.status == status
        assert answer.getheader("Access-Control-Allow-Origin") == "https://console.example"
        assert answer.getheader("X-Request-Id") == "mine"
        assert {"Origin", "Accept-Encoding"} <= set(str(answer.getheader("Vary")).split(", "))
        answer.close()
        line.close()


def test_a_narrowed_token_hears_of_what_it_sees(admin: APIClient, listen: Listen) -> None:
    """Neither of others, nor of counters and numbers, which count others too."""
    sight = Sight(("a-*",), frozenset({("team", "a")}))
    text = tokens.create("narrowed", role="viewer", sight=sight)[1]
    stream = listen(text)
    opening = stream.next()
    for name in ("b-hidden", "a-seen"):
        make(admin, name, policy(name))
    assert _told(stream, "a-seen") == [("configurations", "a-seen")]
    for name in ("b-hidden", "a-seen"):
        override(admin, name, policy("Another"))
        admin.post(f"/v1/configurations/{name}/pin", {"version": 1, "reason": "x"}, format="json")
    event = _next(stream, "event")
    assert (event.data["configuration"], event.data["id"]) == ("a-seen", None)

    missed = listen(text, last_id=opening.id)
    assert missed.next().name == "open"
    assert _next(missed, "change").data == {
        "resource": "configurations", "id": "a-seen", "counter": None,
    }  # fmt: skip


def test_what_was_missed_is_told(admin: APIClient, listen: Listen) -> None:
    """From the last id that a client had; all of it again at most."""
    stream = listen(_text(admin))
    first = stream.next().id
    make(admin, "one", policy("One"))
    last = _until(stream, "one").id
    stream.close()
    make(admin, "two", policy("Two"))

    back = listen(_text(admin), last_id=last)
    assert back.next().name == "open"
    # What came before may be told again, while a number is missing below it.
    assert _told(back, "two")[-1] == ("configurations", "two")
    again = listen(_text(admin), last_id=first)
    assert _told(again, "two")[-2:] == [("configurations", "one"), ("configurations", "two")]


@pytest.mark.parametrize("last_id", ["", "0", "a" * 16 + "é".encode().decode("latin-1")])
def test_whoever_cannot_be_told_what_was_missed_reads_anew(
    admin: APIClient, listen: Listen, last_id: str
) -> None:
    """By an id that nobody gave, or of another database."""
    stream = listen(_text(admin), last_id=last_id)
    assert stream.next().name == "open"
    reset = stream.next()
    assert (reset.name, reset.data) == ("reset", {})
    make(admin, "one", policy("One"))
    assert _told(stream, "one")
    assert listen(_text(admin), last_id=reset.id).next().name == "open"


def test_a_database_that_went_back_is_read_anew(admin: APIClient, listen: Listen) -> None:
    """Everybody is told, since nobody knows what of it they heard."""
    make(admin, "one", policy("One"))
    stream = listen(_text(admin))
    stream.next()
    make(admin, "two", policy("Two"))
    _told(stream, "two")

    AuditEntry.objects.filter(target="two").delete()

    assert _next(stream, "reset")


@pytest.mark.parametrize("end", ["revoked", "expired", "rotated"])
def test_a_stream_ends_with_its_token(admin: APIClient, listen: Listen, end: str) -> None:
    """Within seconds, also where it ends by itself."""
    token, text = tokens.create("somebody", role="viewer")
    stream = listen(text)
    stream.next()
    match end:
        case "revoked":
            tokens.revoke(token.pk)
        case "expired":
            soon = timezone.now() + timedelta(seconds=1)
            Token.objects.filter(pk=token.pk).update(expires_at=soon)
            tokens.create("another")  # So that the process looks.
        case _:
            path = f"/v1/tokens/{token.pk}/rotate"
            assert admin.post(path, {"overlap_seconds": 0}, format="json").status_code == 200
    assert _next(stream, "goodbye")
    with pytest.raises(EOFError):
        stream.next()


_PAGE = {"sec_fetch_site": "same-origin"}


@pytest.mark.parametrize("name", [sessions.PLAIN_COOKIE, sessions.SECURE_COOKIE])
def test_a_page_of_the_console_listens_by_its_session(
    admin: APIClient, pusher: Pusher, listen: Listen, name: str
) -> None:
    """As its token may hear, and until the session ends."""
    token, text = tokens.create("somebody", role="viewer")
    cookie = sessions.begin(token, text)
    head = {"cookie": f"other=1; {name}={cookie}", **_PAGE}
    with closing(Events(pusher.port, _STREAM, **head)) as stream:
        assert stream.status == 200, stream.answer.read()
        assert "tokens" not in stream.next().data["resources"]

        sessions.end(Session.objects.get())
        tokens.create("another")  # So that the process looks.

        assert _next(stream, "goodbye")


@pytest.mark.parametrize("site", ["", "none", "same-site", "cross-site"])
def test_no_page_of_another_site_listens(pusher: Pusher, listen: Listen, site: str) -> None:
    """Though a browser would send the cookie; nor does anybody by a cookie that is made up."""
    token, text = tokens.create("somebody")
    cookie = f"keeptrusts={sessions.begin(token, text)}"

    for text, head in (
        ("", {"cookie": cookie, "sec_fetch_site": site}),
        ("", {"cookie": "keeptrusts=made-up", **_PAGE}),
        (f"session {cookie}", {}),
    ):
        with closing(Events(pusher.port, _STREAM, text, **head)) as stream:
            assert stream.status == 401


def test_progress_of_a_sync_is_told(admin: APIClient, listen: Listen) -> None:
    """To those who may see its link; nobody else's messages are."""
    viewer = listen(tokens.create("somebody", role="viewer")[1])
    narrowed = listen(tokens.create("x", role="viewer", sight=Sight(("a",), frozenset()))[1])
    for stream in (viewer, narrowed):
        stream.next()
    client = redis.Redis.from_url(settings.REDIS_URL)
    forged = json.dumps({"git_repo": str(uuid4()), "stage": "forged"}).encode()
    for message in (b"", b"x", b"0" * 64 + forged):
        client.publish(progress.CHANNEL, message)
    stage = {"git_repo": str(uuid4()), "stage": "fetched", "commit": "c", "at": timezone.now()}
    progress.tell(stage, begins=True)
    make(admin, "a", policy("A"))

    # Processes of other tests share the broker, and tell of syncs of their own.
    while (told := _next(viewer, "sync").data)["git_repo"] != stage["git_repo"]:
        assert told["stage"] != "forged"
    assert told["stage"] == "fetched"
    assert narrowed.next().name == "change"


def test_a_change_is_told_without_a_hint(admin: APIClient, listen: Listen) -> None:
    """Pub/sub loses messages; the database is read again."""
    stream = listen(_text(admin))
    stream.next()
    client = redis.Redis.from_url(settings.REDIS_URL)
    wait_for(lambda: client.pubsub_numsub(hints.CHANNEL)[0][1] > 1)
    end_subscriptions(client)

    token = tokens.create("somebody", role="viewer")[0]

    assert _told(stream, str(token.pk))
