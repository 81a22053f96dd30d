"""The `kt` command line: finds the command that the first words name, and runs it.

A command is a module with `add_arguments(parser)` and `run(options) -> int`, a group of commands
one with `VERBS`. Only the one that runs is imported and only its parser is built, because most of
what a short command costs is imports.

Exit codes: 0 done, 1 the answer is no, 2 the command could not do its work.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from kt.cli.commands.table import COMMANDS
from kt.cli.errors import CommandError
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

    from kt.cli.commands.table import Command

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130
# As of any program that writes into a pipe that nobody reads any more.
_EXIT_UNREAD = 141


def entry() -> NoReturn:
    """The console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that cannot show a character of the file must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:  # Closed by the shell; what is for it would go to stdout.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    code: int | None = None
    try:
        code = main(sys.argv[1:])
        if isinstance(sys.stdout, TextIOWrapper):  # It is None where the shell has closed it.
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. Python would complain again at shutdown.
        sys.stdout = None
        # What had come to an end has its code; a linter that was cut off has found nothing good.
        code = _EXIT_UNREAD if code is None else code
    except OSError as error:
        # Commands handle errors of what they read; this is one of their output.
        print(f"kt: cannot write: {error.strerror}", file=sys.stderr)
        sys.stdout = None
        code = _EXIT_USAGE
    except KeyboardInterrupt:
        code = _EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001  Python's own code for it means here that the answer is no.
        sys.excepthook(*sys.exc_info())
        code = _EXIT_USAGE
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; usage errors end the process with 2."""
    for command in COMMANDS:
        if tuple(argv[: len(command.words)]) == command.words:
            return _run(command, argv[len(command.words) :])
    return _without_command(argv)


def _run(command: Command, argv: Sequence[str]) -> int:
    # Imports make no garbage, and looking for it takes a tenth of their time.
    gc.disable()
    module = import_module(command.module)
    gc.enable()
    try:
        return _in(module, command, argv)
    except CommandError as error:
        print(f"kt: {error}", file=sys.stderr)
        return _EXIT_USAGE


def _in(module: Any, command: Command, argv: Sequence[str]) -> int:
    verbs = getattr(module, "VERBS", None)
    if verbs is None:
        return int(module.run(_options(module, command, argv)))
    verb = next((one for one in verbs if argv and one.name == argv[0]), None)
    if verb is None:
        return _without_verb(command, {one.name: one.summary for one in verbs}, argv)
    from kt.cli.commands.parsing import parser

    words = (*command.words, verb.name)
    made = parser(words, verb.summary, verb.arguments, verb.example)
    return int(verb.run(made.parse_intermixed_args(argv[1:])))


def _options(module: Any, command: Command, argv: Sequence[str]) -> Any:
    """The options of the command line, as attributes."""
    read_plainly = getattr(module, "read_plainly", None)
    if read_plainly is not None and (options := read_plainly(argv)) is not None:
        return options
    from kt.cli.commands.parsing import parser

    made = parser(command.words, command.summary, module.add_arguments, command.example)
    return made.parse_intermixed_args(argv)


def _without_verb(command: Command, verbs: dict[str, str], argv: Sequence[str]) -> int:
    group = " ".join(("kt", *command.words))
    rows = [(f"{group} {name}", summary) for name, summary in verbs.items()]
    told = _usage(f"{group} VERB", rows, f"{group} VERB --help")
    if argv and argv[0] in ("-h", "--help", "help"):
        print(told)
        return 0
    hint = ""
    if argv:
        from kt.policy.suggest import nearest

        meant = nearest(argv[0], verbs)
        hint = f"kt: no command {group[3:] + ' ' + argv[0]!r}"
        hint += f"; did you mean {f'{group} {meant}'!r}?\n\n" if meant else "\n\n"
    print(f"{hint}{told}", file=sys.stderr)
    return _EXIT_USAGE


def _without_command(argv: Sequence[str]) -> int:
    if list(argv) == ["--version"]:
        from kt import __version__

        print(f"kt {__version__}")
        return 0
    if not argv or argv[-1] in ("-h", "--help", "help"):
        print(_help(), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else _EXIT_USAGE
    hint = f"; did you mean {meant!r}?" if (meant := _meant(argv)) else ""
    print(f"kt: no command {' '.join(argv[:2])!r}{hint}\n\n{_help()}", file=sys.stderr)
    return _EXIT_USAGE


def _meant(argv: Sequence[str]) -> str | None:
    """The command that was most likely meant: one by its own word, else the nearest."""
    from kt.policy.suggest import nearest

    whole = {" ".join(("kt", *command.words)): command.words[-1] for command in COMMANDS}
    several = " ".join(("kt", f"{argv[0]}s"))
    if several in whole and not set(argv[1:2]) & set(whole.values()):
        return " ".join((several, *argv[1:2]))
    groups = [command.words[0] for command in COMMANDS if command.words[1:]]
    own = argv[1] if argv[1:] and nearest(argv[0], groups) else argv[0]
    if own not in whole.values():
        if (near := nearest(" ".join(("kt", *argv[:2])), whole)) is not None:
            return near
        own = nearest(own, whole.values()) or ""
    return next((words for words, last in whole.items() if last == own), None)


def _help() -> str:
    rows = [(" ".join(("kt", *command.words)), command.summary) for command in COMMANDS]
    return _usage("kt COMMAND", rows, "kt COMMAND --help, kt --version")


def _usage(what: str, rows: Sequence[tuple[str, str]], more: str) -> str:
    width = max(len(words) for words, _ in rows)
    lines = [f"  {words:<{width}}  {summary}" for words, summary in rows]
    return "\n".join([f"usage: {what} [OPTIONS]", "", *lines, "", more])
