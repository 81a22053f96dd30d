"""Mail through a real SMTP server on loopback."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from keeptrusts.env.mailer import Mailer
from notifications.models import Notification
from notifications.sender import Sender
from notifications.sending import smtp
from tests.notifications.conftest import LINK_A, tell
from tests.support.api import refusal

pytestmark = pytest.mark.django_db


class Host:
    """An SMTP server; `answers` has its answer to a command, by the command's first word."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.commands: list[str] = []
        self.mails: list[str] = []
        host = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    host.commands.append(line)
                    word = line.split()[0].upper()
                    if word == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            lines.append(text.decode())
                        host.mails.append("".join(lines))
                    self.say(host.answers.get(line, host.answers.get(word, "250 fine")))
                    if word == "QUIT":
                        return

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def host(settings: Any) -> Iterator[Host]:
    """A server that settings name."""
    made = Host()
    port = made.server.server_address[1]
    mailer = Mailer("127.0.0.1", port, False, "", "", "kt@keeptrusts.example")
    settings.ENV = replace(settings.ENV, mailer=mailer)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def mailed(admin: Any) -> Callable[..., Any]:
    """Make an endpoint of mail."""

    def made(**fields: Any) -> Any:
        body = {"name": "mail", "form": "mail", "recipients": ["a@x.example", "b@x.example"]}
        return admin.post("/v1/notification-endpoints", {**body, **fields}, format="json")

    return made


def test_a_mail_arrives(host: Host, mailed: Callable[..., Any], sender: Sender) -> None:
    """At all recipients, once."""
    assert mailed().status_code == 201
    tell("The server cannot be reached.", link=LINK_A)
    sender.run()

    [mail], [row] = host.mails, Notification.objects.all()
    assert "Subject: Keeptrusts: failed: The server cannot be reached." in mail
    assert f"Message-ID: <{row.id}@keeptrusts.example>" in mail
    assert [line for line in host.commands if line.startswith("rcpt")] == [
        "rcpt TO:<a@x.example>", "rcpt TO:<b@x.example>",
    ]  # fmt: skip
    assert (row.status, row.log[0]["status"]) == ("delivered", 250)


@pytest.mark.parametrize(
    ("answers", "error", "status"),
    [
        ({"RCPT": "550 no such \x1b person"}, "not_accepted", 550),
        ({"DATA": "451 later"}, "not_accepted", 451),
        ({"MAIL": "530 log in"}, "not_accepted", 530),
        ({"rcpt TO:<b@x.example>": "550 no"}, "", 250),
        ({"EHLO": "nonsense", "HELO": "nonsense"}, "not_accepted", -1),
    ],
)
def test_what_the_host_refuses_is_tried_again(
    answers: dict[str, str], error: str, status: int, host: Host, mailed: Callable[..., Any],
    sender: Sender,
) -> None:  # fmt: skip
    """One recipient that it takes is enough: the others would get it twice."""
    host.answers = answers
    mailed()
    tell("x", link=LINK_A)
    sender.run()

    [row] = Notification.objects.all()
    assert (row.log[0]["error"], row.log[0]["status"]) == (error, status), row.log
    assert row.status == ("waiting" if error else "delivered")
    assert row.log[0]["answer"].isprintable()


def test_a_host_that_hangs_is_given_up(
    host: Host, mailed: Callable[..., Any], sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a host without STARTTLS gets nothing where that is wanted."""
    monkeypatch.setattr(smtp, "_STEP_SECONDS", 0.3)
    host.server.RequestHandlerClass = socketserver.BaseRequestHandler
    host.server.RequestHandlerClass.handle = lambda one: one.request.recv(1)  # type: ignore[method-assign]
    mailed()
    tell("x", link=LINK_A)
    sender.run()

    assert Notification.objects.get().log[0]["error"] in ("timeout", "unreachable")


class _Trickle(socketserver.StreamRequestHandler):
    """Answers well up to a step, and then a byte now and then, for a minute."""

    stalls_at = ""
    ended = threading.Event()

    def handle(self) -> None:
        if self.stalls_at == "greeting":
            return self.trickle()
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == self.stalls_at == "STARTTLS":
                self.wfile.write(b"220 go\r\n\x16\x03\x03\x40\x00")  # A record of 16 KiB.
            if word == self.stalls_at:
                return self.trickle()
            self.wfile.write(b"250-here\r\n250 STARTTLS\r\n" if word == "EHLO" else b"250 fine\r\n")
        return None

    def trickle(self) -> None:
        ends = time.monotonic() + 60
        try:
            while time.monotonic() < ends:
                self.wfile.write(b"2")
                time.sleep(0.05)
        except OSError:
            type(self).ended.set()


@pytest.mark.parametrize("step", ["greeting", "EHLO", "STARTTLS", "MAIL", "DATA"])
def test_a_host_that_trickles_keeps_no_thread(
    step: str, host: Host, mailed: Callable[..., Any], sender: Sender, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """In time at each step, and given up when all of it takes too long."""
    monkeypatch.setattr(smtp, "MAIL_SECONDS", 0.6)
    monkeypatch.setattr(_Trickle, "stalls_at", step)
    monkeypatch.setattr(_Trickle, "ended", threading.Event())
    host.server.RequestHandlerClass = _Trickle
    mailer = replace(settings.ENV.mailer, starttls=step == "STARTTLS")
    settings.ENV = replace(settings.ENV, mailer=mailer)
    mailed()
    tell("x", link=LINK_A)

    sender.run()

    assert Notification.objects.get().log[0]["error"] == "timeout"
    assert _Trickle.ended.wait(5)


def test_starttls_is_wanted(
    host: Host, mailed: Callable[..., Any], sender: Sender, settings: Any
) -> None:
    """A host that has none gets neither password nor mail."""
    mailer = replace(settings.ENV.mailer, starttls=True, user="u", password="p")
    settings.ENV = replace(settings.ENV, mailer=mailer)
    mailed()
    tell("x", link=LINK_A)
    sender.run()

    assert Notification.objects.get().log[0]["error"] == "unreachable"
    assert host.mails == []
    assert not [line for line in host.commands if line.startswith(("AUTH", "mail"))]


def test_mail_wants_a_host_and_recipients(
    host: Host, mailed: Callable[..., Any], settings: Any
) -> None:
    """Each is said by its field."""
    assert refusal(mailed(recipients=[])) == (400, ["recipients"])
    assert refusal(mailed(recipients=["a,b@x.example"])) == (400, ["recipients.0"])
    assert refusal(mailed(url="https://hooks.example/")) == (400, ["url"])
    settings.ENV = replace(settings.ENV, mailer=None)
    assert refusal(mailed()) == (400, ["form"])
