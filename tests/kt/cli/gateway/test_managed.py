"""Options of `kt gateway run` about a control plane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kt.gateway.support import free_port

Run = Callable[..., tuple[int, str, str]]
TOKEN = f"ktg_{'f' * 43}.{'s' * 43}"
URL = "https://control.example"


@pytest.mark.parametrize("command", [("gateway", "run"), ("run",)])
def test_a_gateway_needs_a_policy_or_a_control_plane(
    kt: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Whichever way the command is called."""
    monkeypatch.delenv("KEEPTRUSTS_API_URL", raising=False)
    code, _, err = kt(*command)

    assert code == 2
    assert "--policy-config" in err
    assert "--api-url" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--api-url", URL], "--gateway-id"),
        (["--api-url", URL], "--policy-config"),
        (["--api-url", "control.example", "--gateway-id", "a"], "no url of a control plane"),
        (["--api-url", "http://control.example", "--gateway-id", "a"], "not https"),
        (["--api-url", "https://u:p@control.example", "--gateway-id", "a"], "carries a user"),
        (["--api-url", URL, "--gateway-id", "../a"], "the gateway's id"),
        (["--api-url", URL, "--gateway-id", "a", "--gateway-token", "x"], "begin with ktg_"),
        (
            ["--api-url", URL, "--gateway-id", "a", "--enrolment-token", TOKEN],
            "begin with kte_",
        ),
        (["--policy-config", "p.yaml", "--managed"], "not both"),
        (["--policy-config", "p.yaml", "--api-url", URL], "not both"),
        (["--managed"], "--api-url"),
    ],
)
def test_what_cannot_be_used_stops_the_start(
    kt: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """With a word on what is wrong, and without the token."""
    monkeypatch.delenv("KEEPTRUSTS_API_URL", raising=False)
    code, out, err = kt("gateway", "run", *arguments)

    assert (code, out) == (2, "")
    assert message in err
    assert "s" * 43 not in err


def test_a_policy_file_wins_over_variables(
    kt: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which a shell may have for other commands."""
    monkeypatch.setenv("KEEPTRUSTS_API_URL", "nonsense")
    code, _, err = kt("gateway", "run", "--policy-config", "bad.yaml", "--port", "0")

    assert code == 2
    assert "a port is a number" in err


def test_a_managed_gateway_needs_a_token(kt_process: Run, tmp_path: Path) -> None:
    """Unless an earlier start got one."""
    code, _, err = kt_process(
        "run", "--managed", "--api-url", URL, "--gateway-id", "a", "--state-dir", str(tmp_path),
        "--listen", f"127.0.0.1:{free_port()}",
    )  # fmt: skip

    assert code == 2
    assert "KEEPTRUSTS_GATEWAY_TOKEN" in err
    assert "KEEPTRUSTS_ENROLMENT_TOKEN" in err


@pytest.mark.parametrize(
    ("given", "variable", "source"),
    [
        (["--gateway-token-file", "{}"], "", "{}"),
        (["--gateway-token-file", "{}"], "KEEPTRUSTS_GATEWAY_TOKEN", "{}"),
        (["--gateway-token", "nonsense"], "KEEPTRUSTS_GATEWAY_TOKEN", "--gateway-token"),
        ([], "KEEPTRUSTS_GATEWAY_TOKEN", "KEEPTRUSTS_GATEWAY_TOKEN"),
        (["--enrolment-token", "nonsense"], "", "--enrolment-token"),
        ([], "KEEPTRUSTS_ENROLMENT_TOKEN", "KEEPTRUSTS_ENROLMENT_TOKEN"),
    ],
)
@pytest.mark.parametrize("content", ["nonsense", ""])
def test_a_token_that_is_none_is_named_by_where_it_came_from(
    kt: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], variable: str,
    source: str, content: str,
) -> None:  # fmt: skip
    """A file that is empty is no reason to look elsewhere."""
    file = tmp_path / "token"
    file.write_text(f"{content}\n")
    if variable:
        monkeypatch.setenv(variable, "nonsense")
    words = [one.format(file) for one in given]
    done = kt("run", "--managed", "--api-url", URL, "--gateway-id", "a", *words)

    assert done[0] == 2
    assert done[2].startswith(f"kt: {source.format(file)}")
