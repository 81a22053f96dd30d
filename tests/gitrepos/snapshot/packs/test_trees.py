"""Trees: what no check of git's has a word on is clean; what may have one is left to git."""

import pytest

from gitrepos.snapshot.packs import reading, trees
from gitrepos.snapshot.packs.errors import UncleanError
from gitrepos.snapshot.packs.reading import CommitReading
from tests.support.packs import COMMIT, TREE, name, packed, whole_object

ID = b"\x11" * 20
WHO = b"An Author <author@keeptrusts.example> 1700000000 +0100"


def entry(mode: bytes, called: bytes, key: bytes = ID) -> bytes:
    """An entry of a tree."""
    return mode + b" " + called + b"\0" + key


@pytest.mark.parametrize("called", [
    b"a", b".gitignore", b".gitattributes", b".gitmodules", b".GitModules", b".github", b".git-x",
    b".git_x", b".gitX", b"...", b"a~", b"~a", b"git", b"x.git", b"\xff", b" ", "\u20ac".encode(),
    "a\u201cb".encode(), b"x" * 4096, b"40000 x", b"100644 x",
])  # fmt: skip
@pytest.mark.parametrize("mode", [b"100644", b"100755", b"40000", b"160000"])
def test_a_common_name_is_clean(mode: bytes, called: bytes) -> None:
    """Of a file, a directory and a submodule; the entry is read as it is."""
    content = entry(mode, called)

    acting = trees.check(content, id_bytes=20)

    assert trees.rows(content, id_bytes=20) == [(mode, called, ID)]
    assert acting == (
        [ID] if called.lower() in (b".gitignore", b".gitattributes", b".gitmodules") else []
    )


@pytest.mark.parametrize("called", [
    b".", b"..", b".git", b".GIT", b".git ", b".git.", b".git...  .", b".git:x", b".git\xff",
    b"git~1", b"GIT~1", b"a~1", b"a\\b", b"\\.git", ".g\u200cit".encode(), "\ufeff.git".encode(),
    "a\u206fb".encode(), b".gitmodules ", b".gitmodules.", b".gitattributes:x", b".gitmodules\xff",
    b"x" * 4097, b"", b"a/b", b"/",
])  # fmt: skip
@pytest.mark.parametrize("mode", [b"100644", b"120000", b"40000"])
def test_a_name_that_may_mean_another_is_left_to_git(mode: bytes, called: bytes) -> None:
    """Also among names that mean themselves."""
    for content in (entry(mode, called), entry(mode, called) + entry(b"100644", b"\xff\xff")):
        with pytest.raises(UncleanError):
            trees.check(content, id_bytes=20)


@pytest.mark.parametrize("content", [
    entry(b"0100644", b"a"), entry(b"040000", b"a"), entry(b"100664", b"a"), entry(b"", b"a"),
    entry(b"100644", b"a")[:-1], entry(b"100644", b"a") + b"x", b"x", b"100644 a",
    b"100644 " * 9000,
    entry(b"100644", b"a", bytes(20)),
    entry(b"100644", b"b") + entry(b"100644", b"a"),
    entry(b"100644", b"a") + entry(b"100644", b"a"),
    entry(b"100644", b"a") + entry(b"40000", b"a"),
    entry(b"100644", b"a") + entry(b"100644", b"a.b") + entry(b"40000", b"a"),
    entry(b"40000", b"a") + entry(b"100644", b"a.b"),
    entry(b"100644", b"a0") + entry(b"40000", b"a"),
    entry(b"120000", b".gitmodules"), entry(b"120000", b".gitattributes"),
    entry(b"120000", b".gitignore"), entry(b"120000", b".mailmap"),
], ids=range(20))  # fmt: skip
def test_a_tree_with_a_fault_is_left_to_git(content: bytes) -> None:
    """In its form, its modes, its order, or what a link stands for."""
    with pytest.raises(UncleanError):
        trees.check(content, id_bytes=20)


@pytest.mark.parametrize("content", [
    b"",
    entry(b"100644", b"a.b") + entry(b"40000", b"a") + entry(b"100644", b"a0"),
    entry(b"100644", b"a") + entry(b"100644", b"a.b") + entry(b"40000", b"b"),
    entry(b"120000", b"a") + entry(b"160000", b"b"),
])  # fmt: skip
def test_a_tree_in_its_order_is_clean(content: bytes) -> None:
    """A directory stands where its name would with a slash behind it."""
    assert trees.check(content, id_bytes=20) == []


def test_a_hash_that_looks_like_an_entry_is_none() -> None:
    """Where a pattern would begin anew within it."""
    key = b"\n40000 x\x00100644 y\x00zz"
    content = entry(b"100644", b"a", key) + entry(b"100644", b"b", key[::-1])

    trees.check(content, id_bytes=20)

    assert [row[1] for row in trees.rows(content, id_bytes=20)] == [b"a", b"b"]


def _commit(content: bytes, *more: bytes) -> CommitReading | str:
    """What is read of a commit of this tree, from a pack that has other trees besides."""
    tree = name(TREE, content)
    commit = b"tree %s\nauthor %s\ncommitter %s\n\nOne\n" % (tree.hex().encode(), WHO, WHO)
    pack = packed(
        [whole_object(COMMIT, commit), *(whole_object(TREE, one) for one in (content, *more))]
    )
    return reading.commit(pack, name(COMMIT, commit).hex(), (b"",))


EMPTY = name(TREE, b"")
OTHER = entry(b"100644", b"a")


@pytest.mark.parametrize("called", [b".gitattributes", b".gitmodules"])
@pytest.mark.parametrize(("mode", "key"), [
    (b"40000", name(TREE, OTHER)), (b"100644", name(TREE, OTHER)), (b"40000", EMPTY),
])  # fmt: skip
def test_a_file_of_git_that_is_a_tree_is_left_to_git(
    mode: bytes, key: bytes, called: bytes
) -> None:
    """Which says so, of a tree that every git has, too."""
    assert _commit(entry(mode, called, key), OTHER) == "a file that git reads is none"


def test_a_tree_that_every_git_has_need_not_come() -> None:
    """Neither as the commit's own nor within it."""
    for content in (entry(b"40000", b"a", EMPTY), entry(b"40000", b"a", name(TREE, OTHER))):
        assert isinstance(_commit(content, OTHER), CommitReading)


@pytest.mark.parametrize(("mode", "key"), [(b"40000", ID), (b"40000", b"\x22" * 20)])
def test_a_tree_that_is_missing_is_left_to_git(mode: bytes, key: bytes) -> None:
    """Wherever all is listed."""
    assert _commit(entry(mode, b"a", key)) == "a tree is missing"


def test_a_tree_of_too_many_paths_is_left_to_git() -> None:
    """A thousand million of them, in four objects: it is found out soon."""
    levels = [entry(b"100644", b"f")]
    for _ in range(3):
        key = name(TREE, levels[-1])
        levels.append(b"".join(entry(b"40000", b"d%03d" % number, key) for number in range(1000)))

    assert _commit(levels[-1], *levels[:-1]) == "its listing is too long"


def test_a_path_of_too_many_directories_is_left_to_git() -> None:
    """Without a call for each of them."""
    levels = [entry(b"100644", b"f")]
    for _ in range(3000):
        levels.append(entry(b"40000", b"d", name(TREE, levels[-1])))

    assert _commit(levels[-1], *levels[:-1]) == "a path is too long"
