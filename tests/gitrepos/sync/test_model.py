"""Random programs against a model of syncing: what git last said and people pinned is in force."""

import random
from dataclasses import dataclass, field

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import Configuration
from gitrepos.polling import claims
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    edit,
    link,
    override,
    pin,
    poll,
    rollback,
    run_due,
    shown,
    unpin,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

SLOTS = range(6)
WITH_PACK_ID = {0, 1}
BROKEN = "pack: ["
Tree = dict[str, str]  # Content by path.


@dataclass
class Known:
    """One configuration: what is in force, and what git gave last.

    `waits` after a release: git's word goes into force although it did not change.
    """

    content: str
    git: str
    versions: list[str]
    active: bool = True
    pinned: bool = False
    waits: bool = False

    def put(self, content: str) -> None:
        if content != self.content:
            self.content = content
            self.versions.append(content)


@dataclass
class Model:
    """What the control plane should say after each sync."""

    prune: bool = False
    known: dict[str, Known] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    held: bool = False

    def sync(self, tree: Tree, *, confirmed: bool = False) -> None:
        """Take a commit, or hold it."""
        names = {path: self._named(path, content) for path, content in tree.items()}
        living = {name for name in self.rows.values() if self._is_active(name)}
        gone = living - set(names.values())
        self.held = len(living) >= 4 and 2 * len(gone) > len(living) and not confirmed
        if self.held:
            return
        for path, content in tree.items():
            if content != BROKEN:
                self._take(names[path], content)
        lost = set(self.known) - set(names.values())
        for name in lost if self.prune else ():
            known = self.known[name]
            known.active = known.active and known.pinned
        self.rows = names

    def in_force(self) -> dict[str, tuple[str, bool]]:
        """Content, and whether it is active, by id."""
        return {name: (known.content, known.active) for name, known in self.known.items()}

    def _take(self, name: str, content: str) -> None:
        known = self.known.get(name)
        if known is None:
            self.known[name] = Known(content, content, [content])
            return
        if not known.active:
            known.active = True
            known.content = ""  # Its return is a version, whatever it says.
            known.put(content)
        elif not known.pinned and (known.waits or content != known.git):
            known.put(content)
        known.git, known.waits = content, False

    def _named(self, path: str, content: str) -> str:
        directory = path.split("/")[0]
        if content == BROKEN:
            return self.rows.get(path, directory)
        return f"p{directory[1]}" if int(directory[1]) in WITH_PACK_ID else directory

    def _is_active(self, name: str) -> bool:
        return name in self.known and self.known[name].active


