"""Repositories made up by chance, as their objects: common ones, and such as no git would make."""

import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.support.packs import (
    BLOB,
    COMMIT,
    OFS_DELTA,
    REF_DELTA,
    TREE,
    by_place,
    by_ref,
    delta,
    name,
    packed,
    whole_object,
)

DIRECTORY = b"40000"
_MODES = (b"100644", b"100644", b"100755", b"120000", b"160000")
_NAMES = (
    b"a", b"b", b"a.b", b"a-", b"a0", b"A", b"policy-config.yaml", b"policy-config.yaml",
    b"x-policy-config.yaml", b"policy-config.yaml.orig", b".gitattributes", b".gitmodules",
    b".gitignore", b".gitkeep", b".github", b".gitlab-ci.yml", b".mailmap", b"with a blank",
    "ä\u20ac\U0001f600".encode(), b"\xff\xfe", b"\x01\x1b[31m", b"x" * 300, b"...", b"~", b"a~",
)  # fmt: skip
_ODD_NAMES = (
    b".", b"..", b".git", b".GIT", b".gIt", b".git ", b".git.", b".git. .", b"git~1", b"GIT~1",
    b"git~2", b".git\xff", b".git\xe2\x80\x8c", b"\xe2\x80\x8c.git", b".g\xe2\x81\xaait",
    b"\xef\xbb\xbf.GIT", b".git::$INDEX_ALLOCATION", b".git:x", b"a\\b", b"a\\.git", b"\\",
    b"a\\..\\.GIT", b".gitmodules ", b".gitmodules.", b".GITMODULES", b"gitmod~1", b"gi7eba~1",
    b".gitm\xe2\x80\x8dodules", b".gitattributes:x", b"GITATT~1", b"gi7d29~1", b".git_x", b".git-x",
    b".gitX", b"x" * 5000, b"", b"a/b", b"/", b".git/x", b"\xc0\xae\xc0\xae", b".git\xc0\x80",
)  # fmt: skip
_ODD_MODES = (
    b"0100644", b"040000", b"100664", b"100600", b"0", b"777777", b"40755", b"100645", b"120777",
    b"1", b"", b"abc", b"1000000000000000000000",
)  # fmt: skip
_WHO = b"An Author <author@keeptrusts.example>"
_ODD_PEOPLE = (
    _WHO + b" -5 +0000", _WHO + b" 0017 +0000", _WHO + b" soon +0000", _WHO + b" 17 +051800",
    _WHO + b" 99999999999999999999 +0000", _WHO + b"17 +0000", b"<a@b> 17 +0000", b"A 17 +0000",
    b"A<a@b> 17 +0000", b"A <a<b> 17 +0000", b"A> <a@b> 17 +0000", _WHO + b" 17 +00", _WHO,
    b" <> 0 +0000", b"A <> 253402300800 +0000", b"A  <a@b> 17 -9999",
)  # fmt: skip
_MESSAGES = (
    b"One\n", b"", b"\n", b"No end", b"\n\n  First \t\r\n\n    indented\n\tand a tab  \n\n\n",
    b"    \n", b"\xff\xfe not UTF-8\n", "ä\u2028\u0085\x0c\x0b\n".encode(), b"CRLF\r\n\r\nx\r\n",
    b"x" * 3000, b"tree 00\nauthor x\n\ncommit\n",
)  # fmt: skip
_HEADERS = (
    b"", b"", b"", b"", b"", b"", b"encoding utf-8\n", b"encoding UTF-8\n",
    b"encoding ISO-8859-1\n", b"gpgsig -----BEGIN\n \n abc\n -----END\n",
    b"mergetag object 00\n type commit\n \n x\n",
    b"tree 0000\n", b"author " + _WHO + b" 17 +0000\n", b"encoding \n", b"x\n", b" \n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A repository: its objects (kind, content), the blobs apart, and paths to list it at.

    `head` is the id of its commit, `tree` that of the commit's tree.
    """

    objects: list[tuple[int, bytes]]
    blobs: list[tuple[int, bytes]]
    head: bytes
    tree: bytes
    sha256: bool
    names: tuple[bytes, ...] = (b"",)


@dataclass
class _Maker:
    rng: random.Random
    sha256: bool
    is_odd: bool
    objects: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    blobs: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def add(self, kind: int, content: bytes) -> bytes:
        where = self.blobs if kind == BLOB else self.objects
        key = name(kind, content, sha256=self.sha256)
        where[key] = kind, content
        return key

    def perhaps(self, part: float = 0.04) -> bool:
        """Whether something odd is done here."""
        return self.is_odd and self.rng.random() < part

    def tree(self, depth: int) -> bytes:
        rng = self.rng
        rows: list[tuple[bytes, bytes, bytes]] = []
        for one in rng.sample(_NAMES, rng.randrange(8)):
            if depth and rng.random() < 0.4:
                rows.append((DIRECTORY, one, self.tree(depth - 1)))
            else:
                rows.append((rng.choice(_MODES), one, self.blob()))
        rows = list({row[1]: row for row in rows}.values())
        if self.perhaps(0.2):
            rows.append((rng.choice(_MODES), rng.choice(_ODD_NAMES), self.blob()))
        if depth and self.perhaps(0.05):
            rows.append((DIRECTORY, rng.choice(_ODD_NAMES), self.tree(depth - 1)))
        if rows and self.perhaps():
            mode, same, key = rng.choice(rows)
            rows.append((rng.choice((mode, b"100644", DIRECTORY)), same, key))
        rows.sort(key=lambda row: row[1] + (b"/" if row[0] == DIRECTORY else b""))
        if self.perhaps():
            rng.shuffle(rows)
        raw = b"".join(self.row(*row) for row in rows)
        if self.perhaps(0.02):
            raw = raw[: -rng.randrange(1, 30)] if rng.random() < 0.5 else raw + b"100644 x"
        return self.add(TREE, raw)

    def row(self, mode: bytes, one: bytes, key: bytes) -> bytes:
        if self.perhaps():
            mode = self.rng.choice(_ODD_MODES)
        if self.perhaps(0.02):
            key = bytes(len(key))
        return mode + b" " + one + b"\0" + key

    def blob(self) -> bytes:
        size = self.rng.choice((0, 1, 20, 300))
        text = "".join(self.rng.choices(string.printable, k=size)).encode()
        return self.add(BLOB, text)

    def commit(self, tree: bytes) -> bytes:
        rng = self.rng
        people = [_WHO + b" %d +0130" % rng.randrange(2_000_000_000) for _ in range(2)]
        if self.perhaps(0.15):
            people[rng.randrange(2)] = rng.choice(_ODD_PEOPLE)
        lines = [b"tree %s\n" % tree.hex().encode()]
        lines += [
            b"parent %s\n" % rng.randbytes(len(tree)).hex().encode()
            for _ in range(rng.choice((0, 1, 1, 2, 3)))
        ]
        lines += [b"author %s\n" % people[0], b"committer %s\n" % people[1]]
        if self.perhaps(0.05):
            lines.pop(rng.randrange(len(lines)))
        if self.perhaps(0.05):
            rng.shuffle(lines)
        message = rng.choice(_MESSAGES) + (b"a NUL \0 in it" if self.perhaps() else b"")
        end = b"" if self.perhaps(0.02) else b"\n"
        return self.add(COMMIT, b"".join(lines) + rng.choice(_HEADERS) + end + message)


def made(seed: int) -> Made:
    """The repository of a seed: every other one has something odd, every third is of sha256."""
    rng = random.Random(seed)
    maker = _Maker(rng, sha256=seed % 3 == 0, is_odd=seed % 2 == 0)
    tree = maker.tree(rng.choice((0, 1, 2, 3)))
    if rng.random() < 0.05:
        for _ in range(50):  # A path that is long and deep.
            tree = maker.add(TREE, DIRECTORY + b" d\0" + tree)
    if rng.random() < 0.1:
        maker.commit(tree)  # Another one besides, that nobody asked for.
    head = maker.commit(tree)
    missing = rng.random() < 0.03 and [key for key in maker.objects if key not in (head, tree)]
    if missing:
        del maker.objects[rng.choice(missing)]
    names = tuple(rng.sample((b"a", b"b", b"a/b", b"policy-config.yaml", b"nowhere", b"a.b/a"), 3))
    if missing or rng.random() < 0.5:
        names = (b"",)
    objects, blobs = list(maker.objects.values()), list(maker.blobs.values())
    return Made(objects, blobs, head, tree, maker.sha256, names)


def pack(objects: Sequence[tuple[int, bytes]], seed: int, *, sha256: bool) -> bytes:
    """A pack of objects in an order by chance, some as deltas of either kind."""
    rng = random.Random(seed)
    mixed = rng.sample(objects, len(objects))
    return packed(_written(mixed, rng, sha256=sha256), sha256=sha256)


def _written(
    objects: Sequence[tuple[int, bytes]], rng: random.Random, *, sha256: bool
) -> Iterator[bytes]:
    """Objects as they stand in a pack. A base may be a delta; of a ring of them none is made."""
    places: dict[int, int] = {}
    upon: dict[int, int] = {}
    place = 12
    for at, (kind, content) in enumerate(objects):
        how = rng.choice((kind, OFS_DELTA, REF_DELTA))
        same = [n for n, one in enumerate(objects) if one[0] == kind and n != at]
        if how == OFS_DELTA:
            same = [n for n in same if n in places]
        base = rng.choice(same) if same and how != kind else None
        if base is None or _leads(upon, base, at):
            raw = whole_object(kind, content)
        elif how == OFS_DELTA:
            raw = by_place(place - places[base], delta(objects[base][1], content))
        else:
            raw = by_ref(name(*objects[base], sha256=sha256), delta(objects[base][1], content))
        if base is not None and not _leads(upon, base, at):
            upon[at] = base
        places[at] = place
        place += len(raw)
        yield raw


def _leads(upon: dict[int, int], base: int, to: int) -> bool:
    """Whether the chain of deltas from `base` comes to `to`."""
    while base != to and base in upon:
        base = upon[base]
    return base == to
