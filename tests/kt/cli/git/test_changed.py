"""`kt policy lint --since`: which policies of a checkout differ from a commit."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kt.cli.conftest import BAD, GOOD, WARNED
from tests.support.repo import Repo

Kt = Callable[..., Any]

A, B, SHARED = (f"policies/{name}/policy-config.yaml" for name in ("a", "b", "shared"))
LINK = "policies/link/policy-config.yaml"
NEW = GOOD.replace("1.0.0", "1.0.1")


@pytest.fixture
def checkout(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Two policies, and a third that is a link to a file of another name, tagged `before`."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.chdir(repo.clone)
    (repo.clone / "policies/link").mkdir(parents=True)
    (repo.clone / LINK).symlink_to("../common.yaml")
    repo.commit({A: GOOD, B: WARNED, "policies/common.yaml": GOOD, "README.md": "A\n"})
    repo.tag("before")
    return repo


def _linted(kt: Kt, *argv: str) -> list[str]:
    done = kt("policy", "lint", "--since", "before", "--json", *argv)
    assert (done.code, done.err) in ((0, ""), (1, ""))
    return [row["file"] for row in json.loads(done.out)]


def _refused(kt: Kt, *argv: str) -> str:
    ref, *paths = argv
    done = kt("policy", "lint", f"--since={ref}", *paths)
    assert (done.code, done.out) == (2, "")
    return str(done.err)


def _committed(repo: Repo) -> None:
    repo.commit({A: NEW, "README.md": "B\n", "policies/a/notes.yaml": "a: b\n"})


def _edited(repo: Repo) -> None:
    repo.write(A, NEW)


def _staged(repo: Repo) -> None:
    repo.write(A, NEW)
    repo.git("add", "--all")


def _undone(repo: Repo) -> None:
    repo.commit({A: NEW})
    repo.write(A, GOOD)


def _untracked(repo: Repo) -> None:
    repo.write("policies/new one/policy-config.yaml", GOOD)


def _ignored(repo: Repo) -> None:
    repo.write("policies/.gitignore", "out\n")
    repo.write("policies/out/policy-config.yaml", BAD)


def _hidden(repo: Repo) -> None:
    repo.commit({".tool/policy-config.yaml": BAD, "policies/.old/policy-config.yaml": BAD})


def _deleted(repo: Repo) -> None:
    repo.commit({A: None})
    (repo.clone / B).unlink()


def _moved(repo: Repo) -> None:
    repo.git("mv", "policies/a", "policies/c")
    repo.commit({})


def _ahead(repo: Repo) -> None:
    """REF has commits of its own, which are no change of this branch."""
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({B: GOOD})
    repo.git("checkout", "--quiet", "main")
    repo.commit({A: NEW})
    repo.tag("before", repo.git("rev-parse", "main"))
    repo.git("checkout", "--quiet", "topic")


def _a_target(repo: Repo) -> None:
    repo.commit({"policies/common.yaml": NEW})


def _a_link(repo: Repo) -> None:
    (repo.clone / LINK).unlink()
    (repo.clone / LINK).symlink_to("../a/policy-config.yaml")


def _a_way(repo: Repo) -> None:
    """The link leads by another link, which leads elsewhere now."""
    (repo.clone / "policies/common.yaml").unlink()
    (repo.clone / "policies/common.yaml").symlink_to("b/policy-config.yaml")


def _odd_names(repo: Repo) -> None:
    repo.commit({"policies/a\n\"b' \tc/policy-config.yaml": GOOD})
    os.makedirs(b"policies/\xff")
    Path(os.fsdecode(b"policies/\xff/policy-config.yaml")).write_text(GOOD)


def _a_folder(repo: Repo) -> None:
    """Where a policy was there is a folder of that name, with one in it."""
    (repo.clone / A).unlink()
    repo.write(f"{A}/policy-config.yaml", GOOD)


def _a_merge(repo: Repo) -> None:
    """What came from REF by a merge is no change."""
    _ahead(repo)
    repo.git("merge", "--quiet", "before")


@pytest.mark.parametrize(
    ("change", "linted"),
    [
        (lambda repo: None, []),
        (_committed, [A]),
        (_edited, [A]),
        (_staged, [A]),
        (_undone, []),
        (_untracked, ["policies/new one/policy-config.yaml"]),
        (_ignored, []),
        (_hidden, []),
        (_deleted, []),
        (_moved, ["policies/c/policy-config.yaml"]),
        (_ahead, [B]),
        (_a_merge, [B]),
        (_a_target, [LINK]),
        (_a_link, [LINK]),
        (_a_way, [LINK]),
        (
            _odd_names,
            ["policies/a\\n\"b' \\tc/policy-config.yaml", "policies/\ufffd/policy-config.yaml"],
        ),
        (_a_folder, [f"{A}/policy-config.yaml"]),
    ],
)
def test_what_differs_and_exists_is_linted(
    checkout: Repo, kt: Kt, change: Callable[[Repo], None], linted: list[str]
) -> None:
    """From where HEAD left the commit to the files as they are; policies alone."""
    change(checkout)

    assert _linted(kt) == linted
    assert _linted(kt, "policies") == linted


@pytest.mark.parametrize(
    ("paths", "linted"),
    [
        ([], [A, B, LINK]),
        (["."], [A, B, LINK]),
        (["policies/"], [A, B, LINK]),
        (["policies/a", "policies/b"], [A, B]),
        (["policies/b", "policies", A], [B, A, LINK]),
        ([A], [A]),
        (["policies/common.yaml"], ["policies/common.yaml"]),
        (["README.md"], []),
        (["policies/gone"], []),
        (["policies/gone/policy-config.yaml"], []),
        (["empty"], []),
        (["elsewhere"], [A]),
    ],
)
def test_paths_narrow_it(checkout: Repo, kt: Kt, paths: list[str], linted: list[str]) -> None:
    """Files of any name, folders by name or by a link, and what the change deletes."""
    checkout.commit({"policies/gone/policy-config.yaml": GOOD})
    checkout.tag("before")
    checkout.commit({"policies/gone/policy-config.yaml": None})
    checkout.commit({A: NEW, B: NEW, "policies/common.yaml": NEW})
    Path("empty").mkdir()
    Path("elsewhere").symlink_to("policies/a")

    assert _linted(kt, *paths) == linted
    assert _linted(kt, *(str(checkout.clone / path) for path in paths)) == linted


@pytest.mark.parametrize(
    ("folder", "argv", "linted"),
    [
        ("policies/a", [], ["policy-config.yaml", "../b/policy-config.yaml"]),
        ("policies/a", ["."], ["policy-config.yaml"]),
        ("policies", ["b"], ["b/policy-config.yaml"]),
        ("policies/a", [".."], ["policy-config.yaml", "../b/policy-config.yaml"]),
    ],
)
def test_it_can_be_called_anywhere_in_the_checkout(
    checkout: Repo,
    kt: Kt,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    argv: list[str],
    linted: list[str],
) -> None:
    """Names are from the working directory; without a path it is all of the checkout."""
    checkout.commit({A: NEW, B: NEW})
    monkeypatch.chdir(checkout.clone / folder)

    assert _linted(kt, *argv) == linted


def test_the_exit_is_that_of_what_is_linted(checkout: Repo, kt: Kt) -> None:
    """A bad file that did not change is another's; reports have paths from the root."""
    checkout.commit({B: BAD})
    checkout.tag("before")
    checkout.commit({A: WARNED})
    lint = ("policy", "lint", "--since", "before")

    assert kt(*lint).code == 0
    assert kt(*lint, "--strict").code == 1
    assert f"::warning file={A},line=2," in kt(*lint, "--format", "github").out
    checkout.write(A, BAD)
    assert kt(*lint).code == 1


