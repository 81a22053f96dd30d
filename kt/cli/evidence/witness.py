"""`kt witness`: sign what logs of evidence grow to, and refuse what does not grow.

It speaks C2SP's tlog-witness, without TLS: it stands behind a proxy, or on a private network.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

from kt.cli.errors import CommandError
from kt.cli.evidence import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from kt.evidence.notes import Checkpoint, Verifier

_MOST_BODY_BYTES = 1 << 20
_PATIENCE_SECONDS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--name", required=True, metavar="N", help="the witness's name, as witness.example/1")
    add("--state", required=True, metavar="F", help="its key and what it signed last; kept")
    add(
        "--log",
        action="append",
        default=[],
        metavar="KEY",
        help="the key of a log, as its files of evidence have it; more than once for several",
    )
    add("--listen", default="127.0.0.1:8090", metavar="HOST:PORT", help="default: 127.0.0.1:8090")


def run(options: argparse.Namespace) -> int:
    """Serve until somebody ends it; the first line is the witness's public key."""
    files.needed()
    witness = WitnessKeeper(
        options.name, options.state, files.keys(options.log, of_witnesses=False)
    )
    host, port = _listener(options.listen)
    with HTTPServer((host, port), handler(witness)) as server:
        print(f"{witness.verifier.text()}\nhttp://{host}:{server.server_port}", flush=True)
        server.serve_forever()
    return 0


def _listener(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        raise CommandError(f"--listen takes HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)


class WitnessKeeper:
    """What one witness signed last, kept in a file that is written before anything is signed."""

    def __init__(self, name: str, path: str, logs: Sequence[Verifier]) -> None:
        from kt.evidence.notes import COSIGNATURE, Verifier, public_of

        self._path, self._logs = path, logs
        self._key, self._known = _state(path)
        self.verifier = Verifier(name, public_of(self._key), COSIGNATURE)
        self._save()

    def asked(self, body: bytes) -> tuple[int, str]:
        """The status and the text that answer a log."""
        from kt.evidence import notes, witnessing

        try:
            request = witnessing.read(body)
        except notes.NoteError:
            return 400, ""
        found = witnessing.judge(request, self._logs, self._known)
        if isinstance(found, witnessing.Refused):
            return found.status, "" if found.size is None else f"{found.size}\n"
        self._known[found.origin] = found
        self._save()
        at = int(time.time())
        signed = notes.cosign(request.note.body, self.verifier.name, self._key, at=at)
        return 200, signed.line()

    def _save(self) -> None:
        from kt.gateway.managed.files import replace

        key = base64.b64encode(self._key.private_bytes_raw()).decode()
        known = {one.origin: [one.size, one.root.hex()] for one in self._known.values()}
        try:
            replace(self._path, json.dumps({"key": key, "known": known}).encode())
        except OSError as exc:
            raise CommandError(f"{self._path}: {exc.strerror}") from exc


def _state(path: str) -> tuple[Ed25519PrivateKey, dict[str, Checkpoint]]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from kt.evidence.notes import Checkpoint

    if not os.path.lexists(path):
        return Ed25519PrivateKey.generate(), {}
    try:
        stored = json.loads(files.read(path))
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["key"], validate=True))
        known = {
            origin: Checkpoint(origin, int(size), bytes.fromhex(root))
            for origin, (size, root) in stored["known"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        # Begun anew it would sign another past of the same log.
        raise CommandError(f"{path}: damaged; restore it, or begin with another name") from exc
    return key, known


def handler(witness: WitnessKeeper) -> type[BaseHTTPRequestHandler]:
    """The server's half: what asks the witness, over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path.rpartition("/")[2] != "add-checkpoint":
                self._answer(404, "")
            elif not length.isdecimal() or int(length) > _MOST_BODY_BYTES:
                self._answer(413 if length.isdecimal() else 411, "")
            else:
                self._answer(*witness.asked(self.rfile.read(int(length))))

        def _answer(self, status: int, text: str) -> None:
            data = text.encode()
            self.send_response(status)
            kind = "text/x.tlog.size" if status == 409 else "text/plain; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing of each request: a log asks every few seconds."""

    return Handler
