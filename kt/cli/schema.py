"""`kt policy schema`: print the JSON Schema of policy files, for editors."""

from __future__ import annotations

import argparse
import json

from kt.policy.schema import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no arguments: the command takes none."""


def run(_options: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(schema(), indent=2))
    return 0
