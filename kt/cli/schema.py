"""`kt policy schema`: print the language as a JSON Schema, for editors, or as a page for people.

`--format markdown` prints `docs/policy.md`.
"""

from __future__ import annotations

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--format", choices=("json", "markdown"), default="json",
        help="default: json, the schema; markdown: every key, for people",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the language."""
    if options.format == "markdown":
        from kt.policy.language.page import page

        print(page(), end="")
        return 0
    from kt.policy.schema import schema

    print(json.dumps(schema(), indent=2))
    return 0
