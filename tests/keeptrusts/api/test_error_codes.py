"""Every code of an error is explained, in `docs/errors.md`."""

import ast
import re
from collections.abc import Iterator

import pytest

from access.signin.refusals import Code
from configurations.requests.rule import OBJECTIONS
from gitrepos.errors import SecretLostError
from keeptrusts.judge.policies import TOO_COSTLY
from tests.support.stack import ROOT

PACKAGES = (
    "keeptrusts", "events", "access", "configurations", "gitrepos", "gateways",
    "notifications",
)  # fmt: skip
# Of each, which argument is the code.
_RAISED = {
    "ApiError": 0, "ConflictError": 0, "GoneError": 0, "TooLargeError": 0, "LimitedError": 0,
    "RefusedError": 1, "envelope": 0, "__init__": 0,
}  # fmt: skip
# What their classes give, and what is raised by way of a name.
_OTHERS = {
    "not_found", "invalid", "busy", "unavailable", "unsigned", "request_void", "narrowed",
    "not_authenticated", "authentication_failed", "permission_denied", "parse_error",
    "unsupported_media_type", "method_not_allowed",
    "head_too_large", "too_many_connections",
    TOO_COSTLY, SecretLostError.code, *OBJECTIONS, *map(str, Code),
}  # fmt: skip
_CODE = re.compile("[a-z_]+")


def _raised() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from _codes(node)


def _codes(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    at = _RAISED.get(name, len(call.args))
    named = [one.value for one in call.keywords if one.arg == "code" and name == "NotFoundError"]
    for given in (*call.args[at : at + 1], *named):
        if isinstance(given, ast.Constant) and _CODE.fullmatch(str(given.value)):
            yield str(given.value)


def _explained() -> list[str]:
    page = (ROOT / "docs/errors.md").read_text()
    return re.findall(r"^### `([a-z_]+)`\n\n(?:\d{3}\b).*\n", page, re.MULTILINE)


def test_every_code_is_explained_once() -> None:
    """And none that nobody gives."""
    explained = _explained()
    assert sorted(explained) == sorted({*_raised(), *_OTHERS})


@pytest.mark.parametrize("code", sorted(_OTHERS))
def test_codes_that_are_given_by_name_are_somewhere(code: str) -> None:
    """So that none is explained which no package has any more."""
    sources = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    framework = {"not_authenticated", "parse_error", "unsupported_media_type"}
    assert code in framework or any(f'"{code}"' in path.read_text() for path in sources)
