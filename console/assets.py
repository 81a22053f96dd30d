"""Files of pages: each under a name that has a hash of its content; and their sheet of styles.

A browser keeps such a file for ever, and a page of another release names another one. Hashes are
of the files as they lie in their packages, so there is no step that collects or renames them.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils.safestring import SafeString
from whitenoise.middleware import WhiteNoiseMiddleware

# All that pages load. The sheet of styles stands in each of them, so that one answer is enough to
# paint it.
NAMES = ("console/mark.svg", "console/console.js", "django_htmx/htmx-4.min.js")
_SHEET = "console/console.css"
_HASH_CHARACTERS = 16


class ServedFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves the files of pages under those names, and under no other."""

    def add_files_from_finders(self) -> None:
        """Make known the files that there are, once for the process."""
        for name in NAMES:
            self.add_file_to_dictionary(url(name), str(_path(name)))

    def immutable_file_test(self, path: Any, url: Any) -> bool:
        """True: another content is another name."""
        return True


@cache
def url(name: str) -> str:
    """The path that a file is served at."""
    stem, _, kind = name.rpartition(".")
    digest = hashlib.sha256(_path(name).read_bytes()).hexdigest()[:_HASH_CHARACTERS]
    return f"{settings.STATIC_URL}{stem}.{digest}.{kind}"


@cache
def sheet() -> SafeString:
    """The styles of all pages, as they stand between the tags."""
    return SafeString(_path(_SHEET).read_text())


@cache
def sheet_source() -> str:
    """What of a Content-Security-Policy lets exactly that sheet in."""
    digest = base64.b64encode(hashlib.sha256(sheet().encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _path(name: str) -> Path:
    """Where a file lies.

    Raises:
        FileNotFoundError: an installation lacks it.
    """
    found = finders.find(name)
    if not found:
        raise FileNotFoundError(f"no file {name} of pages is installed")
    return Path(found)
