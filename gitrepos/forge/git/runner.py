"""The hardened git runner: it starts every git process, and alone imports GitPython.

A child process gets a new environment, a configuration in memory alone (so no file with a
credential is ever left behind, whatever kills this process), bounds on memory, file size and
time, and a process group of its own that ends with its deadline even when this process is gone.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from gitrepos import errors
from gitrepos.forge.addresses import RepoURL
from gitrepos.forge.git import complaints, https_config, known_hosts, ssh_config
from gitrepos.forge.git.https_config import quoted
from gitrepos.forge.git.known_hosts import HostKey
from gitrepos.forge.proxy import DIRECT, Proxy
from gitrepos.forge.secret import NOBODY, Secret

_MEMORY_BYTES = 512 * 1024 * 1024
_FILE_BYTES = 64 * 1024 * 1024  # The largest pack.
_WORDS_BYTES = 64 * 1024
_SCAN_SECONDS = 10
_STREAMED_BYTES = 2 * 1024 * 1024
_KILL_AFTER_SECONDS = 2
_LOOK_SECONDS = 0.25

# The arguments: the worker's process id, since it may have died before prctl took effect, and the
# bounds of files (512-byte blocks) and of memory (KiB). They are set here and not between fork and
# exec, which would copy the page tables of the worker for every git.
_LIMITS = """\
[ "$PPID" = "$1" ] || exit 1
ulimit -c 0
ulimit -f "$2"
ulimit -v "$3"
shift 3
exec "$@"
"""

_ENVIRONMENT = {
    "PATH": f"{os.path.dirname(shutil.which('git') or '/usr/bin/git')}:/usr/bin:/bin",
    "LC_ALL": "C",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    # No repository but a named one: git would look for one in the parent folders.
    "GIT_DIR": "/nonexistent",
}

# A streamed blob takes no memory, however large it is; threads take address space.
_CONFIG = f"""\
[core]
\thooksPath = /dev/null
\tbigFileThreshold = {_STREAMED_BYTES}
[pack]
\tthreads = 1
[protocol]
\tversion = 2
[fetch]
\tfsckObjects = true
[gc]
\tauto = 0
[maintenance]
\tauto = false
[safe]
\tbareRepository = explicit
[credential]
\thelper =
[gpg]
\tprogram = /bin/false
[gpg "x509"]
\tprogram = /bin/false
[http]
\tfollowRedirects = false
\tlowSpeedLimit = 1000
\tlowSpeedTime = 15
"""


@dataclass(frozen=True, slots=True)
class Access:
    """The access to a remote: its url, the addresses checked for it, and the secret.

    `ca_file` has authorities that are trusted besides the system's. With `proxy`, which then
    serves the url, there are no addresses.
    """

    url: RepoURL
    addresses: tuple[str, ...] = ()
    secret: Secret = NOBODY
    ca_file: str = ""
    proxy: Proxy = DIRECT

    @property
    def hidden(self) -> tuple[str, ...]:
        """The texts that no message may hold."""
        return (*self.secret.hidden, *self.proxy.hidden)


def run(
    arguments: Sequence[str],
    *,
    deadline_seconds: float,
    max_bytes: int,
    access: Access | None = None,
    stdin: bytes | BinaryIO = b"",
    allowed_signers: str = "",
    gpg_home: Path | None = None,
    scratch: Path | None = None,
    bounded: Path | None = None,
    max_words: int = _WORDS_BYTES,
) -> bytes:
    """Run one git command and return what it prints. A file as `stdin` is closed afterwards.

    A command that fills the folder `bounded` with over 64 MiB is ended, as is one that complains in
    over `max_words` bytes.

    Without `access` no protocol is allowed: the command stays on this machine. With it the remote
    is named `origin`. To check a signature, git hands it to ssh-keygen, or with `gpg_home` to gpg,
    in a file in `scratch`.

    Raises:
        RemoteError: the command failed; the message says why, without the secret.
    """
    environment = {"GIT_ALLOW_PROTOCOL": access.url.scheme if access else "none"}
    if scratch is not None:
        environment["TMPDIR"] = str(scratch)
    if gpg_home is not None:
        environment["GNUPGHOME"] = str(gpg_home)
    with contextlib.ExitStack() as kept:
        command = _Command(
            ("git", *arguments),
            deadline_seconds=deadline_seconds,
            max_bytes=max_bytes,
            stdin=stdin,
            config=_config(access, kept) + _trust(allowed_signers, kept) + _gpg(gpg_home),
            environment=environment,
            hidden=access.hidden if access else (),
            proxy=access.proxy if access else DIRECT,
            bounded=bounded,
            max_words=max_words,
        )
        try:
            return _run(command)
        except errors.HostKeyMismatchError as error:
            assert access is not None
            raise errors.HostKeyMismatchError(f"{error.message} {_compared(access)}") from error


def verdict(
    arguments: Sequence[str],
    *,
    deadline_seconds: float,
    max_bytes: int,
    allowed_signers: str,
    gpg_home: Path | None,
    scratch: Path,
) -> tuple[bool, bytes, str]:
    """Run a git command that verifies a signature, and calls no server.

    Returns whether git accepts it, what git prints, and what it says of it on stderr.

    Raises:
        RemoteError: the command could not be run to its end.
    """
    environment = {"GIT_ALLOW_PROTOCOL": "none", "TMPDIR": str(scratch)}
    if gpg_home is not None:
        environment["GNUPGHOME"] = str(gpg_home)
    with contextlib.ExitStack() as kept:
        command = _Command(
            ("git", *arguments),
            deadline_seconds=deadline_seconds,
            max_bytes=max_bytes,
            config=_config(None, kept) + _trust(allowed_signers, kept) + _gpg(gpg_home),
            environment=environment,
        )
        status, output, complaint, is_late = _ended(command)
    if status not in (0, 1) or is_late:
        step = _step(command.program)
        raise complaints.translated(status, complaint, is_late=is_late, step=step)
    return status == 0, output, complaint


@dataclass(frozen=True, slots=True)
class _Command:
    """A child process: its program, bounds, input and environment.

    No message may hold a text of `hidden`. `proxy` is the one that git calls.
    """

    program: Sequence[str]
    deadline_seconds: float
    max_bytes: int
    stdin: bytes | BinaryIO = b""
    config: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    proxy: Proxy = DIRECT
    bounded: Path | None = None
    max_words: int = _WORDS_BYTES


def host_keys(url: RepoURL, address: str) -> list[HostKey]:
    """The keys that the ssh server at `address` shows to anybody, not verified.

    Raises:
        RemoteError: no server answers in time.
    """
    where = ("-p", str(url.port), "-t", "ed25519,ecdsa,rsa", "--", address)
    scan = _Command(("ssh-keyscan", "-T", "5", *where), _SCAN_SECONDS, _WORDS_BYTES)
    try:
        output = _run(scan)
        return known_hosts.parse(output.decode(errors="replace"))
    except (errors.BadAnswerError, ValueError) as exc:  # It has no reason.
        message = f"No ssh server answers at {address}, port {url.port}."
        raise errors.UnreachableError(message) from exc


def _compared(access: Access) -> str:
    """A comparison, for a message, of an ssh server's keys with the expected ones."""
    expected = known_hosts.parse(access.secret.known_hosts)
    try:
        keys = host_keys(access.url, access.addresses[0])
    except errors.RemoteError:
        return f"Expected is {known_hosts.described(expected)}."
    here, there = known_hosts.described(keys), known_hosts.described(expected)
    return f"It shows {here}; known_hosts has {there}."


