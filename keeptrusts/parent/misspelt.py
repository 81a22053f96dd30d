"""Variables that are called like a setting, and are none. Pure."""

from collections.abc import Iterable

from kt.policy.suggest import did_you_mean
from kt.policy.words import shown

_OURS = "KEEPTRUSTS_"
_OF_TESTS = f"{_OURS}TEST_"
_SETTINGS = (
    "BOOTSTRAP_TOKEN", "BOOTSTRAP_TOKEN_FILE", "CORS_ORIGINS", "CREDENTIAL_WARNING_DAYS",
    "DATA_DIR",
    "DECISION_HOURLY_MEBIBYTES", "DECISION_RETENTION_DAYS", "EVENTS_CONNECTIONS", "EVENTS_LISTEN",
    "EVENTS_URL", "EVENT_RETENTION_DAYS", "GATEWAY_OFFLINE_SECONDS", "GIT_ALLOWED_NETWORKS",
    "GIT_ALLOWED_REFS",
    "GIT_CA_FILE", "GIT_HOST_CALLS_PER_MINUTE", "GIT_HOST_CONCURRENCY", "GIT_NO_PROXY", "GIT_PROXY",
    "GIT_READER", "GIT_SCHEMES", "LISTEN", "LOG_FORMAT", "MIN_POLL_INTERVAL_SECONDS",
    "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
    "OIDC_CLIENT_SECRET_FILE", "OIDC_ISSUER", "OIDC_NAME", "OIDC_SCOPES", "PUBLIC_URL",
    "READY_LISTEN", "REQUESTS_PER_MINUTE", "SECRET_KEY", "SECRET_KEY_FILE", "SMTP_FROM",
    "SMTP_HOST", "SMTP_PASSWORD", "SMTP_PASSWORD_FILE", "SMTP_PORT", "SMTP_STARTTLS", "SMTP_USER",
    "TOKEN_MAX_DAYS", "WITNESSES",
)  # fmt: skip
# Whoever has these for `kt` in the same shell has misspelt nothing.
_OF_KT = (
    "API_TOKEN", "API_URL", "ENROLMENT_TOKEN", "GATEWAY_ADMIN_TOKEN", "GATEWAY_CLIENT_KEYS",
    "GATEWAY_CORS_ORIGINS", "GATEWAY_ID", "GATEWAY_MODELS", "GATEWAY_MODERATIONS",
    "GATEWAY_MODERATION_KEYS", "GATEWAY_TOKEN", "LIMITS_URL", "MAX_POLICY_AGE",
    "MOCK_UPSTREAM", "REPOSITORY", "SOURCE", "STATE_DIR",
)  # fmt: skip
KNOWN = frozenset(_OURS + name for name in (*_SETTINGS, *_OF_KT))
"""Every variable of the control plane, of `kt` and of its installer."""


def warnings(names: Iterable[str]) -> list[str]:
    """A line for each name that is no setting, with the one that is most likely meant.

    No value is told: it may be a secret under a wrong name.
    """
    unknown = sorted(
        name
        for name in names
        if name.startswith(_OURS) and name not in KNOWN and not name.startswith(_OF_TESTS)
    )
    return [
        f"warning: {shown(name)} is no setting, and is ignored; {_hint(name)}" for name in unknown
    ]


def _hint(name: str) -> str:
    # What all of them begin with would make any two look alike.
    meant = did_you_mean(name.removeprefix(_OURS), _SETTINGS)
    return meant.replace("'", f"'{_OURS}", 1) or "docs/operating.md has all of them"
