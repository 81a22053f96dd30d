"""Redis in hostile hands: values that none of our processes wrote, and a server that lies."""

import pickle
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

Command = list[bytes]


class Bomb:
    """A pickle that leaves a mark when it is read."""

    mark = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (Bomb.mark, "w"))


def values(mark: Path) -> dict[str, bytes]:
    """Hostile bytes by name; the pickles among them make the file `mark` when they are read."""
    Bomb.mark = str(mark)
    bombs = {f"a pickle {p}": pickle.dumps(Bomb(), p) for p in range(pickle.HIGHEST_PROTOCOL + 1)}
    return {**VALUES, **bombs}


_ROW = b'["2026-01-31T12:00:00Z", %b, {}, true]'
VALUES: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "text": b"x",
    "no text": b"\xff\xfe\x00",
    "a zero byte": b"\x00",
    "zero bytes": b"\x00" * 4096,
    "lines": b"a\r\nb\nc",
    "a terminal's": b"\x1b[2J\x1b]52;c;eA==\x07",
    "turned around": "\u202etxt.exe".encode(),
    "surrogates": b"\xed\xa0\x80",
    "too long": b"x" * 1_000_000,
    "zero": b"0",
    "one": b"1",
    "below zero": b"-5",
    "a fraction": b"1.5",
    "a time": b"1796000000.000",
    "a time far ahead": b"9999999999.999",
    "not a number": b"nan",
    "endless": b"inf",
    "endless below": b"-inf",
    "too large": b"1" * 400,
    "overflow": b"1e999",
    "more than 64 bits": b"18446744073709551616",
    "a number and more": b"1.0 ",
    "other digits": "٣.٣".encode(),
    "grouped": b"1_000",
    "hexadecimal": b"0x10",
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "a string": b'"x"',
    "an empty string": b'""',
    "a list": b"[]",
    "a list of null": b"[null]",
    "an object": b"{}",
    "an object of objects": b'{"a": {"b": {"c": {}}}}',
    "half": b'{"a": [',
    "two values": b"{}{}",
    "keys twice": b'{"id": 1, "id": 2}',
    "a prototype": b'{"__proto__": {"x": 1}, "__class__": "os.system"}',
    "nested": b"[" * 5000,
    "nested and closed": b"[" * 900 + b"]" * 900,
    "nan in json": b"[NaN, Infinity]",
    "escaped": b'"\\u0000\\ud800"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "a url": b"http://169.254.169.254/latest/meta-data/",
    "a path": b"../../../../etc/passwd",
    "an option": b"--upload-pack=id",
    "a command": b"$(id)`id`;id",
    "a format": b"%s%n{0.__class__}",
    "sql": b"' OR 1=1 --",
    "an expression": b"__import__('os').system('id')",
    "yaml": b"!!python/object/apply:os.system [id]",
    "a token": b"kt_" + b"A" * 43,
    "a seal": b"v1.00000000." + b"A" * 64,
    "a mac": b"0" * 64 + b"1796000000.000",
    "a uuid": b"00000000-0000-0000-0000-000000000000",
    "a row": _ROW % b'"[[null, null, null], \\"\\", []]"',
    "a row of null": _ROW % b"null",
    "a row of an odd essence": _ROW % b'"[["',
    "a row nested": _ROW % (b'"' + b"[" * 5000 + b'"'),
    "handed": b'["' + b"a" * 64 + b'", 1, "2026-01-31T12:00:00Z"]',
    "handed too far": b'["' + b"a" * 64 + b'", ' + b"9" * 30 + b', "2026-01-31T12:00:00Z"]',
}

