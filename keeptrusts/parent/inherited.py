"""The part of the environment of `manage.py up` that the processes of the stack get.

A shell, a CI job or a service manager has secrets of others there, and some that only the parent
needs. Whoever makes one process tell its environment learns nothing of those.
"""

from collections.abc import Mapping

# What a program needs wherever it runs: its paths, language, time, certificates.
_EVERYBODY = ("HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ", "USER")
_EVERYBODY_WITH = ("LC_", "LD_")
_OURS = (
    "DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "DJANGO_SETTINGS_MODULE",
    "VIRTUAL_ENV", "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)  # fmt: skip
# libpq's own settings, such as the file of a password, are settings of the database, and those of
# OpenTelemetry say where spans go.
_OURS_WITH = ("KEEPTRUSTS_", "OTEL_", "PG", "PYTHON")
_FIRST = {"KEEPTRUSTS_BOOTSTRAP_TOKEN", "KEEPTRUSTS_BOOTSTRAP_TOKEN_FILE"}
# One process makes the first token, and ends; the others are of `kt` in the same shell.
_NOT_OURS = _FIRST | {
    "KEEPTRUSTS_API_TOKEN", "KEEPTRUSTS_ENROLMENT_TOKEN",
    "KEEPTRUSTS_GATEWAY_ADMIN_TOKEN", "KEEPTRUSTS_GATEWAY_CLIENT_KEYS",
    "KEEPTRUSTS_GATEWAY_MODERATION_KEYS", "KEEPTRUSTS_GATEWAY_TOKEN", "KEEPTRUSTS_LIMITS_URL",
}  # fmt: skip
# People sign in at web, and nowhere else; pollers alone send mail.
_OF_ROLES: Mapping[str, frozenset[str]] = {
    "web": frozenset({"KEEPTRUSTS_OIDC_CLIENT_SECRET", "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE"}),
    "poller": frozenset(
        {"KEEPTRUSTS_SMTP_USER", "KEEPTRUSTS_SMTP_PASSWORD", "KEEPTRUSTS_SMTP_PASSWORD_FILE"}
    ),
}
_OF_ONE = frozenset[str]().union(*_OF_ROLES.values())


def by_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """What all processes of ours get."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _NOT_OURS | _OF_ONE
        if name in _EVERYBODY + _OURS or name.startswith(_EVERYBODY_WITH + _OURS_WITH)
    }


def by_role(role: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What a role gets besides, and no other."""
    own = _OF_ROLES.get(role, frozenset())
    return {name: value for name, value in environ.items() if name in own}


def by_first_token(environ: Mapping[str, str]) -> dict[str, str]:
    """What the process gets besides that makes the first token."""
    return {name: value for name, value in environ.items() if name in _FIRST}


def by_others(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program gets that is none of ours, such as the broker."""
    return {
        name: value
        for name, value in environ.items()
        if name in _EVERYBODY or name.startswith(_EVERYBODY_WITH)
    }
