"""The file of `kt apply`: strict, and without secrets in any message."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from kt.cli.apply.document import wanted
from kt.cli.apply.export import as_yaml
from kt.cli.apply.shapes import FILE
from kt.cli.errors import CommandError
from kt.policy.schema import schema

WHOLE = """\
git_credentials:
  - name: policies
    kind: token
    hosts: [forge.example]
    token: {env: FORGE_TOKEN}
git_repos:
  - url: https://forge.example/org/policies.git
    path: policies/
    access_token: {file: token}
gateways:
  - id: edge-1
    labels: {region: eu}
    token_file: edge-1.token
gateway_bindings:
  - configuration: support-bot
    selector: {ring: canary}
trusts:
  - name: ci
    issuer: https://token.actions.githubusercontent.com
    audience: https://keeptrusts.example.com
    repository_id: "123"
    environment: policies
sign_in_rules:
  - name: the platform team
    issuer: https://login.example.com/realms/org
    claims: {groups: [platform]}
    role: editor
"""


def test_a_file_says_what_is_wanted_and_where_secrets_are() -> None:
    """Each row with its line."""
    asked = wanted(WHOLE.encode(), name="f")

    [credential], [link], [gateway] = (
        asked[kind] for kind in ("git_credentials", "git_repos", "gateways")
    )
    assert list(asked) == [
        "git_credentials", "git_repos", "gateways", "gateway_bindings", "trusts", "sign_in_rules",
    ]  # fmt: skip
    assert (credential.secrets, credential.line) == ({"token": {"env": "FORGE_TOKEN"}}, 2)
    assert "token" not in credential.fields
    assert link.secrets == {"access_token": {"file": "token"}}
    assert (gateway.new_file, dict(gateway.fields)) == (
        "edge-1.token", {"id": "edge-1", "labels": {"region": "eu"}},
    )  # fmt: skip


def test_the_schema_knows_the_file() -> None:
    """For editors: what is read fits, and what is refused for its shape does not."""
    checks = jsonschema.Draft202012Validator(schema(FILE, "x"))
    checks.check_schema(checks.schema)

    assert list(checks.iter_errors(yaml.safe_load(WHOLE))) == []
    for wrong in ({"git_repo": []}, {"git_repos": [{}]}, {"gateways": [{"id": "A"}]},
                  {"git_credentials": [{"name": "a", "kind": "token", "hosts": ["h"],
                                        "token": "x"}]}):  # fmt: skip
        assert list(checks.iter_errors(wrong)), wrong


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f holds nothing"),
        ("# a comment\n", "f holds nothing"),
        ("a: [", "f:2:1: error[E010]"),
        ("- a", "f:1:1: error[E005]: expected a mapping, got a list"),
        ("git_repo: []", ("f:1:1: error[E002]: unknown key 'git_repo' at the top level\n"
         "  --> git_repo\n  help: did you mean 'git_repos'?")),
        ("git_repos: {}", "f:1:12: error[E005]"),
        ("git_repos:\n  - path: p", "f:2:5: error[E004]: the key 'url' is required"),
        ("git_repos:\n  - url: u\n    brnch: x", "f:3:5: error[E002]: unknown key 'brnch'"),
        ("git_repos:\n  - url: u\n    prune: yes", "f:3:12: error[E005]"),
        ("gateways:\n  - id: a\n  - id: a", "f:3:9: error[E024]: 'a' already stands in line 2"),
        ("git_repos:\n  - url: u\n    access_token: {}", "access_token needs one of env and file"),
        ("git_repos:\n  - url: u\n    access_token: {env: A, file: b}",
         "access_token needs one of env and file"),
        ("git_repos: []\ngit_repos: []", "f:2:1: error"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    """As the linter tells it."""
    with pytest.raises(CommandError) as refused:
        wanted(text.encode(), name="f")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "row",
    ["access_token: SECRET", "webhook_secret: [SECRET]", "acess_token: SECRET",
     "access_token: {env: SECRET-x}", "access_token: {fil: SECRET}", ("prune: SECRET\n    "
     "access_token: SECRET")],
)  # fmt: skip
def test_a_secret_in_the_file_is_refused_and_not_repeated(row: str) -> None:
    """The message may end in a CI's log."""
    with pytest.raises(CommandError) as refused:
        wanted(f"git_repos:\n  - url: u\n    {row}\n".encode(), name="f")

    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["on", "yes", "null", "~", "1", "1.0", "1e3", "0x1f", "2026-01-31", "=", "<<", "- a", "a: b",
     "#", "'", '"', "a\nb\n", " a\n", "\n", "é", "日本", "\u202e", "\x1b", "\x85", "a\tb",
     "{", "*a"],
)  # fmt: skip
def test_a_text_is_the_same_text_in_the_file(value: str) -> None:
    """However YAML would read it without quotes, and nothing hides."""
    told = as_yaml({"trusts": [{"name": value, "issuer": "i", "audience": "a"}]})

    assert wanted(told.encode(), name="f")["trusts"][0].fields["name"] == value
    assert all(char.isprintable() or char == "\n" for char in told)


def test_the_schema_is_printed(kt: Any) -> None:
    """Without a file or a control plane."""
    assert json.loads(kt("apply", "--schema").out)["title"] == "Keeptrusts control plane"