class Program:
    """One random run: git, people and restarts, and the model beside them."""

    def __init__(self, admin: APIClient, repo: Repo, seed: int) -> None:
        self.admin, self.repo, self.dice = admin, repo, random.Random(seed)
        self.model = Model()
        self.trees: list[Tree] = []
        self.count = 0
        self._push({_path(slot): self._content(slot) for slot in SLOTS})
        self.row = link(admin, repo.url)
        run_due()
        self.model.sync(self.trees[-1])

    def step(self) -> None:
        """A few things happen, then a sync, mostly."""
        acts = [self._commit] * 5 + [self._rewrite, self._override, self._rollback, self._restart]
        acts += [self._pin, self._unpin] * 4 + [self._prune, self._wipe] + [self._bring_back] * 2
        acts += [self._override, self._detour] * 2
        for _ in range(self.dice.choice([1, 2, 4])):
            self.dice.choice(acts)()
        if self.dice.random() < 0.75:
            self.sync()

    def sync(self) -> None:
        """Poll; what waits for a person may be confirmed."""
        poll()
        self.model.sync(self.trees[-1])
        self.compare()
        if self.model.held and self.dice.random() < 0.6:
            confirm(self.admin, self.row)
            run_due()
            self.model.sync(self.trees[-1], confirmed=True)
            self.compare()

    def compare(self) -> None:
        """What is in force, what is pinned, and how the link stands."""
        rows = Configuration.objects.order_by("pk")
        current = {
            row.pk: (bytes(row.versions.get(number=row.version).content).decode(), row)
            for row in rows
        }
        found = {pk: (content, row.status == "active") for pk, (content, row) in current.items()}
        assert found == self.model.in_force()
        pinned = {pk for pk, (_, row) in current.items() if row.pinned_at is not None}
        assert pinned == {name for name, known in self.model.known.items() if known.pinned}
        assert {pk: row.version for pk, (_, row) in current.items()} == {
            name: len(known.versions) for name, known in self.model.known.items()
        }
        status = shown(self.admin, self.row)["status"]
        assert status == ("held" if self.model.held else "synced")

    # What git does.

    def _commit(self) -> None:
        tree = dict(self.trees[-1])
        for _ in range(self.dice.choice([1, 1, 2, 5])):
            self._change(tree, self.dice.choice(SLOTS))
        self._push(tree)

    def _change(self, tree: Tree, slot: int) -> None:
        """Change, break, remove, bring back or move a policy."""
        here = next((path for path in tree if path.startswith(f"s{slot}")), None)
        if here is None:
            tree[_path(slot)] = self._content(slot)
            return
        what = self.dice.choice(["change"] * 5 + ["remove", "remove", "break", "move", "revert"])
        content = tree.pop(here)
        if what == "change":
            tree[here] = self._content(slot)
        elif what == "break":
            tree[here] = BROKEN
        elif what == "move":
            tree[_path(slot, "b" if here == _path(slot) else "a")] = content
        elif what == "revert":
            tree[here] = self.dice.choice(self.trees).get(here, content)

    def _wipe(self) -> None:
        """Remove most of what there is."""
        tree = self.trees[-1]
        kept = self.dice.sample(sorted(tree), min(len(tree), self.dice.choice([0, 1, 2])))
        self._push({path: tree[path] for path in kept})

    def _bring_back(self) -> None:
        """Say again what was said before."""
        self._push(dict(self.dice.choice(self.trees)))

    def _detour(self) -> None:
        """Break a file, and mend it as it was."""
        tree = self.trees[-1]
        apart = [path for path, name in self.model.rows.items() if self._is_apart(name)]
        if paths := [path for path in apart if path in tree] or sorted(tree):
            self._push({**tree, self.dice.choice(paths): BROKEN})
            self.sync()
            self._push(tree)

    def _is_apart(self, name: str) -> bool:
        known = self.model.known.get(name)
        return known is not None and known.git != known.content

    def _rewrite(self) -> None:
        """Set the branch back, or forget all of its history."""
        if len(self.trees) > 2 and self.dice.random() < 0.7:
            back = self.dice.randrange(1, min(4, len(self.trees)))
            self.repo.git("reset", "--hard", "--quiet", f"HEAD~{back}")
            self.repo.push()
            del self.trees[-back:]
            return
        self.repo.git("checkout", "--quiet", "--orphan", "anew")
        self.repo.git("commit", "--quiet", "-m", "Anew")
        self.repo.git("branch", "--quiet", "-M", "main")
        self.repo.push()
        del self.trees[:-1]

    def _push(self, tree: Tree) -> None:
        before = self.trees[-1] if self.trees else {}
        self.repo.commit({**{path: None for path in before if path not in tree}, **tree})
        self.trees.append(tree)

    def _content(self, slot: int) -> str:
        self.count += 1
        pack = {"id": f"p{slot}"} if slot in WITH_PACK_ID else {}
        return policy(f"Slot {slot}", description=f"number {self.count}", **pack)

    # What people and machines do.

    def _some(self, *, pinned: bool) -> str | None:
        """One that has a file, mostly, and differs from git, where there is such a one."""
        names = [
            name
            for name, known in self.model.known.items()
            if known.active and known.pinned == pinned
        ]
        fed = [name for name in names if name in self.model.rows.values()]
        apart = [name for name in fed if self._is_apart(name)]
        return self.dice.choice(names + 4 * fed + 8 * apart) if names else None

    def _override(self) -> None:
        if name := self._some(pinned=False):
            content = policy("By hand", description=f"number {self.count}")
            self.count += 1
            override(self.admin, name, content)
            self.model.known[name].put(content)

    def _rollback(self) -> None:
        if name := self._some(pinned=False):
            known = self.model.known[name]
            number = self.dice.randrange(len(known.versions))
            rollback(self.admin, name, number + 1)
            known.put(known.versions[number])

    def _pin(self) -> None:
        if name := self._some(pinned=False):
            known = self.model.known[name]
            number = self.dice.choice([None, *range(len(known.versions))])
            pin(self.admin, name, **({} if number is None else {"version": number + 1}))
            if number is not None:
                known.put(known.versions[number])
            known.pinned = True

    def _unpin(self) -> None:
        if name := self._some(pinned=True):
            known = self.model.known[name]
            unpin(self.admin, name)
            known.pinned = False
            known.waits = known.waits or known.content != known.git

    def _prune(self) -> None:
        self.model.prune = not self.model.prune
        edit(self.admin, self.row, prune=self.model.prune)

    def _restart(self) -> None:
        """A worker claimed the remote and died; the next start ends its claim."""
        claims.due(timezone.now())
        claims.forget_all()


def _path(slot: int, side: str = "a") -> str:
    return f"s{slot}{side}/policy-config.yaml"


@pytest.mark.parametrize(
    "seed", [3, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(100, 120))]
)
def test_the_end_is_what_git_last_said_and_what_people_pinned(
    admin: APIClient, repo: Repo, seed: int
) -> None:
    """Through changes, removals, breaks, moves, rewrites, overrides, pins and restarts."""
    program = Program(admin, repo, seed)

    for _ in range(14):
        program.step()

    program.sync()
    assert program.model.known
