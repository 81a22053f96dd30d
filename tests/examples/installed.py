"""This checkout's `kt`, installed by the step of a pipeline into a home of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.examples.pipelines import GITHUB, INSTALL
from tests.support.stack import ROOT

# What a wheel is made of, and the script that installs it.
SOURCES = ("kt", "examples/ci", "pyproject.toml", "README.md", "LICENSE")
# The interpreter that runs the tests, and the machine's own programs.
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


class Installed:
    """A runner's workspace with the checkout in it, and its home."""

    def __init__(self, at: Path) -> None:
        self.home, self.workspace = at / "home", at / "workspace"
        self.checkout = self.workspace / ".keeptrusts"
        self.bin = self.home / ".keeptrusts" / "bin"
        self.added = at / "path"
        self.output = at / "output"

    def install(self) -> None:
        """Run the step; what it said is kept, since it is run once."""
        for folder in (self.home, self.workspace):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        copy(self.checkout)
        step = f"cd {self.workspace}\n{GITHUB.scripts[INSTALL[GITHUB.file]]}"
        done = run(*BASH, step, HOME=str(self.home), GITHUB_PATH=str(self.added), PATH=PATH)
        assert done.returncode == 0, done.stdout + done.stderr
        self.output.write_text(done.stdout)


def copy(checkout: Path) -> None:
    """Copy the sources as they stand, with no build of another time among them."""
    for name in SOURCES:
        source, target = ROOT / name, checkout / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment and nothing else, as `env -i` does."""
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300)
