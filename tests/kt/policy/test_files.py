"""The rule that picks policy files."""

from __future__ import annotations

import pytest

from kt.policy.files import policy_files

TREE = (
    "policy-config.yaml",
    "policies/a/policy-config.yaml",
    "policies/b/deep/policy-config.yaml",
    "policies/b/other.yaml",
    "policies/c/policy-config.yml",
    "policies/c/old-policy-config.yaml",
    "policies-old/policy-config.yaml",
)


@pytest.mark.parametrize(
    ("under", "expected"),
    [
        (
            "",
            [
                "policies-old/policy-config.yaml",
                "policies/a/policy-config.yaml",
                "policies/b/deep/policy-config.yaml",
                "policy-config.yaml",
            ],
        ),
        ("policies", ["policies/a/policy-config.yaml", "policies/b/deep/policy-config.yaml"]),
        ("policies/", ["policies/a/policy-config.yaml", "policies/b/deep/policy-config.yaml"]),
        ("./policies/a", ["policies/a/policy-config.yaml"]),
        ("policies/b/other.yaml", ["policies/b/other.yaml"]),
        ("policies/a/policy-config.yaml", ["policies/a/policy-config.yaml"]),
        ("policies/c", []),
        ("nothing", []),
        ("polic", []),
    ],
)
def test_policy_files_are_those_of_the_name_below_the_path(under: str, expected: list[str]) -> None:
    """Any depth, exactly that name; or the one file that is named itself."""
    assert expected == list(policy_files(TREE, under))


def test_a_dot_is_the_root() -> None:
    """`.` and the empty path mean the same."""
    assert policy_files(TREE, "") == policy_files(TREE, ".")
