"""`examples/ci/install.sh`, and kt installed as the pipelines install it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kt import __version__
from tests.examples.pipelines import CI, GITHUB, GITLAB, INSTALL
from tests.support.stack import ROOT

SCRIPT = CI / "install.sh"
# The interpreter that runs the tests, and the machine's own programs.
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def _run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment and nothing else, as `env -i` does."""
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300)


def test_kt_is_installed_as_the_pipelines_install_it(tmp_path: Path) -> None:
    """Into a clean HOME, once more over itself, and by pip; a failure leaves what was there."""
    home, checkout = tmp_path / "home", tmp_path / "work" / ".keeptrusts"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    bash = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
    step = f"cd {checkout.parent}\n{GITHUB.scripts[INSTALL[GITHUB.file]]}"
    paths = tmp_path / "path"
    environment = {"HOME": str(home), "PATH": PATH, "GITHUB_PATH": str(paths)}

    first, second = (_run(*bash, step, **environment) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert (
        first.stdout.splitlines()[0] == f"installed kt {__version__} as {home}/.keeptrusts/bin/kt"
    )
    assert set(paths.read_text().splitlines()) == {f"{home}/.keeptrusts/bin"}
    assert os.listdir(home / ".keeptrusts/bin") == ["kt"]

    failed = _run(SCRIPT, tmp_path / "gone", HOME=str(home), PATH=PATH)
    assert failed.returncode == 1
    assert failed.stderr.endswith(f"install.sh: pip cannot install {tmp_path}/gone; see above\n")
    kt = home / ".keeptrusts/bin/kt"
    example = ROOT / "examples/policies/support-bot/policy-config.yaml"
    assert _run(kt, "policy", "test", example, PATH="/usr/bin:/bin").returncode == 0

    path = f"{home}/.keeptrusts/venv/bin:{PATH}"
    source = f"git+file://{checkout}"
    by_pip = _run(
        *bash, GITLAB.scripts["install"], HOME=str(home), PATH=path, KEEPTRUSTS_SOURCE=source
    )
    assert by_pip.returncode == 0, by_pip.stderr


def test_without_a_home_it_says_so() -> None:
    """There is nowhere to install to."""
    done = _run(SCRIPT, PATH=PATH)

    assert (done.returncode, done.stderr) == (2, "install.sh: HOME is not set\n")


def test_two_sources_are_a_usage_error(tmp_path: Path) -> None:
    """It does not choose."""
    done = _run(SCRIPT, "a", "b", PATH=PATH, HOME=str(tmp_path))

    assert (done.returncode, os.listdir(tmp_path)) == (2, [])


def test_away_from_its_checkout_it_asks_for_a_source(tmp_path: Path) -> None:
    """A copy of the script alone has no project beside it."""
    alone = tmp_path / "scripts" / "ci" / "install.sh"
    alone.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, alone)
    done = _run(alone, PATH=PATH, HOME=str(tmp_path))

    assert done.returncode == 2
    assert "KEEPTRUSTS_SOURCE" in done.stderr


@pytest.mark.parametrize("python", [None, "/nonexistent/python", "/bin/false"])
def test_without_a_fitting_python_it_says_which_it_needs(
    tmp_path: Path, python: str | None
) -> None:
    """Before anything is made."""
    tools, home = tmp_path / "tools", tmp_path / "home"
    for folder in (tools, home):
        folder.mkdir()
    for name in ("bash", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    chosen = {} if python is None else {"PYTHON": python}
    done = _run(tools / "bash", SCRIPT, "source", PATH=str(tools), HOME=str(home), **chosen)

    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert os.listdir(home) == []
