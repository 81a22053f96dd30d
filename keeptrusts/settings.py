"""Django settings, all derived from `keeptrusts.env`."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import dj_database_url
from corsheaders.defaults import default_headers

from keeptrusts.env import reading as _reading
from keeptrusts.env.errors import EnvError as _EnvError
from keeptrusts.env.secret_values import SQLITE as _SQLITE
from keeptrusts.observed import logs

# Imports make no garbage, and looking for it takes a tenth of their time. `keeptrusts.apps` has it
# looked for again once all is here.
gc.disable()
# What a process of ours writes is for its user alone, however it was started.
os.umask(0o077)
try:
    ENV = _reading.read(os.environ)
except _EnvError as exc:
    sys.exit(f"keeptrusts: {exc}")

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = ENV.secret_keys[0]
SECRET_KEY_FALLBACKS = list(ENV.secret_keys[1:])
DEBUG = False
# Every answer is JSON for a bearer of a token; no answer depends on the name it was asked under.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "corsheaders",
    "rest_framework",
    "keeptrusts",
    "evidence",
    "events",
    "access",
    "configurations",
    "gitrepos",
    "gateways",
    "notifications",
    "commitstatus",
    "openapi",
    "console",
    "django_htmx",
]
MIDDLEWARE = [
    "keeptrusts.api.requestid.middleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "console.assets.ServedFiles",
    "django.middleware.common.CommonMiddleware",  # Content-Length, which the server leaves out.
]
ROOT_URLCONF = "keeptrusts.urls"
WSGI_APPLICATION = "keeptrusts.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
        },
    }
]
# Files of pages are served as they lie in their packages: there is no step that collects them.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS, WHITENOISE_AUTOREFRESH = True, False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The sha256 of each credential there is, and classes of callers of the web beside people.
CREDENTIALS = ["access.tokens.digests", "gateways.registry.tokens.digests"]
DOORS = ["gitrepos.webhooks.deliveries.DOOR", "gateways.api.machine.DOOR"]

# What packages add to the page of metrics, to a rotation, to a doctor and to the health of all. By
# name: most processes never ask, and what answers is half of what they would import.
METRICS = [
    "keeptrusts.api.health.families", "evidence.gauges.families", "gitrepos.api.overview.families",
    "gateways.drift.gauges.families", "gateways.reports.measures.families",
    "notifications.measures.families", "commitstatus.measures.families",
]  # fmt: skip
RESEALERS = [
    "gitrepos.links.rotation.rotate", "gateways.signing.keys.reseal", "evidence.keys.reseal",
    "notifications.endpoints.secrets.reseal", "commitstatus.proofs.reseal",
]  # fmt: skip
DOCTORS = [
    "gitrepos.api.doctor.findings", "gateways.api.doctor.findings",
    "notifications.api.doctor.findings", "commitstatus.api.doctor.findings",
]  # fmt: skip
# What stands when a log of evidence begins: its first entries tell that.
STANDING = ["configurations.leaves.standing", "gateways.registry.leaves.standing"]
# What follows a restore: nobody works on its claims any more, and its log of evidence has a gap.
RESTORED = ["gitrepos.polling.claims.forget_all", "evidence.sealer.follow_restore"]
# What is looked for each second, by the task that is told where it is there.
DUE = {
    "gitrepos.tick": "gitrepos.polling.claims.due_rows",
    "gitrepos.sync_remote": "gitrepos.polling.waiting.overlooked",
    "gitrepos.expire_pins": "configurations.pins.due_rows",
    "evidence.seal": "evidence.sealer.due_rows",
    "notifications.send": "notifications.queue.claims.due_rows",
}
HEALTH = {"signing_key": "gateways.signing.keys.problem"}

# What the process of event streams answers, as a pattern of `METHOD /path`, and where web and that
# process take the connections that they pass on to each other.
STREAMS = "gateways.api.streams.STREAMS"
WEB_INLET, STREAMS_INLET = ENV.data_dir / "web.sock", ENV.data_dir / "events.sock"

# Where people sign in: with a token in a form, and where their provider sends them back to.
SIGN_IN_PATHS = ("/sign-in", "/sign-in/oidc/callback")

# Gives a document of an issuer of JWTs, and what its endpoint for tokens answers, by the operator's
# terms for calls to others.
ISSUER_DOCUMENTS = "gitrepos.api.issuers.fetch"
ISSUER_TOKENS = "gitrepos.api.issuers.post"

# A policy of 1 MiB may grow sixfold as a JSON string; the fields have limits of their own.
MAX_BODY_BYTES = 8 << 20
# A form of the console may have a policy in it, each byte of which is three there.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Batches of remotes that one poller may wait for at once.
POLLS_AT_ONCE = 16
# Remotes that one syncer works on at once. Most of that is waiting for forges.
SYNCS_AT_ONCE = 8

CORS_ALLOWED_ORIGINS = list(ENV.cors_origins)
CORS_ALLOW_HEADERS = [
    *default_headers, "if-none-match", "if-match", "idempotency-key", "last-event-id",
    "x-request-id",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "ETag", "Location", "Idempotent-Replayed", "Retry-After", "X-Request-Id", "RateLimit",
    "RateLimit-Policy", "Deprecation", "Sunset", "Link", "Keeptrusts-Next-Cursor",
]  # fmt: skip

# Django's own SQLite settings lose a fifth of concurrent writes to "database is locked".
_SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}
# The url's own win. A server that is gone, or behind a cut network, is given up in seconds.
_POSTGRES_OPTIONS = {
    "connect_timeout": 2,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def _database() -> dict[str, Any]:
    if not ENV.database_url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(ENV.data_dir / _SQLITE),
            "CONN_MAX_AGE": None,
            "OPTIONS": _SQLITE_OPTIONS,
        }
    database: dict[str, Any] = dict(
        dj_database_url.parse(ENV.database_url, conn_max_age=600, conn_health_checks=True)
    )
    if database["ENGINE"].endswith("sqlite3"):
        database["OPTIONS"] = _SQLITE_OPTIONS
    else:
        database["ENGINE"] = "keeptrusts.postgres"
        database["OPTIONS"] = {**_POSTGRES_OPTIONS, **database.get("OPTIONS", {})}
    return database


DATABASES = {"default": _database()}

REDIS_URL = ENV.redis_url or f"unix://{ENV.data_dir / 'redis.sock'}"
# Django's caches unpickle what they hold, so there is none.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["access.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["access.authentication.MayAct"],
    "DEFAULT_RENDERER_CLASSES": ["keeptrusts.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["keeptrusts.api.rendering.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "keeptrusts.api.rendering.AlwaysJSON",
    "EXCEPTION_HANDLER": "keeptrusts.api.errors.answer",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}

# Where each is told, every field says whether it may be empty.
SPECTACULAR_SETTINGS = {
    "TITLE": "Keeptrusts",
    "DESCRIPTION": (
        "Policies for gateways to language models, kept as code: synced from git, put in force,"
        " proven. Results stand under `data`, errors under `error`. Times are in UTC. A field or"
        " query parameter that is not known is an error. HEAD is answered as GET is, without a"
        " body; OPTIONS with 204 and `Allow`; a method that a path lacks with 405"
        " `method_not_allowed`. Each answer has `X-Request-Id`, and that to a token `RateLimit` and"
        " `RateLimit-Policy`. With `fields` the rows of a list have these members alone."
    ),
    "VERSION": "",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "ENFORCE_NON_BLANK_FIELDS": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
    "DISABLE_ERRORS_AND_WARNINGS": True,
}

LOGGING = logs.dict_config(ENV.log_format)