@pytest.mark.parametrize("argv", [(), ("--format", "text"), ("--output", "x.json", "--json")])
def test_it_says_that_nothing_differs(checkout: Repo, kt: Kt, argv: tuple[str, ...]) -> None:
    """And is content."""
    done = kt("policy", "lint", "--since", "before", *argv)

    assert done == (0, "nothing to lint: no policy differs\n", "")


@pytest.mark.parametrize("ref", ["gone", "", "0" * 40, "-x", "before..HEAD", "^before", "before:"])
def test_what_is_no_commit_is_refused(checkout: Repo, kt: Kt, ref: str) -> None:
    """With the name as it was given."""
    assert _refused(kt, ref).startswith(f"kt: --since {ref}: no such commit here; git fetch")


def test_a_history_of_its_own_is_refused(checkout: Repo, kt: Kt) -> None:
    """There is no place where HEAD left it."""
    checkout.git("checkout", "--quiet", "--orphan", "alone")
    checkout.commit({A: NEW})

    assert "its history and HEAD's never meet here; name one" in _refused(kt, "before")


def test_a_shallow_checkout_says_what_to_fetch(
    checkout: Repo, kt: Kt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the commit is not there, and where it is and what is before it is not."""
    checkout.git("checkout", "--quiet", "-b", "topic")
    checkout.commit({A: NEW})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({B: NEW})
    shallow = tmp_path / "shallow"
    clone = ("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{checkout.bare}")
    checkout.git(*clone, str(shallow))
    monkeypatch.chdir(shallow)

    assert "no such commit here; the checkout is shallow; fetch" in _refused(kt, "main~1")
    assert "never meet here; the checkout is shallow; fetch" in _refused(kt, "origin/topic")
    checkout.git("fetch", "--quiet", "--unshallow", at=shallow)
    assert kt("policy", "lint", "--since", "origin/topic").code == 0


def test_without_a_checkout_or_git_it_says_so(
    checkout: Repo, kt: Kt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else can tell what changed."""
    fix = "; --since needs git, and a checkout of the policies\n"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "kt: git cannot be run: " in (said := _refused(kt, "before")) and said.endswith(fix)
    monkeypatch.undo()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in (said := _refused(kt, "before")) and said.endswith(fix)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("gone", "gone: no such file or directory, nor was there one"),
        ("policies/a/gone.yaml", "policies/a/gone.yaml: no such file"),
        ("..", "..: outside of the checkout"),
        ("/etc", "/etc: outside of the checkout"),
        ("-", "stdin is none"),
    ],
)
def test_a_path_that_cannot_be_meant_is_refused(
    checkout: Repo, kt: Kt, path: str, why: str
) -> None:
    """A check of nothing must not look like one that passed."""
    assert why in _refused(kt, "before", path)


def test_a_file_that_is_not_checked_out_is_told(checkout: Repo, kt: Kt) -> None:
    """It exists and differs, and cannot be read: no silence about it."""
    checkout.commit({A: BAD})
    checkout.git("sparse-checkout", "set", "--no-cone", "/*", "!/policies/a/")

    assert f"{A} differs, and is not in the working tree" in _refused(kt, "before")


def test_settings_of_git_change_nothing(checkout: Repo, kt: Kt) -> None:
    """Those that people have for what they look at."""
    for name, value in (
        ("diff.external", "false"),
        ("diff.relative", "true"),
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("status.showUntrackedFiles", "no"),
    ):
        checkout.git("config", name, value)
    _moved(checkout)
    shutil.copytree(checkout.clone / "policies/c", checkout.clone / "policies/d")

    assert _linted(kt) == [f"policies/{name}/policy-config.yaml" for name in "cd"]
