"""The page of figures: what a committed run found, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
RESULT = ROOT / "docs" / "detection.json"


def test_the_page_has_the_figures_of_the_committed_run() -> None:
    """As the command prints them."""
    command = [sys.executable, "bench/detection/corpus.py", "--page", str(RESULT)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    page = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")

    assert page.partition("<!-- measured -->\n")[2].partition("<!-- end -->")[0] == printed


def test_the_run_names_its_corpus_and_its_rules() -> None:
    """So that another one can be compared with it."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    assert len(result["corpus_sha256"]) == 64
    assert {row["policy"] for row in result["rows"]} == {
        "pii-detector",
        "dlp-filter",
        "prompt-injection",
        "safety-filter",
    }
