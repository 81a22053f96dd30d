"""Variables that are called like a setting, and are none."""

import re
from pathlib import Path

from keeptrusts.parent.misspelt import KNOWN, warnings
from tests.support.stack import ROOT

NAME = re.compile(r'"(KEEPTRUSTS_[A-Z_]+[A-Z])"')


def test_a_misspelt_setting_is_warned_of() -> None:
    """With the one that is meant, and without its value; what others call theirs is not ours."""
    said = warnings(["KEEPTRUSTS_GIT_SCHEME", "KEEPTRUSTS_WHATEVER", "KEEPTRUST_X", "PATH"])

    ignored = "is no setting, and is ignored"
    assert said == [
        f"warning: KEEPTRUSTS_GIT_SCHEME {ignored}; did you mean 'KEEPTRUSTS_GIT_SCHEMES'?",
        f"warning: KEEPTRUSTS_WHATEVER {ignored}; docs/operating.md has all of them",
    ]


def test_every_variable_that_is_read_is_known() -> None:
    """By the control plane and by kt, whose shell may be the same."""
    sources: list[Path] = [*(ROOT / "keeptrusts/env").rglob("*.py"), *(ROOT / "kt").rglob("*.py")]
    read = {name for path in sources for name in NAME.findall(path.read_text())}

    assert read
    assert read - KNOWN == set()
    assert warnings(KNOWN) == []
