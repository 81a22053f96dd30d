"""What children of a fork server run in its tests."""

import os
import sys
import time
from pathlib import Path

from django.conf import settings


def tell(*arguments: str) -> None:
    """Print what this process was given, and what it is."""
    print(arguments)
    print(Path("/proc/self/cmdline").read_bytes().replace(b"\0", b"").decode())
    print(os.environ["OURS"], os.environ.get("SECRET"))
    print("secret", settings.ENV.provider)
    print(os.getpid(), os.getsid(0))


def fail() -> None:
    """End with a status."""
    sys.exit(3)


def fall() -> None:
    """Raise something."""
    raise ValueError("fallen")


def sleep() -> None:
    """Say so, and wait for a signal."""
    print("asleep", flush=True)
    time.sleep(600)


def drivers() -> None:
    """Print whether there is a driver of PostgreSQL, which is barred or was imported."""
    print(sys.modules.get("psycopg") is not None)
