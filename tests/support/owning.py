"""Random programs about who feeds what: commits, links and their edits, and what must hold.

A program runs on a world: `Memory` here (the plan, with rows in dicts), or a real one.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol

from gitrepos.snapshot.values import Commit, Defect, File, Snapshot
from gitrepos.sync import candidates as reading
from gitrepos.sync import ownership
from gitrepos.sync.candidates import GONE, Candidate, Linked
from gitrepos.sync.plan import Holder, LinkTerms, Plan, plan
from kt.policy.report import Report
from kt.policy.verify import verify
from tests.support.repo import policy

NAME = "policy-config.yaml"
IDS = ("p0", "p1", "p2", "p3")
READ, REFUSED, UNREAD = ("good", "bare"), ("lint",), ("yaml", "lfs")
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 300\n"


@dataclass(frozen=True)
class Text:
    """What a file holds: a policy of `id` that is good, refused or not readable; a number."""

    kind: str
    id: str
    number: int

    def content(self) -> bytes:
        """The file's bytes. A `bare` one leaves its id to its directory."""
        pack = {} if self.kind == "bare" else {"id": self.id}
        good = policy("Name", description=f"number {self.number}", **pack)
        return {
            "lint": good + "nonsense: 1\n",
            "yaml": f"# {self.number}\npack: [\n",
            "lfs": f"{LFS}x {self.number}\n",
        }.get(self.kind, good).encode()


Tree = dict[str, Text]  # By path; the first directory is a link's.


@dataclass
class Here:
    """A link: the directory that it has, and its settings."""

    root: str
    prune: bool = False
    suspended: bool = False
    apart: bool = False  # With a credential of its own, so that it syncs apart from the others.


@dataclass
class Shown:
    """A configuration as people see it."""

    content: bytes
    active: bool
    owner: str
    versions: int


@dataclass
class State:
    """What a world shows: configurations by id; outcome and findings' codes by link and path."""

    known: dict[str, Shown]
    files: dict[str, dict[str, tuple[str, list[str]]]]
    bound: dict[str, str] = field(default_factory=dict)
    hands: dict[str, int] = field(default_factory=dict)  # How often an id changed hands.


class World(Protocol):
    """Where a program runs."""

    def commit(self, tree: Tree) -> None: ...
    def link(self, name: str, terms: Here) -> None: ...
    def edit(self, name: str, terms: Here) -> None: ...
    def unlink(self, name: str) -> None: ...
    def sync(self, *, apart: bool, late: bool = False) -> None: ...
    def state(self) -> State: ...


def named(path: str, text: Text) -> str:
    """The id that a file truly is, readable or not."""
    return path.split("/")[1] if text.kind == "bare" else text.id


def under(tree: Tree, terms: Here) -> Tree:
    """The files of a link."""
    return {path: text for path, text in tree.items() if path.split("/")[0] == terms.root}


def check(tree: Tree, links: Mapping[str, Here], state: State) -> None:
    """What must hold once every live link has synced the tree.

    A readable file whose id no other file has is in force; a file that is not in force says why;
    what has its file is never archived; a binding is to something that is in force or says why.
    """
    files = {
        name: {path: (named(path, text), text) for path, text in under(tree, terms).items()}
        for name, terms in links.items()
    }
    namers: dict[str, list[str]] = defaultdict(list)
    for found in files.values():
        for path, (claimed, _) in found.items():
            namers[claimed].append(path)
    for name, found in files.items():
        if links[name].suspended:
            continue
        for path, (claimed, text) in found.items():
            outcome, codes = state.files[name].get(path, ("", []))
            there = state.known.get(claimed)
            fed = there is not None and there.active and there.owner == name
            if text.kind in READ and len(set(namers[claimed])) == 1:
                assert fed and there and there.content == text.content(), f"{path} is not in force"
                assert outcome == "synced", f"{path} is in force, and {outcome}"
            elif outcome == "synced":
                assert fed and there and there.content == text.content(), f"{path} is not synced"
            else:
                assert codes, f"{path} is {outcome or 'unknown'} and nobody says why"
    for gateway, bound in state.bound.items():
        assert bound in state.known, f"{gateway} is bound to nothing"


def run(world: World, seed: int, steps: int) -> None:
    """Run one program, checking after each round of syncs."""
    Program(world, random.Random(seed)).run(steps)


