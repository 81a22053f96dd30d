"""What a checkout has: policies as they are committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kt.cli.drift.checkout import policies
from tests.support.repo import Repo, policy


def test_what_is_committed_counts(checkout: Repo) -> None:
    """Not what a checkout makes of it, and not what is edited and not committed."""
    checkout.commit({".gitattributes": "* text eol=crlf\n"})
    path = checkout.clone / "policies/support-bot/policy-config.yaml"
    path.write_bytes(policy("Edited").replace("\n", "\r\n").encode())
    (found,) = policies(".")

    assert (found.path, found.data) == (
        "policies/support-bot/policy-config.yaml", policy("Bot").encode(),
    )  # fmt: skip


def test_a_path_is_seen_from_where_one_stands(
    checkout: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory or a file of any name; the same rule as that of a link."""
    checkout.commit({"other/policy-config.yaml": policy("Other"), "one.yaml": policy("One")})
    monkeypatch.chdir(checkout.clone / "policies")

    def found(path: str) -> list[str]:
        return [one.path for one in policies(path)]

    assert found(".") == ["policies/support-bot/policy-config.yaml"]
    assert found("../other") == ["other/policy-config.yaml"]
    assert found("../one.yaml") == ["one.yaml"]
    assert len(found("..")) == 2


def test_without_git_the_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an archive that was unpacked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "policy-config.yaml").write_text(policy("Bot"))
    (found,) = policies(".")

    assert (found.path, found.data) == ("bot/policy-config.yaml", policy("Bot").encode())
