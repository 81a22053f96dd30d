"""Rules of accessibility, as axe-core knows them, held against a page."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support import npm

_PACKAGE = "axe-core@4.14.1"
_INTEGRITY = (
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe"
    "37OgudVGtQ=="
)


def fetched(folder: Path) -> str:
    """The script."""
    return (npm.unpacked(_PACKAGE, _INTEGRITY, folder) / "axe.min.js").read_text()


def violations(page: Page, script: str) -> list[str]:
    """What a page does wrong, each with the places.

    The script comes in by the debugger, which no policy of a page is asked about: the page keeps
    its own. What cannot be decided by a machine is left out.
    """
    page.evaluate(f"() => {{ {script} }}")
    found: dict[str, Any] = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10, "the rules were not asked"
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
