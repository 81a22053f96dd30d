"""`examples/ci/install.sh`, and kt installed as the pipelines install it."""

import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from kt import __version__
from tests.examples.installed import BASH, PATH, Installed, run
from tests.examples.pipelines import CI, GITLAB, INSTALL
from tests.support.stack import ROOT

SCRIPT = CI / "install.sh"


@pytest.mark.soak
def test_kt_is_installed_as_the_pipeline_installs_it(installed: Installed) -> None:
    """Alone in the folder that the next steps find on their PATH."""
    said = installed.output.read_text().splitlines()

    assert said[0] == f"installed kt {__version__} as {installed.bin}/kt"
    assert installed.added.read_text() == f"{installed.bin}\n"
    assert os.listdir(installed.bin) == ["kt"]


@pytest.fixture
def another(installed: Installed, tmp_path: Path) -> Path:
    """The home of somebody who installed it before, and has lost some of it since."""
    home = tmp_path / "home"
    # pip never writes into a file that is there, so the two may share them.
    shutil.copytree(installed.home, home, symlinks=True, copy_function=os.link)
    python, pip = (home / ".keeptrusts/venv/bin" / name for name in ("python", "pip"))
    pip.unlink()
    pip.write_text(f'#!/bin/sh\nexec {python} -m pip "$@"\n')
    pip.chmod(0o755)
    run(pip, "uninstall", "--quiet", "--yes", "keeptrusts", "uvloop", PATH=PATH)
    return home


@pytest.mark.soak
def test_an_installed_kt_is_brought_up_to_date(another: Path, wheel: Path, tmp_path: Path) -> None:
    """Under the same version, with what got lost; a source that is none leaves what is there."""
    environment = {"HOME": str(another), "PATH": PATH}
    done = run(SCRIPT, KEEPTRUSTS_SOURCE=str(_changed(wheel, tmp_path)), **environment)
    failed = run(SCRIPT, another / "gone", **environment)

    assert done.stdout.startswith("installed kt changed as "), done.stderr
    assert _imported(another) == "changed\n"
    assert failed.returncode == 1
    assert failed.stderr.endswith(f"install.sh: pip cannot install {another}/gone; see above\n")


@pytest.mark.soak
def test_pip_installs_it_in_the_other_pipeline(another: Path, wheel: Path) -> None:
    """Into the environment of a job, with what its last job needs."""
    path = f"{another}/.keeptrusts/venv/bin:{PATH}"
    script = GITLAB.scripts[INSTALL[GITLAB.file]]
    done = run(*BASH, script, HOME=str(another), PATH=path, KEEPTRUSTS_SOURCE=str(wheel))

    assert done.returncode == 0, done.stderr
    assert _imported(another) == f"{__version__}\n"


@pytest.fixture
def wheel(installed: Installed) -> Path:
    """What the pipeline made of the checkout: a source like any other, built already."""
    (found,) = (installed.home / ".keeptrusts" / "wheel").iterdir()
    return found


def _changed(wheel: Path, folder: Path) -> Path:
    """A wheel of the same name that holds another file."""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(folder / wheel.name, "w") as new:
        for name in old.namelist():
            changed = name == "kt/__init__.py"
            new.writestr(name, '__version__ = "changed"\n' if changed else old.read(name))
    return folder / wheel.name


def _imported(home: Path) -> str:
    """The version of a home's kt, with all there that its gateway imports."""
    python = home / ".keeptrusts/venv/bin/python"
    imports = (
        "import kt, kt.gateway.run, kt.gateway.upstream.connections, aiohttp; print(kt.__version__)"
    )
    done = run(python, "-I", "-c", imports, PATH=PATH)
    return done.stdout + done.stderr


def test_nothing_tells_to_install_a_name_of_an_index() -> None:
    """Whoever registers a name that is not ours would be installed."""
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *CI.iterdir(),
        *ROOT.glob("kt/**/*.py"),
    ]
    lines = [line for file in files for line in file.read_text().splitlines()]
    lines = [line for line in lines if not line.startswith("helm ")]  # It names a release.
    # Not followed by an address, and not a part of a path.
    name = re.compile(r"install\b.*[\s'\"]keeptrusts(\[\w+\])?(?=[\s'\"]|$)(?! @ )")

    assert name.search("install keeptrusts[gateway]")
    assert [line for line in lines if name.search(line)] == []


def test_without_a_home_it_says_so() -> None:
    """There is nowhere to install to."""
    done = run(SCRIPT, PATH=PATH)

    assert (done.returncode, done.stderr) == (2, "install.sh: HOME is not set\n")


def test_two_sources_are_a_usage_error(tmp_path: Path) -> None:
    """It does not choose."""
    done = run(SCRIPT, "a", "b", PATH=PATH, HOME=str(tmp_path))

    assert (done.returncode, os.listdir(tmp_path)) == (2, [])


def test_away_from_its_checkout_it_asks_for_a_source(tmp_path: Path) -> None:
    """A copy of the script alone has no project beside it."""
    alone = tmp_path / "scripts" / "ci" / "install.sh"
    alone.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, alone)
    done = run(alone, PATH=PATH, HOME=str(tmp_path))

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
    done = run(tools / "bash", SCRIPT, "source", PATH=str(tools), HOME=str(home), **chosen)

    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert os.listdir(home) == []
