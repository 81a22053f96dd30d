"""`RULES_VERSION`: a digest of the source that lint runs."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

from kt.policy.rules import RULES_VERSION

# Lints every golden case in a fresh process and prints the files of the language it loaded.
_PROBE = """
import sys
from pathlib import Path
from kt.policy.lint import lint
for case in Path("tests/cases").glob("*/*.yaml"):
    lint(case.read_bytes())
for name, module in sorted(sys.modules.items()):
    if name.startswith("kt.policy.") and name != "kt.policy.rules":
        print(module.__file__)
"""


def test_the_rules_version_is_the_digest_of_the_rules(root: Path, renew: bool) -> None:
    """Whoever changes what lint does renews the version, so quarantined files are tried again."""
    found = subprocess.run(
        [sys.executable, "-c", _PROBE], cwd=root, check=True, capture_output=True, text=True
    )
    digest = hashlib.sha256()
    for path in found.stdout.splitlines():
        digest.update(Path(path).read_bytes())
    actual = digest.hexdigest()[:16]
    if renew:
        _write(root / "kt" / "policy" / "rules" / "__init__.py", actual)
    else:
        assert actual == RULES_VERSION, "the rules changed: RENEW=1 pytest tests/kt/policy"


def _write(path: Path, version: str) -> None:
    path.write_text(
        re.sub(
            r'^RULES_VERSION = ".*"', f'RULES_VERSION = "{version}"', path.read_text(), flags=re.M
        )
    )
