"""The page of the API has the actions of the audit log."""

import os

from events.audit import ACTIONS
from tests.support.stack import ROOT


def test_the_docs_have_every_action() -> None:
    """Run with RENEW=1 to write them anew."""
    rows = [f"| `{action}` | {meaning} |" for action, meaning in ACTIONS.items()]
    table = "\n".join(["| action | what happened |", "|---|---|", *rows]) + "\n"
    page = ROOT / "docs" / "api.md"
    head, begin, rest = page.read_text().partition("<!-- audit: begin -->\n")
    found, end, tail = rest.partition("<!-- audit: end -->")
    if os.environ.get("RENEW"):
        page.write_text(head + begin + table + end + tail)
    assert os.environ.get("RENEW") or found == table