class Program:
    """One random program."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice, self.count = world, dice, 0
        self.links = {name: Here(name) for name in "abc"}
        self.links["c"].apart = True
        self.acts: list[str] = []
        self.hands: dict[str, int] = {}
        self.tree: Tree = {}
        self.trees: list[Tree] = [{}]
        self.world.commit({})
        for name, terms in self.links.items():
            self.world.link(name, replace(terms))

    def run(self, steps: int) -> None:
        for _ in range(steps):
            for _ in range(self.dice.choice([1, 1, 2, 3])):
                act = self._commit if self.dice.random() < 0.8 else self._edit
                self.acts.append(act.__name__)
                act()
            while self.dice.random() < 0.4:
                self.world.sync(apart=self.dice.random() < 0.5, late=self.dice.random() < 0.5)
            if self.dice.random() < 0.6:
                self.settle()
        self.settle()

    def settle(self) -> None:
        """Every live link syncs, in one order or the other, until nothing can be left over."""
        first = self.dice.random() < 0.5
        for apart in (first, not first, first, not first):
            self.world.sync(apart=apart)
        state = self.world.state()
        check(self.tree, self.links, state)
        for name, count in state.hands.items() if self.acts == ["_commit"] else ():
            assert count <= self.hands.get(name, 0) + 1, f"{name} changed hands twice"
        self.acts, self.hands = [], state.hands

    def _edit(self) -> None:
        name = self.dice.choice(sorted(self.links))
        terms = self.links[name]
        what = self.dice.choice(["prune", "prune", "suspended", "root", "again"])
        if what == "again":
            self.world.unlink(name)
            self.world.link(name, replace(terms))
            return
        if what == "root":
            free = sorted({*"abcd"} - {one.root for one in self.links.values()})
            terms.root = self.dice.choice(free)
        else:
            setattr(terms, what, not getattr(terms, what))
        self.world.edit(name, replace(terms))

    def _commit(self) -> None:
        if self.dice.random() < 0.1:
            self.tree = dict(self.dice.choice(self.trees))
        else:
            for _ in range(self.dice.choice([1, 1, 2])):
                self._change(self.tree)
        self.trees.append(dict(self.tree))
        self.world.commit(dict(self.tree))

    def _change(self, tree: Tree) -> None:
        if not tree or self.dice.random() < 0.2:
            kind = self.dice.choice(["good", "good", "good", "bare", "lint"])
            tree[self._path()] = Text(kind, self.dice.choice(IDS), self._number())
            return
        path = self.dice.choice(sorted(tree))
        text = tree.pop(path)
        acts = ["edit", "move", "move", "break", "mend", "delete", "move and edit"]
        what = self.dice.choice([*acts, "move and break", "move and break", "become"])
        if what == "delete":
            return
        if what == "become" and tree:
            # The policy of another file, refused, in the place of this one.
            text = Text("lint", tree.pop(self.dice.choice(sorted(tree))).id, self._number())
        if what in ("edit", "mend", "move and edit"):
            kind = "good" if text.kind in UNREAD or what == "mend" else text.kind
            text = Text(kind, text.id, self._number())
        if what in ("break", "move and break") and text.kind != "bare":
            text = Text(self.dice.choice([*UNREAD, *REFUSED]), text.id, self._number())
        tree[self._path() if "move" in what else path] = text

    def _path(self) -> str:
        """A path that no file ever had: a broken one at an old path is taken for the old file."""
        self.count += 1
        return f"{self.dice.choice('aabbccdx')}/n{self.count}/{NAME}"

    def _number(self) -> int:
        return self.dice.randrange(4)


# The world in memory.

Looks = dict[str, tuple[Candidate, ...]]
_COMMIT = Commit("c", "", "")


@dataclass
class Known:
    """A configuration."""

    owner: str = ""
    force: str = ""
    git: str = ""
    content: bytes = b""
    archived: bool = False
    versions: int = 0


@dataclass
class MemoryLink:
    """A link with its rows."""

    terms: Here
    rows: dict[tuple[str, str], Linked] = field(default_factory=dict)
    findings: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    seen: int = -1


class Memory:
    """Links, rows and configurations in dicts; syncs as `steps` and `apply` make them."""

    def __init__(self) -> None:
        self.trees: list[Tree] = []
        self.links: dict[str, MemoryLink] = {}
        self.known: dict[str, Known] = {}
        self.bound = {f"gateway-{name}": name for name in IDS}
        self.hands: dict[str, int] = defaultdict(int)
        self.at: dict[bool, int] = {}

    def commit(self, tree: Tree) -> None:
        self.trees.append(tree)

    def link(self, name: str, terms: Here) -> None:
        self.links[name] = MemoryLink(terms)

    def edit(self, name: str, terms: Here) -> None:
        self.links[name].terms, self.links[name].seen = terms, -1

    def unlink(self, name: str) -> None:
        del self.links[name]
        for row in self.known.values():
            row.owner = "" if row.owner == name else row.owner

    def sync(self, *, apart: bool, late: bool = False) -> None:
        """Sync the links with the shared credential, or the others; `late`: at a commit before.

        Never at one before that of their last sync.
        """
        at = max(self.at.get(apart, 0), len(self.trees) - 1 - late)
        self.at[apart] = at
        tree = self.trees[at]
        looks: Looks = {}  # As one fetch: the files of a link are read once, as it was then.
        due = [n for n, one in self.links.items() if one.terms.apart == apart]
        live = [name for name in due if not self.links[name].terms.suspended]
        for name in sorted(live, key=lambda name: self._loses(name, tree)):
            self._sync(name, tree, looks)

    def state(self) -> State:
        known = {
            name: Shown(one.content, not one.archived, one.owner, one.versions)
            for name, one in self.known.items()
        }
        files = {
            name: {
                row.path: (row.outcome, one.findings[key])
                for key, row in one.rows.items()
                if row.outcome not in GONE
            }
            for name, one in self.links.items()
        }
        bound = {gateway: name for gateway, name in self.bound.items() if name in self.known}
        return State(known, files, bound, dict(self.hands))

    def _loses(self, name: str, tree: Tree) -> bool:
        one = self.links[name]
        there = under(tree, one.terms)
        return any(r.path not in there for r in one.rows.values() if r.outcome not in GONE)

    def _sync(self, name: str, tree: Tree, looks: Looks) -> None:
        one = self.links[name]
        rows = self._rows(name)
        files = self._read(name, tree, looks)
        holders = {
            pk: Holder("Name", k.owner, "here", k.force, k.git, archived=k.archived, pinned=False)
            for pk, k in self.known.items()
        }
        link = LinkTerms(
            name, "here", auto_create=True, adopt=False, prune=one.terms.prune,
            renames=one.seen not in (-1, self.at[one.terms.apart]),
        )  # fmt: skip
        others = [self._other(name, other, tree, looks) for other in self.links if other != name]
        made = plan(files, linked=rows, holders=holders, link=link, others=others)
        self._check_retired(made, tree)
        self._write(name, made)
        one.seen = self.at[one.terms.apart]

    def _rows(self, name: str) -> list[Linked]:
        """As `facts.linked`: a row that another link's file replaced is read again."""
        return [
            row
            if row.outcome != "synced" or self.known[row.configuration].owner == name
            else replace(row, blob="")
            for row in sorted(self.links[name].rows.values(), key=lambda row: row.path)
        ]

    def _read(self, name: str, tree: Tree, looks: Looks) -> tuple[Candidate, ...]:
        if name not in looks:
            there = sorted(under(tree, self.links[name].terms).items())
            files = tuple(_file(path, text) for path, text in there)
            snapshot, rows = Snapshot(_COMMIT, "t", files), self._rows(name)
            looks[name] = reading.read(snapshot, rows, verify=_verify)
        return looks[name]

    def _other(self, name: str, other: str, tree: Tree, looks: Looks) -> ownership.OtherLink:
        terms = self.links[other].terms
        fed = {pk for pk, known in self.known.items() if known.owner == other}
        return ownership.seen(
            other,
            list(self.links[other].rows.values()),
            self._read(other, tree, looks),
            fed=fed,
            sibling=True,
            suspended=terms.suspended,
            together=terms.apart == self.links[name].terms.apart,
        )

    def _check_retired(self, made: Plan, tree: Tree) -> None:
        """Nothing is archived whose file exists, readable or not."""
        exist = {
            named(path, text)
            for one in self.links.values()
            for path, text in under(tree, one.terms).items()
        }
        assert not exist & {row.configuration for row in made.retired}, "archived, and in git"

    def _write(self, name: str, made: Plan) -> None:
        one = self.links[name]
        for row in made.retired:
            self.known[row.configuration].archived = True
        for decision in made.decisions:
            file = decision.candidate
            if decision.publish or decision.adopt:
                known = self.known.setdefault(file.configuration, Known())
                if known.owner not in ("", name):
                    self.hands[file.configuration] += 1
                known.owner, known.git = name, file.content_hash
                if decision.publish:
                    known.force, known.content = file.content_hash, file.content
                    known.archived, known.versions = False, known.versions + 1
        for move in made.renames:
            before, after = (self.known[c.configuration] for c in (move.before, move.after))
            assert before.content == after.content, "a gateway followed to other content"
            ids = move.before.configuration, move.after.configuration
            self.bound = {g: ids[1] if b == ids[0] else b for g, b in self.bound.items()}
        keep = {(r.path, r.configuration): r for r in (*made.missing, *made.archived)}
        rows = {key: replace(row, outcome="archived" if row in made.archived else "missing")
                for key, row in keep.items()}  # fmt: skip
        codes = {key: [made.waits[r].code] if r in made.waits else [] for key, r in keep.items()}
        for d in made.decisions:
            key = d.candidate.path, d.candidate.configuration
            rows[key] = Linked(*key, d.candidate.blob, d.outcome, d.candidate.content_hash)
            codes[key] = [finding.code for finding in d.findings]
        one.rows, one.findings = rows, codes


@cache
def _file(path: str, text: Text) -> File:
    content = text.content()
    blob = f"{text.kind}{text.id}{text.number}"
    if text.kind == "lfs":
        return File(path, blob, defect=Defect("lfs_pointer", "is a pointer"))
    return File(path, blob, content)


_verified = cache(verify)


def _verify(data: bytes, /, *, directory: str | None = None) -> Report:
    """Lint is pure, and most of a program's time: each content is read once.

    A warning that the directory is called otherwise is left out.
    """
    return _verified(data)


def programs(seeds: Sequence[int], steps: int = 8) -> None:
    """Run a program in memory for each seed; one that fails is named with its seed."""
    for seed in seeds:
        try:
            run(Memory(), seed, steps)
        except AssertionError as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
