"""Children of a fork server, as the process that asks for them sees them."""

import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NamedTuple

_SERVER = "keeptrusts.parent.forkserver"
READY = b"ready"
PACKET_BYTES = 65_536
# It imports what all parts need, which a busy machine takes its time for.
_START_SECONDS = 120.0
# A fork, or the burial of a child that ended, takes milliseconds.
_REPLY_SECONDS = 30.0


class Start(NamedTuple):
    """A child to be forked: `module:function`, called with `arguments`; it is shown as `name`.

    `environment` is what it has beside the server's.
    """

    name: str
    function: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class ForkedProcess:
    """A child of a fork server, with what of `subprocess.Popen` a supervisor needs."""

    def __init__(self, server: "ForkServer", pid: int, stdout: IO[bytes]) -> None:
        self.pid, self.stdout = pid, stdout
        self._server = server
        # Until the server is asked for its status, the id is this child's.
        self._handle = os.pidfd_open(pid)
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._ended(0)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        while (status := self._ended(60_000)) is None:
            pass
        return status

    def terminate(self) -> None:
        """Ask it to end.

        Raises:
            ProcessLookupError: it has ended.
        """
        if self._status is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._handle, signal.SIGTERM)

    def _ended(self, milliseconds: int) -> int | None:
        if self._status is None:
            ends = select.poll()
            ends.register(self._handle, select.POLLIN)
            if not ends.poll(milliseconds):
                return None
            self._status = self._server.status(self.pid)
            os.close(self._handle)
        return self._status


class ForkServer:
    """The fork server of this process; one that ended is started again with the next child.

    `launch` starts a command, with a descriptor that it inherits. Children run functions of
    `modules`.
    """

    def __init__(
        self,
        launch: Callable[[Sequence[str], int], "subprocess.Popen[bytes]"],
        modules: Sequence[str],
    ) -> None:
        self._launch, self._modules = launch, modules
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_ready = False

    def begin(self) -> None:
        """Start it, if it does not run. It imports while the caller does something else.

        Raises:
            OSError: its command cannot be run.
        """
        if self._control is not None and self._process and self._process.poll() is None:
            return
        self.end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", _SERVER, str(number), *self._modules]
            self._process = self._launch(command, number)
        self._control = ours

    def fork(self, start: Start) -> ForkedProcess:
        """A child that runs a function.

        Raises:
            OSError: there can be none.
        """
        ours, theirs = os.pipe()
        stdout = os.fdopen(ours, "rb")
        try:
            self.begin()
            self._wait_until_ready()
            pid = self._told(json.dumps(start._asdict()).encode(), theirs)
            return ForkedProcess(self, pid, stdout)
        except OSError:
            stdout.close()
            raise
        finally:
            os.close(theirs)

    def status(self, pid: int) -> int:
        """The exit status of a child that ended; that of a kill where the server ended, too."""
        try:
            return self._told(b"%d" % pid)
        except OSError:
            return -signal.SIGKILL

    def end(self) -> None:
        """End the server, and whatever children it has left."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control, self._process, self._is_ready = None, None, False

    def _wait_until_ready(self) -> None:
        if not self._is_ready:
            self._received(_START_SECONDS)
            self._is_ready = True

    def _told(self, packet: bytes, *outputs: int) -> int:
        if self._control is None:
            raise _gone()
        try:
            socket.send_fds(self._control, [packet], outputs)
            return int(self._received(_REPLY_SECONDS))
        except OSError:
            # An answer that comes late would be taken for the next one's.
            self.end()
            raise

    def _received(self, seconds: float) -> bytes:
        assert self._control is not None
        self._control.settimeout(seconds)
        packet = self._control.recv(PACKET_BYTES)
        if not packet:
            raise _gone()
        return packet


def _gone() -> OSError:
    return OSError(errno.ECHILD, "the fork server ended; its lines above say why")
