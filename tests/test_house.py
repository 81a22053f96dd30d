"""Structure of the code: rooms, names, docstrings and the map in `ARCHITECTURE.md`."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "access", "commitstatus", "configurations", "console", "events", "evidence", "gateways",
    "gitrepos", "keeptrusts", "kt", "notifications", "openapi", "supply",
)  # fmt: skip
# Django calls each management command so.
_SHARED_NAMES = {"Command"}
# What may be entered from where: pairs of rooms of one package.
_MOST_IMPORTS = {"gitrepos": 38, "gateways": 30, "kt.gateway": 45, "kt.policy.decision": 48}
_QUESTIONS = re.compile(r"(What|How|Who|Where|When|Why|Which|Whether)\b")


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _module(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


_MODULES = {_module(path): path for path in _files()}


def _imported(path: Path) -> Iterator[tuple[str, str]]:
    """Modules of ours that a file imports, with the name each has there."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in _MODULES else node.module), alias.asname or alias.name


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _locals(tree: ast.Module) -> set[str]:
    """The names of all parameters and of all values that functions assign."""
    names = set()
    for function in _functions(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names


def test_no_room_has_more_than_fifteen_files() -> None:
    """Files without `__init__`, migrations apart."""
    rooms = Counter(path.parent for path in _files() if path.name != "__init__.py")

    assert {room: number for room, number in rooms.items() if number > 15} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_public_classes_of_a_package_share_a_name(package: str) -> None:
    """One word for one thing, so that a search finds it."""
    places = defaultdict(list)
    for name, path in _MODULES.items():
        if name.split(".")[0] == package:
            for node in _tree(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(name)

    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: shared[name] for name in shared.keys() - _SHARED_NAMES} == {}


def test_no_local_hides_a_module() -> None:
    """A parameter or a value never has the name of a module that its file imports."""
    hidden = {}
    for name, path in _MODULES.items():
        modules = {bound for module, bound in _imported(path) if module.endswith(f".{bound}")}
        modules = {bound for bound in modules if any(m.endswith(f".{bound}") for m in _MODULES)}
        if both := modules & _locals(_tree(path)) & _modules_bound(path):
            hidden[name] = both

    assert hidden == {}


def _modules_bound(path: Path) -> set[str]:
    return {bound for module, bound in _imported(path) if module.split(".")[-1] == bound}


@pytest.mark.parametrize("package", _MOST_IMPORTS)
def test_rooms_know_few_others(package: str) -> None:
    """How many pairs of rooms there are of which one imports the other."""
    pairs = set()
    for name, path in _MODULES.items():
        if name == package or name.startswith(f"{package}."):
            for module, _ in _imported(path):
                if module.startswith(f"{package}."):
                    pairs.add((_room(name, package), _room(module, package)))

    assert len({(one, other) for one, other in pairs if one != other}) <= _MOST_IMPORTS[package]


def _room(module: str, package: str) -> str:
    return module.removeprefix(package).lstrip(".").split(".")[0]


def test_no_module_opens_with_a_question() -> None:
    """A docstring's first line says what is in the file: a noun, or a verb with its object."""
    asking = {
        name: told
        for name, path in _MODULES.items()
        if _QUESTIONS.match(told := ast.get_docstring(_tree(path)) or "")
    }

    assert asking == {}


def test_errors_are_told_in_one_manner() -> None:
    """`Raises:` begins a block of `Error: when`, and never stands inside a line."""
    inline = {
        f"{name}:{node.name}"
        for name, path in _MODULES.items()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if re.search(r"Raises:[ \t]*\S", ast.get_docstring(node) or "")
    }

    assert inline == set()


def test_a_branch_is_spelt_out_in_one_place() -> None:
    """`refs/heads/` belongs to what a link follows."""
    spelt = {
        name
        for name, path in _MODULES.items()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith("refs/heads/")
    }

    assert spelt == {"gitrepos.refs.forms"}


_SCHEDULE = {
    "next_poll_at", "stalled", "failures", "put_off", "limited_until", "interval_seconds",
    "claim_id", "lease_until", "found", "waits_since", "synced_at",
}  # fmt: skip


def _written(path: Path) -> Iterator[str]:
    """Names of attributes that a file assigns, and of columns that it updates."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Call) and _called(node) in ("update", "create"):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def test_polling_alone_writes_the_schedule_of_a_remote() -> None:
    """Who else has something to poll asks `schedule`, which counts edits of links as well."""
    writers = defaultdict(set)
    for name, path in _MODULES.items():
        if name.startswith("gitrepos."):
            for column in _written(path):
                if column in _SCHEDULE:
                    writers[column].add(name.rpartition(".")[0])
                elif column == "generation":
                    writers[column].add(name)

    assert set(writers) == {*_SCHEDULE, "generation"}
    assert writers.pop("generation") == {"gitrepos.polling.schedule"}
    assert set().union(*writers.values()) == {"gitrepos.polling"}


def _map() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text()


def test_the_map_fits_on_a_few_pages() -> None:
    """Who reads it reads all of it."""
    assert len(_map().splitlines()) <= 150


def test_the_map_names_every_module() -> None:
    """Each by its name, and each room: what is not on the map is not found."""
    text = re.sub(r"```.*?```", "", _map(), flags=re.DOTALL)
    named = {word for names in re.findall(r"`([^`]+)`", text) for word in names.split("/")}

    assert {path.stem for path in _files()} | {path.parent.name for path in _files()} <= named | {
        "__init__",
        "management",
    }


def test_the_map_leads_to_files_that_exist() -> None:
    """The table of what to open for which change, and all else it names."""
    table = _map().split("## To change")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]

    named = [re.findall(r"`([\w/]+\.py)`", row.split("|")[2]) for row in rows]
    assert len(named) >= 30
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_paths_in_a_page_exist(page: str) -> None:
    """A file or folder of ours that a page names is there."""
    ours = "|".join(("tests", "bench", "docs", *PACKAGES))
    paths = re.findall(rf"`((?:{ours})/[\w/.-]*)`", (ROOT / page).read_text())

    assert [path for path in paths if not (ROOT / path).exists() and "CODE" not in path] == []
