"""Complaints of git and ssh, translated into errors. Pure."""

import re
import signal

from gitrepos import errors
from gitrepos.forge.git import object_checks
from gitrepos.forge.proxy import Proxy

TIMED_OUT = 124  # timeout(1)
LATE = "The server did not answer in time."
FULL = "Files cannot be written here: check the disk of the data folder."
# A server's complaint about its own disk comes as a "remote error".
_OURS = r"(?:\A|\n)(?:fatal|error): (?!remote error: )"
# The programs that start git: their words come first. A failure of git itself has status 128.
_MISSING = re.compile(r"(?:env|setpriv|sh|timeout): ")
_LARGE = "The repository is too large, or takes too much memory."

# git's own words under LC_ALL=C, and those of libcurl; the first match counts. Each has a blank or
# a digit where a name that somebody chose has none, so that no name is taken for a complaint.
_COMPLAINTS: tuple[tuple[type[errors.RemoteError], str, tuple[str, ...]], ...] = (
    (
        errors.ProxyFailedError,
        "The proxy failed",
        (
            r"HTTP code [0-9]+ from proxy",
            "CONNECT tunnel failed, response",
            "[Pp]roxy CONNECT aborted",
            "[Cc]ould not resolve proxy",
            "to the proxy ",
            r"error: 407\b",
        ),
    ),
    (
        errors.ObjectRefusedError,
        "The server serves no object by its id.",
        ("not our ref", "request for unadvertised object"),
    ),
    (
        errors.HostKeyMismatchError,
        "The server is not the one that known_hosts says it is.",
        ("Host key verification failed",),
    ),
    (
        errors.AuthFailedError,
        "The server refuses the ssh key of this credential.",
        (r"Permission denied \(",),
    ),
    (
        errors.AuthFailedError,
        "The server refuses this credential, or wants one: send another access_token.",
        ("Authentication failed", "could not read (Username|Password)", r"error: 40[13]\b"),
    ),
    (
        errors.RepoNotFoundError,
        "The server knows no such repository, or hides it from this credential.",
        (
            "repository '.*' not found",
            r"error: 404\b",
            "not appear to be a git",
            "ERROR: .*not (be )?found",
        ),
    ),
    (
        errors.TakenDownError,
        "The server may not show the repository, for legal reasons.",
        (r"error: 451\b",),
    ),
    (
        errors.BranchNotFoundError,
        "The repository has no such branch.",
        ("couldn't find remote ref",),
    ),
    (
        errors.MovedError,
        "The server redirects elsewhere, and no redirect is followed: link the new url.",
        (r"error: 30[12378]\b",),
    ),
    (
        errors.InternalError,
        FULL,
        (
            rf"{_OURS}.*(No space left on device|Disk quota exceeded|Read-only file system)",
            rf"{_OURS}(.*couldn't write '|failed to write new configuration file)",
            rf"{_OURS}.*unable to (create temporary|write) file",
        ),
    ),
    (errors.RateLimitedError, "The server asks for fewer requests.", (r"error: 429\b",)),
    (errors.TimedOutError, LATE, ("timed out", "too slow")),
    (
        errors.TooLargeError,
        _LARGE,
        (
            "File size limit",
            r"died of signal (9|25)\b",
            "[Oo]ut of memory",
            "memory exhausted",
            "malloc failed",
            "unable to create thread",
            "mmap failed",
            "annot allocate memory",
            "File too large",
            # Killed at a bound, the reader of a pack says nothing itself.
            r"\Afatal: fetch-pack: invalid index-pack output\s*\Z",
        ),
    ),
    (
        errors.RequestFailedError,
        "The server cannot be reached",
        # It answered git's first request, and is not overloaded.
        (r"RPC failed; HTTP 50[01]\b", r"RPC failed; curl (16|52|55|56|92)\b"),
    ),
    (
        errors.UnreachableError,
        "The server cannot be reached",
        (
            "Could not resolve",
            "Failed to connect",
            "Couldn't connect",
            "Connection refused",
            r"error: 5\d\d\b",
            "Connection reset",
            "[Nn]etwork is unreachable",
            "No route to host",
            "(SSL|TLS) ",
            r"gnutls_handshake\(\) failed",
            "certificate verification failed",
            "Empty reply",
            "Recv failure",
            "Connection closed by",
        ),
    ),
)


def translated(
    status: int, complaint: str, *, is_late: bool, step: str = "git"
) -> errors.RemoteError:
    """The error for a failed git process, by its exit status and what it wrote to stderr.

    `is_late` says that its deadline has passed, `step` which command it was.
    """
    # Its own SIGKILL after the deadline ends timeout(1) as well.
    if status in (TIMED_OUT, 128 + signal.SIGKILL) or (status == -signal.SIGKILL and is_late):
        return errors.TimedOutError(LATE)
    if status in (-signal.SIGXFSZ, -signal.SIGKILL):
        return errors.TooLargeError(_LARGE)
    if status != 128 and _MISSING.match(complaint):
        return errors.InternalError(f"git cannot be started here: {complaint.splitlines()[0]}")
    checks = object_checks.failed(status, complaint)
    if checks and object_checks.UNKNOWN not in checks:
        return _unsafe(complaint, checks)
    for kind, message, words in _COMPLAINTS:
        if re.search("|".join(words), complaint):
            return kind(message if message.endswith(".") else f"{message}: {_cause(complaint)}.")
    if checks:
        return _unsafe(complaint, checks)
    if not (cause := _cause(complaint)):
        return errors.BadAnswerError(f"{step} ended {_how(status)} and said nothing.")
    return errors.BadAnswerError(f"git does not understand the answer: {cause}")


def naming(proxy: Proxy, complaint: str) -> str:
    """The complaint with the proxy called so where libcurl names its host and port alone."""
    if not proxy.scheme:
        return complaint
    at = f" to {proxy.host} port {proxy.port}"
    return complaint.replace(at, f" to the proxy {proxy.host} port {proxy.port}")


def _unsafe(complaint: str, checks: frozenset[str]) -> errors.UnsafeObjectError:
    said = f"Our own check refuses an object of the repository: {object_checks.first(complaint)}."
    return errors.UnsafeObjectError(said, checks=checks)


_FATAL = ("fatal: ", "error: ", "ssh: ")


def _how(status: int) -> str:
    """How a process ended. A shell, and timeout(1), add 128 to the number of a signal."""
    number = -status if status < 0 else status - 128
    try:
        return f"by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"with exit status {status}"


def _cause(complaint: str) -> str:
    """The first line that git or ssh calls fatal or an error, else the first line, printable.

    It is bounded, and empty where there is none.
    """
    said = [line for line in complaint.split("\n") if line.strip() and line.strip() != "remote:"]
    lines = [line for line in said if line.startswith(_FATAL)] or said
    line = re.sub(r"^(fatal|error|ssh): |unable to access '[^']*': ", "", lines[0] if lines else "")
    printable = "".join(character if character.isprintable() else "?" for character in line)
    return printable.strip().rstrip(".")[:300]
