"""Failures of connections, translated: what the server ended TLS for. Tables."""

import ssl

import aiohttp
import pytest

from gitrepos.forge import failures
from gitrepos.forge.addresses import parse

URL = parse("https://git.example/a.git", schemes=["https"])


def alert(reason: str) -> ssl.SSLError:
    """An error of the TLS library."""
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


REASONS = [
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "auth_failed"),
    ("SSLV3_ALERT_BAD_CERTIFICATE", "auth_failed"),
    ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "auth_failed"),
    ("SSLV3_ALERT_CERTIFICATE_REVOKED", "auth_failed"),
    ("TLSV1_ALERT_UNKNOWN_CA", "auth_failed"),
    ("TLSV1_ALERT_ACCESS_DENIED", "auth_failed"),
    ("SSLV3_ALERT_HANDSHAKE_FAILURE", "unreachable"),
    ("TLSV1_ALERT_PROTOCOL_VERSION", "unreachable"),
    ("WRONG_VERSION_NUMBER", "unreachable"),
    ("UNKNOWN_CA", "unreachable"),
]


@pytest.mark.parametrize(("reason", "code"), REASONS)
def test_an_alert_about_the_client_is_about_its_credential(reason: str, code: str) -> None:
    """Wherever the library raises it, and whatever it is wrapped into."""
    caused = aiohttp.ClientOSError(1, "ended")
    caused.__cause__ = alert(reason)

    assert failures.translated(alert(reason), URL).code == code
    assert failures.translated(caused, URL).code == code
