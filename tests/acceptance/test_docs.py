"""Every command in the documentation runs as it is written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitrepos.links.conditions import ACTIONS
from kt.cli.main import main
from tests.support.repo import Repo
from tests.support.stack import ROOT, Stack, free_port

DOCS = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
]
PACKAGES = ("access", "configurations", "gitrepos")
MADE_ELSEWHERE = {"make run", "make test", "make check"}  # test_make.py, and this very run.


def _blocks(doc: Path) -> list[str]:
    """The shell blocks of a page, in order."""
    return re.findall(r"^```bash\n(.*?)^```", doc.read_text(), re.MULTILINE | re.DOTALL)


def _commands(doc: Path) -> list[str]:
    return [block for block in _blocks(doc) if not set(block.split("\n")) <= MADE_ELSEWHERE | {""}]


@pytest.mark.smoke
@pytest.mark.parametrize("doc", [d for d in DOCS if _commands(d)], ids=lambda d: d.name)
def test_the_commands_of_a_page_run(
    shared_stack: Stack, repo: Repo, doc: Path, tmp_path: Path
) -> None:
    """One after the other, in a clone of a policy repository, with what the README exports.

    Its one policy is the one that the README has made. That page alone begins in the checkout,
    where the token is.
    """
    main(["init", f"{tmp_path}/support-bot"])
    first = (tmp_path / "support-bot" / "policy-config.yaml").read_text()
    repo.commit({"policies/support-bot/policy-config.yaml": first})
    if doc == ROOT / "README.md":
        (repo.clone / "var").mkdir()
        shutil.copy(shared_stack.data_dir / "admin-token", repo.clone / "var")
    script = "set -euo pipefail\n" + "\n".join(_commands(doc))
    script = script.replace("http://127.0.0.1:8080", shared_stack.url)
    script = script.replace("41002", str(free_port()))
    script = script.replace(".venv/bin/python manage.py", f"{sys.executable} {ROOT}/manage.py")
    script = script.replace("https://github.com/org/governance-policies.git", repo.url)

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=repo.clone,
        env={
            **shared_stack.environment,
            "KEEPTRUSTS_API_URL": shared_stack.url,
            "KEEPTRUSTS_API_TOKEN": shared_stack.token(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "null" not in done.stdout.split()


@pytest.mark.parametrize("doc", DOCS, ids=lambda d: str(d.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(doc: Path) -> None:
    """Every relative link names a file of the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", doc.read_text())

    assert [link for link in links if not (doc.parent / link).exists()] == []


def test_every_setting_is_documented() -> None:
    """`docs/operating.md` names each variable that `env.py` reads, and no other."""
    read = set(
        re.findall(r'"((?:KEEPTRUSTS_|DATABASE_|REDIS_)[A-Z_]+)"', _text("keeptrusts/env.py"))
    )
    named = set(re.findall(r"^\| `([A-Z_]+)`", _text("docs/operating.md"), re.MULTILINE))

    assert named == read


def test_every_error_code_is_documented() -> None:
    """`docs/operating.md` names each code that a link may show."""
    codes = set(re.findall(r'^    code = "(\w+)"', _text("gitrepos/errors.py"), re.MULTILINE))
    page = _text("docs/operating.md")

    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_what_to_do_is_documented_as_the_api_says_it() -> None:
    """`docs/operating.md` has a row for each reason, with the action of a link's conditions."""
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", _text("docs/operating.md"), re.MULTILINE
    )

    assert {code: action for code, action in rows if code in ACTIONS} == dict(ACTIONS)


def test_every_kind_of_event_is_documented() -> None:
    """`docs/api.md` names each that is recorded."""
    sources = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    kinds = {
        kind for path in sources for kind in re.findall(r"\bKind\.([A-Z_]+)", path.read_text())
    }
    kinds &= set(re.findall(r'^        ([A-Z_]+) = "', _text("events/models.py"), re.MULTILINE))
    cells = " ".join(re.findall(r"^\| (`[^|]+`) \|", _text("docs/api.md"), re.MULTILINE))

    assert kinds
    assert [kind for kind in sorted(kinds) if f"`{kind.lower()}`" not in cells] == []


def _text(name: str) -> str:
    return (ROOT / name).read_text()
