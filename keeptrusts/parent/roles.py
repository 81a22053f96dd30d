"""Roles of a machine: which parts of the control plane it runs, and how many processes of each."""

import argparse
import re
from collections.abc import Mapping, Sequence

from keeptrusts.parent import inherited
from keeptrusts.parent.supervisor import Function, Part

Counts = Mapping[str, int]

# Modules that the parts are functions of.
WORKERS, WEB = "keeptrusts.parent.workers", "keeptrusts.serving.web"
STREAMS = "gateways.push.server"
# In the order of their start: the last is the first to end. The seconds are those that each has to
# end in. Syncs are apart, so that slow ones hold up neither ticks nor polls.
_FUNCTIONS = {
    "syncer": (f"{WORKERS}:sync", 12),
    "poller": (f"{WORKERS}:poll", 6),
    "web": (f"{WEB}:main", 10),
    "streams": (f"{STREAMS}:main", 8),
    "beat": (f"{WORKERS}:beat", 5),
}
BEAT = "beat"
ALL: Counts = dict.fromkeys(_FUNCTIONS, 1)
_SERVERS = ("web", "streams")
_MOST = 64
# One is enough: of several machines' one sends, and the others stand by.
_SINGLE = (BEAT,)


class RolesError(ValueError):
    """Roles that cannot be run; the message says what to write."""


def asked(arguments: Sequence[str]) -> Counts:
    """The number of processes by role, of the arguments of `manage.py up`.

    Raises:
        RolesError: `--only` names none, one that there is not, or one twice.
        SystemExit: the arguments are others; it was told why.
    """
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Run the control plane: all of it, or some of its roles.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--only",
        metavar="ROLE[=COUNT],…",
        help=f"the roles that run here, of {', '.join(sorted(_FUNCTIONS))}; the others run on"
        " other machines, with the same DATABASE_URL, REDIS_URL and KEEPTRUSTS_SECRET_KEY",
    )
    only = parser.parse_args(arguments).only
    return ALL if only is None else _counts(only)


def _counts(text: str) -> Counts:
    counts: dict[str, int] = {}
    for word in text.split(","):
        role, is_counted, count = (part.strip() for part in word.partition("="))
        if role not in _FUNCTIONS:
            known = ", ".join(sorted(_FUNCTIONS))
            raise RolesError(f"--only: {role!r} is no role; write some of {known}")
        if role in counts:
            raise RolesError(f"--only: {role} is there twice; write {role}=COUNT for several")
        counts[role] = _count(role, count) if is_counted else 1
    return counts


def _count(role: str, text: str) -> int:
    most = 1 if role in _SINGLE else _MOST
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > most:
        raise RolesError(f"--only: {role}={text}: the count is a whole number from 1 to {most}")
    return int(text)


def signing(parts: Sequence[Part]) -> list[str]:
    """The names under which these parts give signs of life, each a role, or one of several."""
    names = [part.name for part in parts]
    has_beat = any(BEAT in part.runs.arguments for part in parts if isinstance(part.runs, Function))
    return [*names, BEAT] if has_beat else names


def role_of(part: str) -> str:
    """The role of a part: `poller` of `poller.2`."""
    return part.partition(".")[0]


def parts(counts: Counts, environ: Mapping[str, str]) -> list[Part]:
    """The parts that these are: `poller`, and a second one is `poller.2`.

    The function of a server is called with its number, and how many there are. Where all roles run
    here, beat is a thread of the poller, which is told so: it is a process less.
    """
    is_whole = counts.keys() == ALL.keys()
    made = []
    for role, (function, grace_seconds) in _FUNCTIONS.items():
        count = 0 if is_whole and role == BEAT else counts.get(role, 0)
        environment = inherited.by_role(role, environ)
        for number in range(1, count + 1):
            name = role if number == 1 else f"{role}.{number}"
            arguments: tuple[str, ...] = (str(number), str(count)) if role in _SERVERS else ()
            if is_whole and name == "poller":
                arguments = (BEAT,)
            made.append(Part(name, Function(function, arguments, environment), grace_seconds))
    return made
