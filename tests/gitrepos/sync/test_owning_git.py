"""The random programs of `test_owning`, a few of them, through git and the database."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos.models import Link, LinkedFile
from tests.support import owning
from tests.support.owning import Here, Shown, State, Tree
from tests.support.repo import Repo
from tests.support.syncing import confirm, edit, link, request, run_due, unlink

pytestmark = [pytest.mark.django_db(transaction=True)]


class Real:
    """Links of one repository; those that sync apart have a token of their own."""

    def __init__(self, admin: APIClient, repo: Repo) -> None:
        self.admin, self.repo = admin, repo
        self.tree: dict[str, bytes] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.apart: dict[str, bool] = {}

    def commit(self, tree: Tree) -> None:
        now = {path: text.content() for path, text in tree.items()}
        now |= {f"{root}/readme.md": b"Here.\n" for root in "abcdx"}
        changed: dict[str, str | bytes | None] = {**dict.fromkeys(self.tree.keys() - now), **now}
        self.repo.commit(changed)
        self.tree = now

    def link(self, name: str, terms: Here) -> None:
        token = {"access_token": "its-own"} if terms.apart else {}
        self.rows[name] = link(self.admin, self.repo.url, **_asked(terms), **token)
        self.apart[name] = terms.apart

    def edit(self, name: str, terms: Here) -> None:
        edit(self.admin, self.rows[name], **_asked(terms))

    def unlink(self, name: str) -> None:
        unlink(self.admin, self.rows.pop(name))

    def sync(self, *, apart: bool, late: bool = False) -> None:
        """Ask for a sync of these links; what waits for a person is confirmed."""
        due = [row for name, row in self.rows.items() if self.apart[name] == apart]
        live = Link.objects.filter(pk__in=[row["id"] for row in due], suspended=False)
        for row in live:
            request(self.admin, {"id": row.pk})
        run_due()
        if held := [row for row in live.all() if row.held]:
            for row in held:
                confirm(self.admin, {"id": row.pk})
            run_due()

    def state(self) -> State:
        names = {row["id"]: name for name, row in self.rows.items()}
        known = {
            row.pk: Shown(
                bytes(row.versions.get(number=row.version).content),
                row.status == Configuration.Status.ACTIVE,
                names.get(row.owner, ""),
                row.version,
            )
            for row in Configuration.objects.all()
        }
        files = {
            name: {
                row.path: (row.outcome, [finding["code"] for finding in row.findings])
                for row in LinkedFile.objects.filter(link=UUID(pk))
                if row.outcome not in ("missing", "archived")
            }
            for pk, name in names.items()
        }
        return State(known, files)


def _asked(terms: Here) -> dict[str, Any]:
    return {"path": terms.root, "prune": terms.prune, "suspended": terms.suspended}


@pytest.mark.parametrize(
    ("seeds", "steps"),
    [(range(2), 2), pytest.param(range(2, 52), 8, marks=pytest.mark.soak)],
    ids=["some", "many"],
)
def test_what_git_has_is_in_force_whichever_link_has_it(
    admin: APIClient, make_repo: Callable[[], Repo], seeds: range, steps: int
) -> None:
    """As in memory."""
    for seed in seeds:
        world = Real(admin, make_repo())
        try:
            owning.run(world, seed, steps)
        except AssertionError as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
        for name in list(world.rows):
            world.unlink(name)
        _forget()


def _forget() -> None:
    """Each program begins with no configuration."""
    for row in Configuration.objects.all():
        row.versions.all().delete()
        row.delete()
