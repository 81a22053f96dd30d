"""Keys that somebody gave, read by a judge: of ssh, of client certificates, and of Apps."""

from dataclasses import dataclass

from gitrepos.links import app_keys, client_certificates, ssh_keys


@dataclass(frozen=True, slots=True)
class Refused:
    """The field that cannot be used, and the end of a sentence that says why."""

    field: str
    message: str


def ssh_key(text: str, passphrase: str) -> tuple[str, str] | Refused:
    """A private key without its passphrase, and its public key; see `ssh_keys.read`."""
    try:
        return ssh_keys.read(text, passphrase=passphrase)
    except ValueError as exc:
        return Refused("private_key", str(exc))


def certificate(chain: str, key: str) -> tuple[str, str] | Refused:
    """A chain and its private key, as they are stored; see `client_certificates.read`."""
    try:
        return client_certificates.read(chain, key)
    except client_certificates.KeyMismatchError as exc:
        return Refused("client_key", str(exc))
    except ValueError as exc:
        return Refused("client_certificate", str(exc))


def app_key(text: str, _passphrase: str) -> tuple[str, str] | Refused:
    """The private key of an App, and the fingerprint of its public half; see `app_keys.read`."""
    try:
        return app_keys.read(text)
    except ValueError as exc:
        return Refused("private_key", str(exc))


FUNCTIONS = (ssh_key, certificate, app_key)


def warm_up() -> None:
    """Import what `cryptography` leaves for later."""
    ssh_key("", "")
    certificate("", "")
    app_key("", "")
