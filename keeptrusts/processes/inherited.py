"""The part of the environment of `manage.py up` that the processes of the stack get.

A shell, a CI job or a service manager has secrets of others there, and some that only the parent
needs. Whoever makes one process tell its environment learns nothing of those.
"""

from collections.abc import Mapping

# What a program needs wherever it runs: its paths, language, time, certificates.
_EVERYBODY = ("HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ", "USER")
_EVERYBODY_WITH = ("LC_", "LD_")
_OURS = (
    "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)  # fmt: skip
# libpq's own settings, such as the file of a password, are settings of the database.
_OURS_WITH = ("KEEPTRUSTS_", "PG", "PYTHON")
# The parent makes the first token; the others are of `kt` in the same shell.
_NOT_OURS = {
    "KEEPTRUSTS_API_TOKEN", "KEEPTRUSTS_BOOTSTRAP_TOKEN", "KEEPTRUSTS_ENROLMENT_TOKEN",
    "KEEPTRUSTS_GATEWAY_ADMIN_TOKEN", "KEEPTRUSTS_GATEWAY_CLIENT_KEYS",
    "KEEPTRUSTS_GATEWAY_MODERATION_KEYS", "KEEPTRUSTS_GATEWAY_TOKEN", "KEEPTRUSTS_LIMITS_URL",
}  # fmt: skip
# People sign in at web, and nowhere else.
_OF_WEB = {"KEEPTRUSTS_OIDC_CLIENT_SECRET", "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE"}


def by_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """What events, workers and beat get."""
    return {name: value for name, value in by_web(environ).items() if name not in _OF_WEB}


def by_web(environ: Mapping[str, str]) -> dict[str, str]:
    """What web gets."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _NOT_OURS
        if name in _EVERYBODY + _OURS or name.startswith(_EVERYBODY_WITH + _OURS_WITH)
    }


def by_others(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program gets that is none of ours, such as the broker."""
    return {
        name: value
        for name, value in environ.items()
        if name in _EVERYBODY or name.startswith(_EVERYBODY_WITH)
    }
