"""TLS contexts of calls to forges: whom they trust, and the client certificate that they show."""

import functools
import os
import ssl

from gitrepos.forge.secret import Certificate

_CERTIFICATES = 128


@functools.cache
def trusting(ca_file: str) -> ssl.SSLContext:
    """The context for a `ca_file`, made once a process: it takes longer than most answers."""
    return _made(ca_file)


@functools.lru_cache(maxsize=_CERTIFICATES)
def presenting(ca_file: str, certificate: Certificate) -> ssl.SSLContext:
    """The context for a `ca_file` and a client certificate; its connections are its own.

    Raises:
        OSError: the library takes no such key.
    """
    tls = _made(ca_file)
    # The library reads files alone; this one is in memory.
    with os.fdopen(os.memfd_create("keeptrusts"), "w+b", buffering=0) as file:
        file.write(f"{certificate.key}\n{certificate.chain}".encode())
        tls.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return tls


def _made(ca_file: str) -> ssl.SSLContext:
    tls = ssl.create_default_context()
    if ca_file:
        tls.load_verify_locations(ca_file)
    return tls
