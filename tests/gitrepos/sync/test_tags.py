"""A tag where a branch was asked for."""

from pathlib import Path

import pytest
from rest_framework.test import APIClient

from tests.support.forge import Forge
from tests.support.repo import policy
from tests.support.syncing import link, poll, shown

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("branch", "told"), [("v1.0", True), ("releases/1", True), ("v1", False), ("gone", False)]
)
def test_a_tag_of_the_name_is_told_of(
    admin: APIClient, fresh: Forge, tmp_path: Path, branch: str, told: bool, is_old: bool
) -> None:
    """Of exactly that name, plain or annotated."""
    repo = fresh.repository(tmp_path / "clone")
    repo.commit({"bot/policy-config.yaml": policy()})
    repo.git("tag", "v1.0", "main", at=repo.bare)
    repo.git("tag", "-a", "-m", "A release", "releases/1", "main", at=repo.bare)
    if is_old:
        fresh.old.add(repo.bare.name)
    row = link(admin, repo.url, branch=branch)

    poll()

    words = "; a tag has this name: follow it with `tag`." if told else "."
    assert shown(admin, row)["error"] == {
        "code": "branch_not_found",
        "message": f"The repository has no branch {branch!r}{words}",
    }
