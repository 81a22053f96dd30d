"""TLS contexts of calls to forges: whom they trust, and the client certificate that they show.

Authorities are read again when their files change, so that no process has to be started anew.
"""

import functools
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from gitrepos.forge.secret import Certificate

log = structlog.get_logger(__name__)

_CERTIFICATES = 128
_KEPT = 8

# A file's time, size and number; None for one that is not there.
_State = tuple[int, int, int] | None
_Bundle = tuple[bytes | None, tuple[_State, ...]]
# By path, what was read last and could be used.
_good: dict[str, bytes] = {}


def trusting(ca_file: str) -> ssl.SSLContext:
    """The context for the system's authorities and those of `ca_file`, made once for each state.

    It takes longer to make than most answers.
    """
    return _trusting(_bundle(ca_file))


def presenting(ca_file: str, certificate: Certificate) -> ssl.SSLContext:
    """The context for a `ca_file` and a client certificate; its connections are its own.

    Raises:
        OSError: the library takes no such key.
    """
    return _presenting(_bundle(ca_file), certificate)


@functools.lru_cache(maxsize=_KEPT)
def _trusting(bundle: _Bundle) -> ssl.SSLContext:
    return _made(bundle[0])


@functools.lru_cache(maxsize=_CERTIFICATES)
def _presenting(bundle: _Bundle, certificate: Certificate) -> ssl.SSLContext:
    tls = _made(bundle[0])
    with _file(f"{certificate.key}\n{certificate.chain}".encode()) as path:
        tls.load_cert_chain(path)
    return tls


def _bundle(ca_file: str) -> _Bundle:
    return _read(ca_file, _state(ca_file)) if ca_file else None, tuple(map(_state, _system()))


@functools.cache
def _system() -> tuple[str, str]:
    """The file and the folder of the system's authorities; the library was built with them."""
    paths = ssl.get_default_verify_paths()
    return paths.openssl_cafile, paths.openssl_capath


@functools.lru_cache(maxsize=_KEPT)
def _read(ca_file: str, state: _State) -> bytes:
    """The authorities of a file in this state; those before, while it cannot be used."""
    try:
        authorities = Path(ca_file).read_bytes()
        _made(authorities)
    except OSError as exc:
        if ca_file not in _good:
            raise
        log.warning("authorities cannot be read; those before stay trusted", error=str(exc))
        return _good[ca_file]
    _good[ca_file] = authorities
    return authorities


def _state(path: str) -> _State:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _made(authorities: bytes | None) -> ssl.SSLContext:
    tls = ssl.create_default_context()
    if authorities is not None:
        with _file(authorities) as path:
            tls.load_verify_locations(path)
    return tls


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A path, which is all that the library reads; the file is in memory."""
    with os.fdopen(os.memfd_create("keeptrusts"), "w+b", buffering=0) as file:
        file.write(content)
        yield f"/proc/self/fd/{file.fileno()}"
