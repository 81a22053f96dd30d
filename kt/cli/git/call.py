"""Calls of the git that made the checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection

from kt.cli.errors import CommandError

_SECONDS = 60


def git(folder: str, *arguments: str, stdin: bytes = b"", codes: Collection[int] = (0,)) -> bytes:
    """Run git in a folder; what it prints.

    Raises:
        CommandError: it cannot be run, takes over a minute, or ends with none of `codes`.
    """
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],  # noqa: S607  The git that made the checkout.
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        raise CommandError(f"git cannot be run: {exc}") from exc
    if done.returncode not in codes:
        # All of it: how to trust a checkout that another user owns stands in later lines.
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise CommandError(f"git {arguments[0]}: {said or 'no reason given'}")
    return done.stdout
