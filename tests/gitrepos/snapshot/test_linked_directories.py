"""Symbolic links to directories: not followed, and told of."""

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import codes, files, hashes, link, poll, shown

pytestmark = pytest.mark.django_db

FILE = "real/sy/policy-config.yaml"


@pytest.fixture
def mixed(repo: Repo) -> Repo:
    """A repository with links of every kind in `mixed`."""
    repo.plant({FILE: policy(), "docs/readme.md": "x", "mixed/notes.md": "x"})
    repo.plant(
        {
            "mixed/sy": "../real/sy",
            "mixed/chain": "./sy",
            "mixed/all": "../real",
            "mixed/docs": "../docs",
            "mixed/file": "../docs/readme.md",
            "mixed/dangling": "../nowhere",
            "mixed/out": "../../elsewhere",
            "mixed/self": "self",
            "other/sy": "../real/sy",
        },
        mode="120000",
    )
    return repo


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, {"mixed/sy", "mixed/chain", "mixed/all"}),
        ({"include": ["mixed/sy/**"]}, {"mixed/sy"}),
        ({"exclude": ["mixed/chain/**", "mixed/all/**"]}, {"mixed/sy"}),
        ({"exclude": ["**"]}, set()),
    ],
)
def test_a_link_to_a_directory_with_policies_is_told_of(
    admin: APIClient, mixed: Repo, chosen: dict[str, list[str]], told: set[str]
) -> None:
    """Where files below it would have been chosen."""
    row = link(admin, mixed.url, path="mixed", **chosen)

    poll()

    found = files(admin, row)
    assert set(found) == told
    assert {code for file in found.values() for code in codes(file)} <= {"not_a_file"}
    assert hashes() == {}
    if "mixed/sy" in told:
        assert found["mixed/sy"]["findings"][0]["message"] == (
            "is a symbolic link to the directory 'real/sy'; none is followed: link that path"
        )


def test_a_link_to_a_directory_that_is_read_itself_is_told_of_too(
    admin: APIClient, repo: Repo
) -> None:
    """What it would add is not there; what it leads to is in force."""
    repo.plant({FILE: policy()})
    repo.plant({"latest": "real"}, mode="120000")
    row = link(admin, repo.url)

    poll()

    found = files(admin, row)
    assert {path: (file["outcome"], codes(file)) for path, file in found.items()} == {
        FILE: ("synced", []),
        "latest": ("quarantined", ["not_a_file"]),
    }
    assert shown(admin, row)["status"] == "synced"


def test_a_link_that_is_gone_is_told_of_no_more(admin: APIClient, repo: Repo) -> None:
    """Here it became the directory itself."""
    repo.plant({FILE: policy()})
    repo.plant({"mixed/sy": "../real/sy"}, mode="120000")
    row = link(admin, repo.url, path="mixed")
    poll()
    repo.git("rm", "-q", "--cached", "mixed/sy")
    repo.plant({"mixed/sy/policy-config.yaml": policy()})

    poll()

    assert {path: file["outcome"] for path, file in files(admin, row).items()} == {
        "mixed/sy/policy-config.yaml": "synced"
    }


def test_a_path_through_a_link_says_so(admin: APIClient, repo: Repo) -> None:
    """The commit has nothing there, and the reason is told."""
    repo.plant({FILE: policy()})
    repo.plant({"policies": "real"}, mode="120000")
    row = link(admin, repo.url, path="policies/sy")

    poll()

    assert shown(admin, row)["error"] == {
        "code": "path_not_found",
        "message": (
            "The commit has no file or directory 'policies/sy':"
            " 'policies' is a symbolic link, and none is followed."
        ),
    }
