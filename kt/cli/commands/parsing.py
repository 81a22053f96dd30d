"""Parsers of commands, each with an example in its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from kt.cli.commands.table import Command

_WIDTH = 96

Arguments = Callable[[argparse.ArgumentParser], None]


class Verb(NamedTuple):
    """One command of a group: its word, what it does, and an example of it."""

    name: str
    summary: str
    run: Callable[[argparse.Namespace], int]
    arguments: Arguments
    example: str


class Leaf(NamedTuple):
    """A command that runs: all of its words, with its parser."""

    words: tuple[str, ...]
    summary: str
    example: str
    parser: argparse.ArgumentParser


def parser(
    words: tuple[str, ...], summary: str, arguments: Arguments, example: str
) -> argparse.ArgumentParser:
    """The parser of one command. What it has for an epilog goes before the example."""
    made = argparse.ArgumentParser(
        prog=" ".join(("kt", *words)),
        description=summary,
        allow_abbrev=False,
        # A fixed width: to ask the terminal, argparse would import shutil.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_WIDTH),
    )
    arguments(made)
    if made.epilog:
        made.description = f"{summary}. {made.epilog}"
    made.epilog = f"example: {example}"
    return made


def leaves(command: Command) -> Iterator[Leaf]:
    """Every command that a row of the table stands for."""
    module: Any = import_module(command.module)
    for verb in getattr(module, "VERBS", ()):
        words = (*command.words, verb.name)
        made = parser(words, verb.summary, verb.arguments, verb.example)
        yield Leaf(words, verb.summary, verb.example, made)
    if not hasattr(module, "VERBS"):
        made = parser(command.words, command.summary, module.add_arguments, command.example)
        yield Leaf(command.words, command.summary, command.example, made)
