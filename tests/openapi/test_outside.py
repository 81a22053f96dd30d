"""What others make of the document: generated clients, and schemathesis against a whole stack."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from access.roles import ROLES
from tests.support.forge import Forge
from tests.support.npm import NPM, node
from tests.support.repo import policy
from tests.support.stack import Stack

pytestmark = pytest.mark.soak

SOURCES = Path(__file__).with_name("outside")
# Requests of schemathesis together; fewer with OPENAPI_REQUESTS.
_REQUESTS = int(os.environ.get("OPENAPI_REQUESTS", "50000"))
# What it sends to so many operations before it draws examples of each.
_ALWAYS, _OPERATIONS = 4000, 85
_OWN = "configuration|client-keys|report|decisions|events|contents/.*"
# A feed does not end, so that each request takes as long as it may; tests of its own hear it.
_LEFT_OUT = rf"^/v1/(stream|gateways/(enrol|\{{gateway_id\}}/({_OWN})))$"
_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a virtual environment with what is written down."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [folder / "bin" / "pip", "install", "-q", "-r", SOURCES / "requirements.txt"]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "bin"


@pytest.fixture
def document(shared_stack: Stack, tmp_path: Path) -> Path:
    """The document as the stack gives it to anybody."""
    path = tmp_path / "openapi.json"
    path.write_bytes(shared_stack.request("GET", "/v1/openapi.json", token="none").body)
    return path


def _repository(forge: Forge, folder: Path, name: str) -> tuple[str, str]:
    """The url of a repository with one policy, and the hash of that."""
    repo = forge.repository(folder)
    text = policy(id=name)
    repo.commit({f"policies/{name}/policy-config.yaml": text})
    return repo.url, hashlib.sha256(text.encode()).hexdigest()


def _without_fields(document: Path) -> None:
    """Take the parameter away by which a list's rows have some of their members alone."""
    made = json.loads(document.read_bytes())
    for path in made["paths"].values():
        for one in path.values():
            told = one.get("parameters", [])
            one["parameters"] = [each for each in told if each["name"] != "fields"]
    document.write_text(json.dumps(made))


def test_a_python_client_walks_the_journey(
    shared_stack: Stack, programs: Path, document: Path, forge: Forge, tmp_path: Path
) -> None:
    """Made by openapi-python-client, from the link to the fleet."""
    url, content_hash = _repository(forge, tmp_path / "clone", "by-python")
    generate = ["generate", "--path", document, "--meta", "none"]
    subprocess.run(
        [programs / "openapi-python-client", *generate, "--output-path", "keeptrusts_client"],
        cwd=tmp_path, check=True, capture_output=True, env={"PATH": str(programs)},
    )  # fmt: skip

    done = subprocess.run(
        [programs / "python", SOURCES / "journey.py", shared_stack.url, shared_stack.token(), url],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["by-python", content_hash, "offline", "not_found"]


def test_a_typescript_client_walks_the_journey(
    shared_stack: Stack, document: Path, forge: Forge, tmp_path: Path
) -> None:
    """With types by openapi-typescript, which its compiler holds the program against."""
    url, content_hash = _repository(forge, tmp_path / "clone", "by-typescript")
    folder = tmp_path / "npm"
    shutil.copytree(SOURCES, folder)
    node(folder, NPM, "ci", "--ignore-scripts", "--no-audit", "--cache", str(tmp_path / "cache"))
    node(folder, "node_modules/openapi-typescript/bin/cli.js", str(document), "-o", "api.d.ts")
    node(folder, "node_modules/typescript/bin/tsc", "-p", ".")

    said = node(folder, "journey.ts", shared_stack.url, shared_stack.token(), url)

    assert json.loads(said) == ["by-typescript", content_hash, "offline", "not_found"]


@pytest.mark.parametrize("role", ROLES)
def test_schemathesis_finds_no_other_answer(
    role: str, shared_stack: Stack, programs: Path, document: Path, tmp_path: Path
) -> None:
    """As each role: single requests, then chains of them by links between operations.

    An admin revokes no token, since it would be its own at last; and nobody plays a gateway with a
    token of a person, which is slowed down.
    """
    _without_fields(document)
    made = shared_stack.request("POST", "/v1/tokens", {"name": role, "role": role}).data
    done = subprocess.run(
        [
            programs / "schemathesis", "run", document, "--url", shared_stack.url,
            "--header", f"Authorization: Bearer {made['token']}",
            "--exclude-operation-id", "revokeToken", "--exclude-path-regex", _LEFT_OUT,
            "--generation-with-security-parameters", "false", "--no-color", "--continue-on-failure",
            "--checks", _CHECKS, "--mode", "all", "--workers", "2", "--request-timeout", "60",
            "--max-examples", str(max(1, (_REQUESTS // len(ROLES) - _ALWAYS) // _OPERATIONS)),
        ],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-20_000:]
    assert re.search(r"[0-9]+ generated", done.stdout), done.stdout[-2000:]
