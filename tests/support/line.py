"""A network between a program and its server, which may swallow, forget, cut or delay."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

Address = str | tuple[str, int]


class Line:
    """Forwards TCP connections to a server's address, a path or a host with its port.

    What is called for the address chooses it for each connection, as a balancer does.
    While it is silent, what is sent on it goes nowhere and nothing is closed: whoever waits for an
    answer waits on, and connections are made as before.
    """

    def __init__(
        self, address: Address | Callable[[], Address], *, host: str = "127.0.0.1"
    ) -> None:
        self._address, self._host = address, host
        self._open = threading.Event()
        self._open.set()
        self._delay_seconds = 0.0
        self._listener = socket.create_server((host, 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()

    def __enter__(self) -> "Line":
        self._listen()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._open.set()

    @property
    def connections(self) -> int:
        """The number of connections that the near side holds open.

        Of the end of one that was forgotten the far side does not hear, and keeps its own part.
        """
        with self._lock:
            return sum(not pair.was_left for pair in self._pairs)

    def swallow(self) -> None:
        """Let nothing pass from now on."""
        self._open.clear()

    def forget(self) -> None:
        """Swallow, and never again let anything pass on the connections that there are now.

        So does a router that lost its table: neither end hears of it.
        """
        self.swallow()
        with self._lock:
            for pair in self._pairs:
                pair.is_forgotten = True

    def slow(self, seconds: float) -> None:
        """Delay whatever passes."""
        self._delay_seconds = seconds

    def cut(self) -> None:
        """Reset all connections, and refuse others."""
        # `close` alone would leave the thread that accepts on it.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Reset all connections; others are made as before."""
        with self._lock:
            pairs = tuple(self._pairs)
        for pair in pairs:
            pair.reset()

    def mend(self) -> None:
        """Let everything pass again; what was swallowed is late, not lost."""
        self._delay_seconds = 0.0
        if self._listener.fileno() < 0:
            self._listener = socket.create_server((self._host, self.port), backlog=100)
            self._listen()
        self._open.set()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(_Pair(near),), daemon=True).start()

    def _join(self, pair: "_Pair") -> None:
        with self._lock:
            self._pairs.add(pair)
        try:
            if pair.is_given_up(self._open):
                return
            with contextlib.suppress(OSError):
                pair.join(self._address() if callable(self._address) else self._address)
                back = threading.Thread(target=self._pass, args=(pair, pair.far, pair.near))
                back.daemon = True
                back.start()
                self._pass(pair, pair.near, pair.far)
                back.join()
        finally:
            pair.close()
            with self._lock:
                self._pairs.discard(pair)

    def _pass(self, pair: "_Pair", source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._open.wait()
                time.sleep(self._delay_seconds)
                if not pair.is_forgotten:
                    target.sendall(data)
        # The end of a connection that is forgotten is not heard of either.
        if pair.is_forgotten:
            return
        self._open.wait()
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Pair:
    """The two sides of a connection that passes."""

    def __init__(self, near: socket.socket) -> None:
        self.near = near
        self.far = socket.socket()
        self.is_forgotten = False

    @property
    def was_left(self) -> bool:
        """Whether the near side is closed, whatever it sent before that nobody has read yet."""
        if self.near.fileno() < 0:
            return True
        ends = select.poll()
        ends.register(self.near, select.POLLRDHUP)
        return bool(ends.poll(0))

    def is_given_up(self, is_open: threading.Event) -> bool:
        """Whether the near side left before the network passed anything."""
        while not is_open.wait(0.2):
            if self.was_left:
                return True
        return False

    def join(self, address: Address) -> None:
        """Connect the far side."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.far.close()
        self.far = socket.socket(family)
        self.far.connect(address)

    def reset(self) -> None:
        """End both sides as a host does that knows nothing of them."""
        for one in (self.near, self.far):
            with contextlib.suppress(OSError):
                if one.family == socket.AF_INET:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close both sides."""
        self.near.close()
        self.far.close()
