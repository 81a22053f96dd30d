"""Mail by the operator's SMTP host."""

import asyncio
import smtplib
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage

from django.conf import settings

from gitrepos.errors import TimedOutError, UnreachableError
from gitrepos.forge import tls
from keeptrusts.env.mailer import Mailer
from notifications.forms import mail
from notifications.forms.told import Told, plain
from notifications.sending.outcomes import NOT_ACCEPTED, Attempt

MAIL_SECONDS = 25.0
# Of each step that a server takes.
_STEP_SECONDS = 8.0
_ANSWER_CHARACTERS = 200
# The module blocks: a server that hangs keeps mail waiting and nothing else.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="mail")


class NoMailError(Exception):
    """No SMTP host is set here."""


async def send(told: Told, message_id: str, recipients: Sequence[str], at: datetime) -> Attempt:
    """Send a mail once; every failure of the host is an attempt that failed.

    Raises:
        NoMailError: there is no host.
    """
    mailer = settings.ENV.mailer
    if mailer is None:
        raise NoMailError("no mail is sent here: KEEPTRUSTS_SMTP_HOST is not set")
    message = mail.message(
        told, message_id, sender=mailer.sender, recipients=recipients, sent_at=at
    )
    began, loop, client = time.monotonic(), asyncio.get_running_loop(), _Client()
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            answer = await loop.run_in_executor(
                _threads, _sent, client, mailer, message, recipients
            )
        error, status = "", 250
    except smtplib.SMTPResponseException as exc:
        error, status, answer = NOT_ACCEPTED, exc.smtp_code, _text(exc.smtp_error)
    except smtplib.SMTPRecipientsRefused as exc:
        status, words = next(iter(exc.recipients.values()))
        error, answer = NOT_ACCEPTED, _text(words)
    except TimeoutError:
        client.give_up()
        error, status, answer = TimedOutError.code, None, "no answer in time"
    except (OSError, smtplib.SMTPException, ValueError) as exc:
        error, status, answer = UnreachableError.code, None, plain(str(exc), _ANSWER_CHARACTERS)
    return Attempt(at, time.monotonic() - began, error, status, answer)


class _Client(smtplib.SMTP):
    """A connection that another thread may end.

    A server that trickles is in time at each step, and would keep the thread for as long as it
    likes.
    """

    def __init__(self) -> None:
        super().__init__(timeout=_STEP_SECONDS)
        self._is_over = False
        self._wire: socket.socket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        # One of its own: TLS takes the other's descriptor while it begins.
        self._wire = made.dup()
        if self._is_over:
            made.close()
            raise TimeoutError
        return made

    def give_up(self) -> None:
        """End it, whatever is waited for."""
        self._is_over = True
        if self._wire is not None:
            with suppress(OSError):  # It ended by itself.
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        if self._wire is not None:
            self._wire.close()


def _sent(client: _Client, mailer: Mailer, message: EmailMessage, recipients: Sequence[str]) -> str:
    """Send it, and say whom the server refused; one recipient that it takes is enough."""
    try:
        client.connect(mailer.host, mailer.port)
        if mailer.starttls:
            client.starttls(context=tls.trusting(settings.ENV.git_ca_file))
        if mailer.user:
            client.login(mailer.user, mailer.password)
        refused = client.send_message(message, to_addrs=list(recipients))
    finally:
        with suppress(OSError, smtplib.SMTPException):  # It was sent, or failed, before that.
            client.quit()
        client.close()
    return plain(f"refused: {', '.join(refused)}", _ANSWER_CHARACTERS) if refused else ""


def _text(words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return plain(text, _ANSWER_CHARACTERS)