# What a server may send in place of any answer.
ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "null": b"$-1\r\n",
    "null list": b"*-1\r\n",
    "null of RESP3": b"_\r\n",
    "ok": b"+OK\r\n",
    "queued": b"+QUEUED\r\n",
    "pong": b"+PONG\r\n",
    "an empty string": b"$0\r\n\r\n",
    "text": b"$1\r\nx\r\n",
    "no text": b"$3\r\n\xff\xfe\x00\r\n",
    "zero": b":0\r\n",
    "one": b":1\r\n",
    "below zero": b":-1\r\n",
    "too large": b":" + b"9" * 400 + b"\r\n",
    "digits without end": b":" + b"9" * 5000 + b"\r\n",
    "no number": b":abc\r\n",
    "a length that is none": b"$abc\r\nx\r\n",
    "a length below": b"$-2\r\nx\r\n",
    "a length too large": b"$99999999999999\r\nx",
    "a length too short": b"$1\r\nxyz\r\n",
    "a list of none": b"*abc\r\n",
    "an empty list": b"*0\r\n",
    "a list of null": b"*1\r\n$-1\r\n",
    "a list of numbers": b"*2\r\n:1\r\n:2\r\n",
    "a list of three": b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
    "a list of two": b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    "a list of four": b"*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
    "a list of lists": b"*2\r\n*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n",
    # A longer one takes a second to free what it promised; `test_redis.py` has one.
    "a list too long": b"*9999999\r\n",
    "nested": b"*1\r\n" * 5000,
    "a map": b"%1\r\n$1\r\na\r\n$1\r\nb\r\n",
    "a map of lists": b"%1\r\n*0\r\n*0\r\n",
    "a map of maps": b"%1\r\n$1\r\na\r\n%0\r\n",
    "a set": b"~1\r\n$1\r\na\r\n",
    "a true": b"#t\r\n",
    "a false": b"#f\r\n",
    "a double": b",1.5\r\n",
    "an endless double": b",inf\r\n",
    "no double": b",x\r\n",
    "a large number": b"(123456789012345678901234567890\r\n",
    "verbatim": b"=5\r\ntxt:x\r\n",
    "an attribute": b"|1\r\n$1\r\na\r\n$1\r\nb\r\n",
    "a push": b">2\r\n$7\r\nmessage\r\n$1\r\nx\r\n",
    "another place": b">4\r\n$6\r\nMOVING\r\n:1\r\n:5\r\n$14\r\n127.0.0.1:6379\r\n",
    "an invalidation": b">2\r\n$10\r\ninvalidate\r\n*-1\r\n",
    "an error": b"-ERR x\r\n",
    "an error of RESP3": b"!5\r\nERR x\r\n",
    "no error": b"-\r\n",
    "no text in an error": b"-\xff\xfe\r\n",
    "moved": b"-MOVED 1 127.0.0.1:6379\r\n",
    "ask": b"-ASK 1 127.0.0.1:6379\r\n",
    "loading": b"-LOADING x\r\n",
    "no script": b"-NOSCRIPT x\r\n",
    "read-only": b"-READONLY x\r\n",
    "full": b"-OOM x\r\n",
    "no login": b"-NOAUTH x\r\n",
    "wrong login": b"-WRONGPASS x\r\n",
    "no permission": b"-NOPERM x\r\n",
    "aborted": b"-EXECABORT x\r\n",
    "wrong type": b"-WRONGTYPE x\r\n",
    "too many": b"-ERR max number of clients reached\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "tls": b"\x15\x03\x01\x00\x02\x02\x28\r\n",
    "an unknown type": b"?x\r\n",
    "half a line": b"+OK",
    "half a string": b"$10\r\nabc",
    "half a list": b"*2\r\n$1\r\na\r\n",
    "two answers": b"+OK\r\n+OK\r\n",
}  # fmt: skip

_SETTING_UP = (b"HELLO", b"CLIENT", b"SELECT", b"AUTH")


class Liar:
    """A server that speaks Redis' protocol and answers as a test says.

    `answer` gets a command and returns bytes; a connection is set up as by any server, and closed
    after an answer that `ends`. A transaction's commands are queued when `queues`. With `goes_on`,
    bytes and a pause in seconds, an answer is followed by these until the client is gone.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Command], bytes] = lambda _: b"+OK\r\n"
        self.ends = True
        self.queues = False
        self.goes_on: tuple[bytes, float] | None = None
        self.sent = 0
        self.url = ""
        self.connections = 0

    def serve(self, read: BinaryIO, write: BinaryIO) -> None:
        """Answer the commands of one connection."""
        self.connections += 1
        while command := _command(read):
            name = command[0].upper()
            if name in _SETTING_UP:
                write.write(b"+OK\r\n" if name != b"HELLO" else b"*0\r\n")
            elif self.queues and name == b"MULTI":
                write.write(b"+OK\r\n")
            elif self.queues and name != b"EXEC":
                write.write(b"+QUEUED\r\n")
            else:
                write.write(self.answer(command))
                while self.goes_on:
                    self.sent += write.write(self.goes_on[0])
                    time.sleep(self.goes_on[1])
                if self.ends:
                    return


def _command(read: BinaryIO) -> Command:
    """The next command; empty at the end of a connection."""
    head = read.readline()
    if not head.startswith(b"*"):
        return []
    return [read.read(int(read.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]


@contextmanager
def lying() -> Iterator[Liar]:
    """A running `Liar`."""
    liar = Liar()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                liar.serve(self.rfile, self.wfile)
            except OSError:
                return  # The client is gone.

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        liar.url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield liar
        server.shutdown()
        thread.join()
