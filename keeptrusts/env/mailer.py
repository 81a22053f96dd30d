"""The SMTP host that notifications are mailed by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from keeptrusts.env.errors import EnvError
from keeptrusts.env.secret_values import secret
from keeptrusts.env.values import whole

_OF_MAIL = (
    "KEEPTRUSTS_SMTP_HOST", "KEEPTRUSTS_SMTP_PORT", "KEEPTRUSTS_SMTP_STARTTLS",
    "KEEPTRUSTS_SMTP_USER", "KEEPTRUSTS_SMTP_FROM",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mailer:
    """The SMTP host that notifications are mailed by; `user` is empty where it wants none."""

    host: str
    port: int
    starttls: bool
    user: str
    password: str = field(repr=False)
    sender: str


def mailer(environ: Mapping[str, str]) -> Mailer | None:
    """The host that `KEEPTRUSTS_SMTP_*` names; None where none of them is set."""
    given = {name: environ.get(name, "") for name in _OF_MAIL}
    password = secret(environ, "KEEPTRUSTS_SMTP_PASSWORD")
    if not any(given.values()) and not password:
        return None
    host, user = given["KEEPTRUSTS_SMTP_HOST"], given["KEEPTRUSTS_SMTP_USER"]
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host):
        raise EnvError("KEEPTRUSTS_SMTP_HOST: write the name or address of the host that mails")
    port = whole(given["KEEPTRUSTS_SMTP_PORT"] or "587", 65_535)
    if port is None:
        raise EnvError("KEEPTRUSTS_SMTP_PORT: write a number from 1 to 65535")
    starttls = given["KEEPTRUSTS_SMTP_STARTTLS"] or "true"
    if starttls not in ("true", "false"):
        raise EnvError("KEEPTRUSTS_SMTP_STARTTLS: write true or false")
    if not re.fullmatch(r"[^\s@<>,]{1,64}@[A-Za-z0-9.-]{1,253}", given["KEEPTRUSTS_SMTP_FROM"]):
        raise EnvError("KEEPTRUSTS_SMTP_FROM: write the address that mail comes from")
    if bool(user) != bool(password):
        raise EnvError("KEEPTRUSTS_SMTP_USER and KEEPTRUSTS_SMTP_PASSWORD: set both, or neither")
    if user and starttls == "false" and host not in ("127.0.0.1", "::1", "localhost"):
        raise EnvError("KEEPTRUSTS_SMTP_STARTTLS: without it a password goes to this machine alone")
    return Mailer(host, port, starttls == "true", user, password, given["KEEPTRUSTS_SMTP_FROM"])
