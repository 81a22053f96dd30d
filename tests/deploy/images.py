"""Images of a Dockerfile made without a builder, in folders that begin with a bare Debian.

`RUN` is carried out in the folder, with the network, `COPY` copies; there is no registry's base, no
layer and no cache. What is made runs as a container would: in namespaces of its own, on a root that
is read-only, as the image's user and without a capability.

Wants root and Debian's `debootstrap`.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deploy import debian
from tests.deploy.dockerfile import Stage, context, lineage, parse
from tests.support.stack import ROOT, wait_for

DOCKERFILE = ROOT / "deploy/images/Dockerfile"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUILD = """
set -e
umask 022
mount --bind "$2" "$1/media"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" /bin/sh -c "$3"
"""
# $1 the image's folder, $2 a folder for what is mounted over it, $3 "ro" or "rw", $4 the volume's
# folder, and then the command.
_CONTAINER = """
set -e
umask 022
root=$2/root
mkdir -p "$root" && mount --bind "$1" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for one in null zero full random urandom; do
  touch "$root/dev/$one" && mount --bind "/dev/$one" "$root/dev/$one"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$2/hosts" "$root/etc/hosts"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/secrets" && mount --bind "$2/secrets" "$root/run/secrets"
[ -z "$4" ] || mount --bind "$4" "$root/var/lib/keeptrusts"
mount -o "remount,bind,$3" "$root"
cd "$root"
pivot_root . tmp
shift 4
exec "$@"
"""
_VOLUME = "var/lib/keeptrusts"
_INSIDE = "umount -l /tmp && mount -t tmpfs -o mode=1777 tmpfs /tmp && cd {} && exec {}"


@dataclass(frozen=True, slots=True)
class Image:
    """A folder with its files, and what the Dockerfile says of running it."""

    folder: Path
    environment: Mapping[str, str]
    workdir: str
    user: str
    entry: Sequence[str]
    words: Sequence[str]
    probe: Sequence[str]


class Builder:
    """Makes stages, each once."""

    def __init__(self, place: Path, wheels: Path) -> None:
        """`wheels` is a release's folder, from which pip takes all."""
        self.place, self._wheels = place, wheels
        self._stages = parse(DOCKERFILE.read_text())
        self._made: dict[str, Path] = {}
        self._context = place / "context"
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for file in context((ROOT / ".dockerignore").read_text(), listed):
            with _for_all():
                (self._context / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, self._context / file)

    def image(self, name: str) -> Image:
        """The image of a stage, and its folder."""
        stages = lineage(self._stages, name)
        environment = {"PATH": _PATH}
        for stage in stages:
            for one in stage.instructions:
                environment |= one.pairs() if one.name == "ENV" else {}
        entry, words, probe = (_said(stages, one) for one in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))
        return Image(
            self._folder(stages[-1]), environment, _text(stages, "WORKDIR") or "/",
            _text(stages, "USER"), entry, words, probe,
        )  # fmt: skip

    def _folder(self, stage: Stage) -> Path:
        if stage.name not in self._made:
            folder = self.place / stage.name
            if stage.base in self._stages:
                debian.copied(self._folder(self._stages[stage.base]), folder)
            else:
                debian.base(folder)
            self._made[stage.name] = folder
            self._carry_out(stage, folder)
        return self._made[stage.name]

    def _carry_out(self, stage: Stage, folder: Path) -> None:
        environment, where = {"PATH": _PATH}, "/"
        for before in lineage(self._stages, stage.name)[:-1]:
            for one in before.instructions:
                environment |= one.pairs() if one.name == "ENV" else {}
                where = one.text if one.name == "WORKDIR" else where
        for one in stage.instructions:
            if one.name == "ENV":
                environment |= one.pairs()
            elif one.name == "WORKDIR":
                where = one.text
                (folder / where[1:]).mkdir(parents=True, exist_ok=True)
            elif one.name == "RUN":
                self._run(folder, where, one.text, environment)
            elif one.name == "COPY":
                self._copy(folder, where, one.text)

    def _run(self, folder: Path, where: str, text: str, environment: Mapping[str, str]) -> None:
        script = f"cd {shlex.quote(where)}\n{text}"
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _BUILD,
                   "sh", folder, self._wheels, script]  # fmt: skip
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/media"}
        done = subprocess.run(
            command, env={**environment, **offline}, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-5000:]}{done.stderr[-5000:]}"

    def _copy(self, folder: Path, where: str, text: str) -> None:
        words = text.split()
        source = self._context
        if words[0].startswith("--from="):
            source = self._folder(self._stages[words.pop(0).removeprefix("--from=")])
        *names, target = words
        into = folder / os.path.join(where, target)[1:]
        for name in names:
            taken = source / name.lstrip("/")
            assert taken.exists(), text
            to = into / taken.name if target.endswith("/") and taken.is_file() else into
            with _for_all():
                to.parent.mkdir(parents=True, exist_ok=True)
            if taken.is_dir():
                shutil.copytree(taken, to, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(taken, to)


@contextlib.contextmanager
def _for_all() -> Iterator[None]:
    """Folders may be read by all, as a builder's; settings of Django leave another mask."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _said(stages: Sequence[Stage], name: str) -> list[str]:
    """The words of the last exec form; those of a probe stand behind its options."""
    found = next(filter(None, (stage.last(name) for stage in reversed(stages))), None)
    if found is None:
        return []
    options, separator, words = found.text.rpartition(" CMD ")
    assert bool(separator) == (name == "HEALTHCHECK"), (found, options)
    return type(found)(name, words).words()


def _text(stages: Sequence[Stage], name: str) -> str:
    found = next(filter(None, (stage.last(name) for stage in reversed(stages))), None)
    return found.text if found else ""


class Network:
    """A network namespace with loopback alone, which several containers share."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "up\n"
        self.path = f"/proc/{self._holder.pid}/ns/net"

    def within(
        self, *command: str | Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of this machine in it."""
        return subprocess.run(
            ["nsenter", f"--net={self.path}", *command], capture_output=True, text=True,
            timeout=300, env={"PATH": _PATH, **environment},
        )  # fmt: skip

    def starts(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        """Start one."""
        return subprocess.Popen(
            ["nsenter", f"--net={self.path}", *command], env={"PATH": _PATH},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def end(self) -> None:
        """Take it away; what still runs in it keeps it."""
        self._holder.kill()
        self._holder.wait(timeout=300)
        assert self._holder.stdout is not None
        self._holder.stdout.close()


class Container:
    """A container of an image, that may be started."""

    def __init__(
        self, image: Image, place: Path, network: Network, *,
        secrets: Mapping[str, Path] | None = None, names: Iterable[str] = (),
        read_only: bool = True, volume: Path | None = None, **environment: str,
    ) -> None:  # fmt: skip
        """`secrets` are files by where they are below /run/secrets, `names` are of its own address.

        Without `volume` it has one of its own with what the image has there, as a runtime makes it.
        """
        self._image, self._place, self._network = image, place, network
        self._environment = {**image.environment, **environment}
        self._mode = "ro" if read_only else "rw"
        self._process: subprocess.Popen[bytes] | None = None
        self.log = place / "log"
        with _for_all():
            (place / "secrets").mkdir(parents=True)
            for name, file in (secrets or {}).items():
                (to := place / "secrets" / name).parent.mkdir(exist_ok=True)
                os.link(file, to)  # As it is: its owner and mode are what the user there sees.
            hosts = "".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names))
            (place / "hosts").write_text(hosts)
            (image.folder / "etc/hosts").touch()
        self._volume = volume or place / "volume"
        if volume is None and (image.folder / _VOLUME).exists():
            debian.copied(image.folder / _VOLUME, self._volume)

    def start(self, *words: str) -> None:
        """Start what the image is for, with these words in place of its own."""
        command = self._command(*self._image.entry, *(words or self._image.words))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={"PATH": _PATH}
            )

    def does(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run to its end what the image is for, with these words."""
        return self.runs(*self._image.entry, *words)

    def runs(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run words in a container beside it, with the same volume."""
        return _ran(*self._command(*words))

    def execs(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run words within the one that was started."""
        entering = ["nsenter", f"--target={self._first()}", "--all", "--root", "--wd"]
        return _ran(*entering, *self._as_user(*words))

    def is_running(self) -> bool:
        """True, or it ended, and the test with it."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return True

    def is_healthy(self) -> bool:
        """Whether the image's probe says so."""
        return self.execs(*self._image.probe).returncode == 0

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send its first process a signal; the status."""
        assert self._process is not None
        if self._process.poll() is None:
            os.kill(self._first(), number)
        return self._process.wait(timeout=300)

    def _first(self) -> int:
        """The process that is 1 in it, once that is what it is for."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return wait_for(lambda: self._is_ours(children.read_text()))

    def _is_ours(self, child: str) -> int:
        # Before that it is a shell, whose root may be the one of this machine.
        ready = (
            self.is_running()
            and child
            and Path(f"/proc/{int(child)}/comm").read_text() not in ("sh\n", "unshare\n")
        )
        return int(child) if ready else 0

    def _command(self, *words: str) -> list[str | Path]:
        inner = shlex.join(self._as_user(*words))
        return [
            "nsenter", f"--net={self._network.path}",
            "unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child",
            "sh", "-c", _CONTAINER, "sh", self._image.folder, self._place, self._mode,
            self._volume if self._volume.exists() else "",
            "sh", "-ec", _INSIDE.format(shlex.quote(self._image.workdir), inner),
        ]  # fmt: skip

    def _as_user(self, *words: str) -> list[str]:
        given = [f"{name}={value}" for name, value in self._environment.items()]
        user, _, group = self._image.user.partition(":")
        bare = [
            "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all",
        ]  # fmt: skip
        return [*bare, "env", "-i", *given, *words]


def _ran(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env={"PATH": _PATH})
