"""The configuration by which git reaches a server over https: authorities, certificate, proxy."""

import ssl
from collections.abc import Callable
from pathlib import Path

from gitrepos.forge.proxy import Proxy
from gitrepos.forge.secret import Certificate

_AUTHORITIES = "/etc/ssl/certs"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

# Keeps content in a file while git runs, and gives its path.
Keep = Callable[[bytes], str]


def config(
    proxy: Proxy, *, ca_file: str, certificate: Certificate | None = None, keep: Keep
) -> str:
    """Lines of the section `http`.

    `ca_file`, the path of authorities besides the system's, may be empty. The server is shown
    `certificate`.

    Source: git-config(1), `http.*`.
    """
    lines = []
    if ca_file:
        # The file takes the place of the system's own, which remain as a folder.
        folder = ssl.get_default_verify_paths().capath or _AUTHORITIES
        lines += [f"sslCAInfo = {_text(ca_file)}", f"sslCAPath = {_text(folder)}"]
    if certificate is not None:
        chain, key = keep(certificate.chain.encode()), keep(certificate.key.encode())
        lines += [f"sslCert = {_text(chain)}", f"sslKey = {_text(key)}"]
    if proxy.scheme:
        # Of every way to prove oneself this is the one that our own calls have.
        lines += [f"proxy = {_text(proxy.text)}", "proxyAuthMethod = basic"]
    if proxy.scheme == "https" and ca_file:
        # For the proxy there is no such folder.
        lines.append(f"proxySSLCAInfo = {_text(keep(_bundle(ca_file)))}")
    return "".join(f"\t{line}\n" for line in lines)


def quoted(text: str) -> str:
    """A text as it stands between quotes in a configuration."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _text(text: str) -> str:
    return f'"{quoted(text)}"'


def _bundle(ca_file: str) -> bytes:
    """The system's authorities and those of `ca_file`, in PEM."""
    system = ssl.get_default_verify_paths().cafile or _BUNDLE
    files = [Path(path) for path in (system, ca_file)]
    return b"\n".join(file.read_bytes() for file in files if file.exists())
