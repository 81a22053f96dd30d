"""The `kt` command line: finds the command that the first words name, and runs it.

A command is a module with `add_arguments(parser)` and `run(options) -> int`. Only the one
that runs is imported and only its parser is built, because most of what a short command
costs is imports.

Exit codes: 0 done, 1 the answer is no, 2 the command could not do its work.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from kt.cli.errors import CommandError
from kt.lazy import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn


class Command:
    """A command: the words that name it, its module, and its summary."""

    __slots__ = ("module", "summary", "words")

    def __init__(self, words: tuple[str, ...], module: str, summary: str) -> None:
        self.words = words
        self.module = module
        self.summary = summary


COMMANDS = (
    Command(("init",), "kt.cli.init", "write a policy to start from"),
    Command(("policy", "lint"), "kt.cli.lint", "check policy files"),
    Command(("policy", "test"), "kt.cli.test", "run a policy's own tests"),
    Command(("policy", "explain"), "kt.cli.explain", "print the manual page of a lint code"),
    Command(("policy", "diff"), "kt.cli.diff", "say what a change does to enforcement"),
    Command(("policy", "schema"), "kt.cli.schema", "print the JSON Schema of policy files"),
    Command(("gateway", "run"), "kt.cli.gateway.command", "enforce a policy in front of any model"),
    Command(
        ("gateway", "reset-trust"), "kt.cli.gateway.resettrust", "begin anew with a token's key"
    ),
    Command(("run",), "kt.cli.gateway.command", "the same as kt gateway run"),
    Command(("drift",), "kt.cli.drift.command", "say where git, control plane and gateways differ"),
)

_WIDTH = 96
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def entry() -> NoReturn:
    """The console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that cannot show a character of the file must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. Python would complain again at shutdown.
        sys.stdout = None
        code = 0
    except OSError as error:
        # Commands handle errors of what they read; this is one of their output.
        print(f"kt: cannot write: {error.strerror}", file=sys.stderr)
        sys.stdout = None
        code = _EXIT_USAGE
    except KeyboardInterrupt:
        code = _EXIT_INTERRUPTED
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
        code: int = module.run(_options(module, command, argv))
    except CommandError as error:
        print(f"kt: {error}", file=sys.stderr)
        return _EXIT_USAGE
    return code


def _options(module: Any, command: Command, argv: Sequence[str]) -> Any:
    """The options of the command line, as attributes."""
    read_plainly = getattr(module, "read_plainly", None)
    if read_plainly is not None and (options := read_plainly(argv)) is not None:
        return options
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"kt {' '.join(command.words)}",
        description=command.summary,
        allow_abbrev=False,
        # A fixed width: to ask the terminal, argparse would import shutil.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_WIDTH),
    )
    module.add_arguments(parser)
    return parser.parse_intermixed_args(argv)


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
    groups = [command.words[0] for command in COMMANDS if command.words[1:]]
    own = argv[1] if argv[1:] and nearest(argv[0], groups) else argv[0]
    if own not in whole.values():
        if (near := nearest(" ".join(("kt", *argv[:2])), whole)) is not None:
            return near
        own = nearest(own, whole.values()) or ""
    return next((words for words, last in whole.items() if last == own), None)


def _help() -> str:
    rows = [(" ".join(command.words), command.summary) for command in COMMANDS]
    width = max(len(words) for words, _ in rows)
    lines = [f"  kt {words:<{width}}  {summary}" for words, summary in rows]
    return "\n".join(["usage: kt COMMAND [OPTIONS]", "", *lines, "", "kt --version, kt --help"])
