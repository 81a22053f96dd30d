"""Judges as the process that asks sees them: where they come from, and how they end."""

import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from keeptrusts.judge import nursery, wire
from keeptrusts.judge.errors import JudgeFailedError

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
# A nursery forks, and ends what it forked, in milliseconds.
_REPLY_SECONDS = 20.0
_PACKET_BYTES = 64
_NOT_STARTED = "The judge cannot be started; the log says why."


class NurseryGoneError(Exception):
    """The nursery ended, or does not answer."""


class Judge:
    """A judge: `fresh` until it answered a question."""

    def __init__(self, home: "Nursery", pid: int, link: socket.socket) -> None:
        self._home, self._link = home, link
        self.pid, self.fresh = pid, True

    def ask(self, question: bytes, *, until: float) -> bytes:
        """The answer to a question, before the moment `until` (monotonic).

        Raises:
            OSError: the judge ended (ConnectionError), or the time is over (TimeoutError).
        """
        wire.send(self._link, question, until=until)
        return wire.receive(self._link, most=wire.MAX_ANSWER_BYTES, until=until)

    def end(self) -> int | None:
        """End the judge if it has not ended; its exit status, None where nobody knows it.

        The status is negative for the signal that ended it.
        """
        self._link.close()
        return self._home.ended(self.pid)


class Nursery:
    """The nursery of this process: one that asks for judges ends with this one, however it ends."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", nursery.__name__, str(theirs.fileno()), *modules],
                cwd=_ROOT,
                env={"LC_ALL": "C.UTF-8"},  # No secret of this process, and no setting.
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._control.settimeout(_START_SECONDS)
        try:
            word = self._control.recv(_PACKET_BYTES)
        except OSError as exc:
            self.close()
            raise JudgeFailedError(_NOT_STARTED) from exc
        if not word.startswith(nursery.READY):
            self.close()
            raise JudgeFailedError(_NOT_STARTED)
        if missing := word.removeprefix(nursery.READY).decode():
            log.warning("judges are confined by their limits alone", missing=missing.strip())
        self._control.settimeout(_REPLY_SECONDS)

    def judge(self) -> Judge:
        """A new judge.

        Raises:
            NurseryGoneError: there can be none from here.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = self._told(b"judge", theirs.fileno())
            except NurseryGoneError:
                ours.close()
                raise
        return Judge(self, pid, ours)

    def ended(self, pid: int) -> int | None:
        """End a judge; its exit status, None where the nursery is gone and the judge with it."""
        try:
            return self._told(b"%d" % pid)
        except NurseryGoneError:
            return None

    def close(self) -> None:
        """End the nursery and all its judges."""
        self._control.close()
        self.process.kill()
        self.process.wait()

    def _told(self, packet: bytes, *links: int) -> int:
        with self._lock:
            try:
                socket.send_fds(self._control, [packet], links)
                return int(self._control.recv(_PACKET_BYTES))
            except (OSError, ValueError) as exc:
                self._control.close()
                raise NurseryGoneError from exc
            except BaseException:
                # A time limit: an answer that comes late would be taken for the next one's.
                self._control.close()
                raise


class Judges:
    """The judges of this process for the functions of `modules`; the first starts the nursery.

    Of those that nobody asks, `kept` wait for the next question.
    """

    def __init__(self, modules: Sequence[str], *, kept: int = 2) -> None:
        self._modules, self._kept = modules, kept
        self._lock = threading.Lock()
        self._nursery: Nursery | None = None
        self._idle: list[Judge] = []

    def take(self, *, fresh: bool = False) -> Judge:
        """A judge that nobody asks, a new one if `fresh`; the caller gives it back, or ends it.

        Raises:
            JudgeFailedError: there is none, and none can be started.
        """
        with self._lock:
            if self._idle and not fresh:
                return self._idle.pop()
            if self._nursery is not None:
                try:
                    return self._nursery.judge()
                except NurseryGoneError:
                    log.warning("the nursery of judges is gone; another is started")
                    self._nursery.close()
            self._nursery = Nursery(self._modules)
            try:
                return self._nursery.judge()
            except NurseryGoneError as exc:
                raise JudgeFailedError("The judge ended as it was started.") from exc

    def give_back(self, judge: Judge) -> None:
        """Keep a judge for the next question, or end it where enough are kept."""
        judge.fresh = False
        with self._lock:
            if len(self._idle) < self._kept:
                self._idle.append(judge)
                return
        judge.end()

    def close(self) -> None:
        """End all judges."""
        with self._lock:
            while self._idle:
                self._idle.pop().end()
            if self._nursery is not None:
                self._nursery.close()
                self._nursery = None
