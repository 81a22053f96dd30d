"""The command that brings what a gateway needs, when kt was installed without it."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit


def command(extra: str = "gateway") -> str:
    """A line for a shell, which installs from where this kt came."""
    return f"{shlex.quote(sys.executable)} -m pip install {source(_record(), extra)}"


def source(record: str | None, extra: str = "gateway") -> str:
    """What pip installs with the extra, quoted for a shell.

    `record` is what pip wrote down of an installation, its `direct_url.json`. Without one, or when
    what it names is gone, a checkout is asked for: no index can be, where the name is not ours.
    """
    noted = json.loads(record) if record else {}
    url = urlsplit(noted.get("url", ""))
    if url.scheme == "file" and Path(unquote(url.path)).exists():
        return shlex.quote(f"{unquote(url.path)}[{extra}]")
    if url.scheme in ("", "file"):
        return f"'PATH[{extra}]', PATH being a checkout of keeptrusts"
    version = noted.get("vcs_info")
    address = f"{version['vcs']}+{url.geturl()}@{version['commit_id']}" if version else url.geturl()
    return shlex.quote(f"keeptrusts[{extra}] @ {address}")


def _record() -> str | None:
    try:
        return distribution("keeptrusts").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
