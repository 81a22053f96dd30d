"""TLS as the system and `SSL_CERT_FILE` have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kt.cli.client.controlplane import ControlPlane
from kt.cli.errors import CommandError
from tests.kt.cli.answering import Answers
from tests.support.tls import Authority


@pytest.fixture
def https(tmp_path: Path, answers: Answers) -> str:
    """The url of a server whose authority this machine does not know."""
    answers.wear(Authority(tmp_path / "tls").server)
    answers.says("/v1/tokens", [])
    return answers.url.replace("http:", "https:")


def test_an_authority_may_be_named(
    https: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variable that other programs read as well."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls" / "ca.pem"))

    assert ControlPlane(https, "s3cret").rows("/v1/tokens") == []


def test_an_unknown_authority_is_shown_no_token(https: str, answers: Answers) -> None:
    """And the reason is told."""
    with pytest.raises(CommandError, match=r"no answer: .*certificate verify failed"):
        ControlPlane(https, "s3cret").rows("/v1/tokens")

    assert answers.requests == []
