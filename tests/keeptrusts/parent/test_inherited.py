"""What the processes of the stack get of an environment."""

import os

import pytest

from keeptrusts.parent import inherited, misspelt, roles

KEPT = [
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "PGPASSFILE",
    "PGSSLROOTCERT", "PYTHONPATH", "PYTHONUNBUFFERED",
    "KEEPTRUSTS_SECRET_KEY", "KEEPTRUSTS_SECRET_KEY_FILE", "KEEPTRUSTS_DATA_DIR",
    "KEEPTRUSTS_LISTEN", "KEEPTRUSTS_GIT_PROXY",
]  # fmt: skip
LEFT = [
    "KEEPTRUSTS_BOOTSTRAP_TOKEN", "KEEPTRUSTS_BOOTSTRAP_TOKEN_FILE", "KEEPTRUSTS_API_TOKEN",
    "KEEPTRUSTS_GATEWAY_TOKEN",
    "KEEPTRUSTS_ENROLMENT_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "OPENAI_API_KEY",
    "SSH_AUTH_SOCK", "http_proxy", "GIT_CONFIG_COUNT", "CELERY_BROKER_URL", "",
]  # fmt: skip
OF_WEB = ["KEEPTRUSTS_OIDC_CLIENT_SECRET", "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE"]
OF_POLLER = [
    "KEEPTRUSTS_SMTP_USER", "KEEPTRUSTS_SMTP_PASSWORD", "KEEPTRUSTS_SMTP_PASSWORD_FILE",
]  # fmt: skip
EVERYTHING = dict.fromkeys(KEPT + LEFT + OF_WEB + OF_POLLER, "x")


def test_our_processes_get_their_settings() -> None:
    """And no secret that only the parent needs, or that is somebody else's."""
    assert list(inherited.by_ours(EVERYTHING)) == KEPT


def test_web_alone_gets_the_secret_of_the_provider() -> None:
    """People sign in there; workers and event streams have no use for it, nor for its file."""
    assert list(inherited.by_role("web", EVERYTHING)) == OF_WEB


def test_pollers_alone_get_what_mail_is_sent_with() -> None:
    """Others know that there is a host, which is no secret."""
    assert list(inherited.by_role("poller", EVERYTHING)) == OF_POLLER
    assert inherited.by_role("syncer", EVERYTHING) == {}


def test_the_command_gives_it_to_web_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all parts that it starts."""
    monkeypatch.setenv("KEEPTRUSTS_OIDC_CLIENT_SECRET", "x")
    monkeypatch.setenv("KEEPTRUSTS_SMTP_PASSWORD", "y")
    given = {one.name: one.runs.environment for one in roles.parts(roles.ALL, os.environ)}

    assert given.pop("web") == {OF_WEB[0]: "x"}
    assert given.pop("poller") == {"KEEPTRUSTS_SMTP_PASSWORD": "y"}
    assert [*given.values()] == [{}] * 2


def test_the_broker_gets_no_setting_of_ours() -> None:
    """Neither the key that opens every secret, nor the database's url."""
    assert set(inherited.by_others(EVERYTHING)) == {
        "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(misspelt.KNOWN))
def test_every_setting_is_handed_on_or_is_a_token(name: str) -> None:
    """A new setting reaches the processes; a new token must be left out by name."""
    handed = name in {
        **inherited.by_ours({name: "x"}),
        **inherited.by_role("web", {name: "x"}),
        **inherited.by_role("poller", {name: "x"}),
    }
    of_others = ("_TOKEN", "_TOKEN_FILE", "_CLIENT_KEYS", "_LIMITS_URL", "_MODERATION_KEYS")
    is_secret_of_others = name.endswith(of_others)

    assert handed != is_secret_of_others
