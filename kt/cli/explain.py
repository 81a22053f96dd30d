"""`kt policy explain CODE`: print the manual page of a rule; without a code, all titles.

`--all` prints the whole manual as Markdown, which is `docs/lint-codes.md`.
"""

from __future__ import annotations

import argparse

# The import enters every rule in the catalogue.
import kt.policy.lint  # noqa: F401
from kt.cli.errors import CommandError
from kt.policy.rules.base import CATALOGUE, Rule
from kt.policy.suggest import nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as E002")
    parser.add_argument("--all", action="store_true", help="print the whole manual as Markdown")


def run(options: argparse.Namespace) -> int:
    """Print one page, all of them, or the list of their titles."""
    if options.all:
        from kt.cli.manual import manual

        print(manual(), end="")
        return 0
    if options.code is None:
        for code, rule in sorted(CATALOGUE.items()):
            print(f"{code}  {rule.title()}")
        return 0
    print(_page(_find(options.code)))
    return 0


def _find(code: str) -> type[Rule]:
    rule = CATALOGUE.get(code.upper())
    if rule is None:
        near = nearest(code.upper(), sorted(CATALOGUE))
        hint = f"did you mean {near}?" if near else "kt policy explain lists them"
        raise CommandError(f"no rule {code!r}; {hint}")
    return rule


def _page(rule: type[Rule]) -> str:
    return f"{rule.code} ({rule.severity()}): {rule.page()}"
