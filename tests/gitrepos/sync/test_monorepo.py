"""Many links of one repository: one check, one fetch of their branch, all done in one go."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos.models import Link
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import link, poll, run_due

pytestmark = pytest.mark.django_db(transaction=True)

# The check, the commit with its trees, and the files of all links.
CHECK, SYNC = 1, 3


@pytest.mark.parametrize("count", [12, pytest.param(1000, marks=pytest.mark.soak)])
def test_all_are_synced_at_once(admin: APIClient, forge: Forge, repo: Repo, count: int) -> None:
    """Requests do not grow with the links, nor with those that a commit is of no concern to."""
    first = repo.commit({f"d{n}/policy-config.yaml": policy(f"P{n}") for n in range(count)})
    _links(admin, repo, count)

    counts = [_requests(forge, repo, run_due)]
    found = [_commits()]
    counts.append(_requests(forge, repo, poll))
    second = repo.commit({"d1/policy-config.yaml": policy("Changed")})
    counts.append(_requests(forge, repo, poll))
    found.append(_commits())

    assert Configuration.objects.count() == count
    assert counts == [SYNC, CHECK, SYNC]
    assert found == [{("", first)}, {("", second)}]


def _links(admin: APIClient, repo: Repo, count: int) -> None:
    """A link for each directory, made like the first one, which the API made."""
    first = link(admin, repo.url, path="d0/")["id"]
    copies = [Link.objects.get(pk=first) for _ in range(1, count)]
    for number, copy in enumerate(copies, start=1):
        copy.pk, copy.path, copy.root = uuid4(), f"d{number}/", f"d{number}"
    Link.objects.bulk_create(copies)


def _requests(forge: Forge, repo: Repo, step: Callable[[], None]) -> int:
    before = len(forge.calls(repo))
    step()
    return len(forge.calls(repo)) - before


def _commits() -> set[tuple[str, str]]:
    return set(Link.objects.values_list("error_code", "last_commit"))
