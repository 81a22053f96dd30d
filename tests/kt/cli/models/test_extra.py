"""What is said when kt was installed without what a gateway needs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kt.cli.models.extra import source
from tests.support.stack import free_port

GIT = {"vcs": "git", "requested_revision": "main", "commit_id": "0" * 40}
CHECKOUT = "'PATH[gateway]', PATH being a checkout of keeptrusts"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"url": "https://host/group/keeptrusts.git", "vcs_info": GIT},
            f"'keeptrusts[gateway] @ git+https://host/group/keeptrusts.git@{'0' * 40}'",
        ),
        (
            {"url": "https://host/keeptrusts-0.1.0-py3-none-any.whl", "archive_info": {}},
            "'keeptrusts[gateway] @ https://host/keeptrusts-0.1.0-py3-none-any.whl'",
        ),
        ({"url": "file:///gone/keeptrusts", "dir_info": {}}, CHECKOUT),
        ({"url": ""}, CHECKOUT),
        (None, CHECKOUT),
    ],
)
def test_the_extra_comes_from_where_kt_came(record: Any, expected: str) -> None:
    """As pip wrote it down; an index is never asked for a name that is not ours."""
    assert source(record and json.dumps(record)) == expected
    of_models = source(record and json.dumps(record), "onnx")
    assert of_models == expected.replace("[gateway]", "[onnx]")


@pytest.mark.parametrize("name", ["keeptrusts", "a checkout's name", "größer%20"])
def test_a_folder_is_named_as_a_shell_takes_it(tmp_path: Path, name: str) -> None:
    """Its url is undone."""
    folder = tmp_path / name
    folder.mkdir()
    record = json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}})

    assert shlex.split(source(record)) == [f"{folder}[gateway]"]


def test_a_gateway_without_its_extra_says_how_to_get_it(files: Path) -> None:
    """With the interpreter that lacks it."""
    words = ["gateway", "run", "--policy-config", "good.yaml", "--port", str(free_port())]
    code = "import sys; from kt.cli.main import entry; sys.modules['uvloop'] = None; entry()"
    argv = [sys.executable, "-c", code, *words]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=files, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("kt: the gateway needs uvloop, which kt was installed without: ")
    assert f"{sys.executable} -m pip install " in done.stderr
    assert "[gateway]" in done.stderr