def _run(command: _Command) -> bytes:
    status, output, complaint, is_late = _ended(command)
    if status != 0:
        words = complaints.naming(command.proxy, _own_words(complaint, command.hidden))
        step = _step(command.program)
        raise complaints.translated(status, words, is_late=is_late, step=step)
    return output


def _step(program: Sequence[str]) -> str:
    """The program and its first word, without git's own options: `git fetch`."""
    words = iter(program[1:])
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return f"{program[0]} {word}"
    return program[0]


def _ended(command: _Command) -> tuple[int, bytes, str, bool]:
    """The exit status of a command, its output and complaint, and whether its deadline passed."""
    stdin = command.stdin
    source = memory_file(stdin) if isinstance(stdin, bytes) else stdin
    with source, memory_file(command.config) as config:
        environment = {**_ENVIRONMENT, **command.environment}
        environment["GIT_CONFIG_GLOBAL"] = f"/proc/self/fd/{config.fileno()}"
        # GitPython adds this process's environment to each child; env -i takes it away again.
        line = [
            "env", "-i", *(f"{key}={value}" for key, value in environment.items()),
            "setpriv", "--pdeathsig", "TERM", "sh", "-c", _LIMITS, "sh",
            str(os.getpid()), str(_FILE_BYTES // 512), str(_MEMORY_BYTES // 1024),
            "timeout", f"--kill-after={_KILL_AFTER_SECONDS}", str(command.deadline_seconds),
            *command.program,
        ]  # fmt: skip
        # Imported where it is wanted: 4 MiB, and most syncs need no git of ours.
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # No git process at import.
        from git import Git

        started = time.monotonic()
        child: Any = Git("/").execute(
            line,
            istream=source,
            as_process=True,
            shell=False,
            start_new_session=True,
            pass_fds=(config.fileno(),),
        )
        until = started + command.deadline_seconds + 2 * _KILL_AFTER_SECONDS
        status, output, complaint = _collect(child.proc, command, until)
        is_late = time.monotonic() - started >= command.deadline_seconds
    return status, output, complaint, is_late


def _config(access: Access | None, kept: contextlib.ExitStack) -> bytes:
    """The configuration of git; the files that it names live as long as `kept`."""
    if access is None:
        return _CONFIG.encode()
    lines = [_CONFIG]
    if access.addresses and access.url.scheme != "ssh":
        pinned = ",".join(f"[{a}]" if ":" in a else a for a in access.addresses)
        lines.append(f'\tcurloptResolve = "{access.url.host}:{access.url.port}:{pinned}"\n')
    lines.append(
        https_config.config(
            access.proxy,
            ca_file=access.ca_file,
            certificate=access.secret.certificate,
            keep=lambda content: _elsewhere(kept.enter_context(memory_file(content))),
        )
    )
    if access.secret.authorization:
        lines.append(f'\textraHeader = "Authorization: {quoted(access.secret.authorization)}"\n')
    if access.url.scheme == "ssh":
        lines.append(_ssh(access, kept))
    lines.append(f'[remote "origin"]\n\turl = "{quoted(access.url.text)}"\n')
    return "".join(lines).encode()


def _ssh(access: Access, kept: contextlib.ExitStack) -> str:
    # ssh closes every descriptor that it inherits, so it opens these as files of this process.
    key, hosts = (
        _elsewhere(kept.enter_context(memory_file(text.encode())))
        for text in (access.secret.private_key, access.secret.known_hosts)
    )
    config = ssh_config.config(access.url, access.addresses[0], key=key, known_hosts=hosts)
    file = _elsewhere(kept.enter_context(memory_file(config.encode())))
    return f'[core]\n\tsshCommand = "ssh -F {file}"\n[ssh]\n\tvariant = ssh\n'


def _trust(allowed_signers: str, kept: contextlib.ExitStack) -> bytes:
    if not allowed_signers:
        return b""
    file = _elsewhere(kept.enter_context(memory_file(allowed_signers.encode())))
    return f'[gpg "ssh"]\n\tallowedSignersFile = {file}\n'.encode()


def _gpg(home: Path | None) -> bytes:
    if home is None:
        return b""
    program = shutil.which("gpg")
    if program is None:
        raise errors.InternalError("gpg cannot be started here: install GnuPG for the workers.")
    return f'[gpg]\n\tprogram = "{quoted(program)}"\n'.encode()


def memory_file(content: bytes = b"") -> BinaryIO:
    """A file in memory with `content`, at its start; a child opens it as /proc/self/fd/N."""
    file = os.fdopen(os.memfd_create("keeptrusts"), "w+b", buffering=0)
    os.fchmod(file.fileno(), 0o600)  # ssh takes no key that others could read.
    file.write(content)
    file.seek(0)
    return file


def _elsewhere(file: BinaryIO) -> str:
    """The path by which another process opens a file of this one."""
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _collect(
    process: "subprocess.Popen[bytes]", command: _Command, until: float
) -> tuple[int, bytes, str]:
    """Read both outputs to their end; one that passes its bound ends the process group.

    timeout(1) enforces the deadline. `until` is for a helper process that outlived it and still
    has the pipe open.
    """
    assert process.stdout and process.stderr
    bounds = {process.stdout: command.max_bytes, process.stderr: command.max_words}
    output: dict[object, bytearray] = {stream: bytearray() for stream in bounds}
    try:
        with selectors.DefaultSelector() as selector:
            for stream in bounds:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                left = max(0.0, until - time.monotonic())
                ready = selector.select(min(left, _LOOK_SECONDS) if command.bounded else left)
                _check_size(command.bounded)
                if not ready and time.monotonic() >= until:
                    raise errors.TimedOutError(complaints.LATE)
                for key, _ in ready:
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    output[key.fileobj] += chunk
                    if len(output[key.fileobj]) > bounds[key.fileobj]:  # type: ignore[index]
                        raise errors.TooLargeError("The server's answer is too large.")
        status = process.wait()
        _check_size(command.bounded)
    finally:
        _end_group(process)
    complaint = output[process.stderr].decode(errors="replace")
    return status, bytes(output[process.stdout]), complaint


def _check_size(folder: Path | None) -> None:
    """Check that the files below a folder, which may be written at this moment, are small enough.

    Raises:
        TooLargeError: together they are over 64 MiB.
    """
    size = 0
    for place, _, names in os.walk(folder) if folder else ():
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size += os.lstat(os.path.join(place, name)).st_size
    if size > _FILE_BYTES:
        raise errors.TooLargeError(f"The repository is over {_FILE_BYTES} bytes.")


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process group; one that ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def _own_words(complaint: str, hidden: Sequence[str]) -> str:
    """The complaint of git itself, without the server's words and without secrets.

    The messages of a server go through git line by line, each with `remote: ` in front.
    """
    lines = [line for line in complaint.split("\n") if not line.startswith("remote: ")]
    words = "\n".join(lines)
    for text in hidden:
        words = words.replace(text, "***")
    return words


def bare_repository(folder: Path, *, object_format: str) -> list[str]:
    """Make an empty bare repository; returns the arguments that every command in it starts with.

    Source: gitrepository-layout(5); the other files of `git init` are not needed.
    """
    is_sha256 = object_format == "sha256"
    extensions = "[extensions]\n\tobjectFormat = sha256\n" if is_sha256 else ""
    for name in ("objects/pack", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(
        f"[core]\n\trepositoryFormatVersion = {int(is_sha256)}\n\tbare = true\n{extensions}"
    )
    return [f"--git-dir={folder}"]
