"""The server that the tests' stand-ins for others' services run in."""

import socket
from http.server import ThreadingHTTPServer


class HTTPServer(ThreadingHTTPServer):
    """One thread a connection; none of them outlives the process.

    As many may come at once as any test opens: where the queue of five that Python's own has is
    full, Linux drops what comes, and the client tries again a second or more later.
    """

    daemon_threads = True
    request_queue_size = 128

    def shutdown(self) -> None:
        """End now: without a connection, Python's own looks only now and then whether it should."""
        if self.socket.fileno() >= 0:  # It may be closed by now.
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()
