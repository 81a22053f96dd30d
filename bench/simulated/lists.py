"""The list of configurations by django-ninja, in a process of its own with its own environment.

Started by `Ninja`: it answers each line of its input with the CPU milliseconds of one list.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Ninja:
    """The process, as the bench sees it."""

    def __init__(self, python: Path) -> None:
        command = [str(python), __file__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def spent(self) -> float:
        """CPU milliseconds of one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def stop(self) -> None:
        """End it."""
        self._process.communicate()


def _database() -> dict[str, Any]:
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.scheme:
        name = str(Path(os.environ["KEEPTRUSTS_DATA_DIR"]) / "keeptrusts.sqlite3")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    host = parse_qs(url.query).get("host", [url.hostname])[0]
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": url.path.lstrip("/"),
        "USER": url.username or "", "PASSWORD": url.password or "", "HOST": host,
        "PORT": str(url.port or ""),
    }  # fmt: skip


def _serve() -> None:
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": _database()}, USE_TZ=True, ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"], SECRET_KEY="bench",
    )  # fmt: skip
    django.setup()
    from django.db import models
    from django.test import RequestFactory
    from django.urls import path
    from ninja import NinjaAPI, Schema

    class Configuration(models.Model):
        id = models.CharField(primary_key=True, max_length=200)
        name = models.CharField(max_length=200)
        description = models.CharField(max_length=2000)
        labels = models.JSONField()
        status = models.CharField(max_length=10)
        source = models.CharField(max_length=4)
        owner = models.CharField(max_length=36)
        version = models.PositiveIntegerField()
        content_hash = models.CharField(max_length=64)
        four_eyes = models.BooleanField()
        created_at = models.DateTimeField()
        updated_at = models.DateTimeField()

        class Meta:
            app_label = "configurations"
            managed = False
            db_table = "configurations_configuration"

    # Named here, for the annotations of a schema are looked for in the module.
    class Row(Schema):
        id: str
        name: str
        description: str
        labels: dict[str, str]
        status: str
        source: str
        owner: str
        version: int
        content_hash: str
        four_eyes: bool
        created_at: datetime
        updated_at: datetime

    api = NinjaAPI()

    def listed(request: Any) -> Any:
        return Configuration.objects.order_by("pk")

    api.get("/configurations", response=list[Row])(listed)
    globals()["urlpatterns"] = [path("", api.urls)]
    from django.core.handlers.wsgi import WSGIHandler

    handler: Any = WSGIHandler()
    factory = RequestFactory()
    for _ in sys.stdin:
        begin, count = time.process_time(), 0
        while (now := time.process_time()) - begin < 0.3 or not count:
            body = b"".join(handler(factory.get("/configurations").environ, lambda *_: None))
            assert body.startswith(b"["), body[:300]
            count += 1
        print(1000 * (now - begin) / count, flush=True)


if __name__ == "__main__":
    _serve()
