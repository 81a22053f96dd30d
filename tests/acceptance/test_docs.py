"""Every command in the documentation runs as it is written."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from gitrepos import errors
from gitrepos.links.conditions import ACTIONS
from kt.cli.main import main
from tests.support.forge import Forge
from tests.support.repo import Repo
from tests.support.stack import ROOT, Stack, free_port

DOCS = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
]
PACKAGES = ("access", "configurations", "gateways", "gitrepos", "notifications")
URL = "https://github.com/org/governance-policies.git"
POLICY = "support-bot"
# test_make.py, this very run, and what continuous integration runs beside it.
MADE_ELSEWHERE = {"make run", "make test", "make check", "make test-browser"}


def _blocks(doc: Path) -> list[str]:
    """The shell blocks of a page, in order."""
    return re.findall(r"^```bash\n(.*?)^```", doc.read_text(), re.MULTILINE | re.DOTALL)


def _commands(doc: Path) -> list[str]:
    return [block for block in _blocks(doc) if not set(block.split("\n")) <= MADE_ELSEWHERE | {""}]


def _in_order() -> list[Path]:
    """The pages with commands: the README, those that it links to in their order, the others."""
    readme = ROOT / "README.md"
    linked = re.findall(r"\]\((?!https?:)([^)#]+\.md)", readme.read_text())
    pages = dict.fromkeys([readme, *(ROOT / name for name in linked), *DOCS])
    return [page for page in pages if _commands(page)]


class Reader:
    """Somebody in a clone of a policy repository, whose one policy is the one of the README.

    Its id is the reader's own, as is their home.
    """

    def __init__(self, stack: Stack, repo: Repo, home: Path) -> None:
        self.stack, self.repo, self.home = stack, repo, home
        self.policy = f"{POLICY}-{uuid4().hex[:6]}"
        main(["init", str(repo.clone / "policies" / self.policy)])
        repo.commit({})
        # Some pages begin in the checkout, where the token is.
        (repo.clone / "var").mkdir()
        (repo.clone / "var" / ".gitignore").write_text("*\n")
        shutil.copy(stack.data_dir / "admin-token", repo.clone / "var")

    def runs(
        self, commands: str, *, by_login: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run commands as they are written, in a shell of their own.

        It has the url and the token as variables, unless it is to have them `by_login` alone.
        """
        # What runs in the background ends with the shell, also where that fails before.
        # A job may have ended by itself.
        ending = "trap 'jobs -p | xargs -r kill || :' EXIT"
        script = f"set -euo pipefail\n{ending}\n{commands}"
        script = script.replace("http://127.0.0.1:8080", self.stack.url)
        for port in ("41002", "41003"):
            script = script.replace(port, str(free_port()))
        script = script.replace(".venv/bin/python manage.py", f"{sys.executable} {ROOT}/manage.py")
        script = script.replace(".venv/bin/kt", "kt").replace("$PWD/.venv/bin:", "")
        script = script.replace(URL, self.repo.url).replace(POLICY, self.policy)
        variables = {
            "KEEPTRUSTS_API_URL": self.stack.url,
            "KEEPTRUSTS_API_TOKEN": self.stack.token(),
        }
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.repo.clone,
            env={
                **self.stack.environment,
                **({} if by_login else variables),
                "HOME": str(self.home),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    def traces(self) -> list[str]:
        """What git sees of the reader's work: files, and commits of any branch."""
        return [self.repo.git("status", "--porcelain", "--ignored=no"),
                self.repo.git("log", "--all", "--format=%H")]  # fmt: skip


@pytest.fixture
def reader(
    shared_stack: Stack, make_repo: Callable[[], Repo], tmp_path_factory: pytest.TempPathFactory
) -> Reader:
    """A reader with a repository of their own."""
    return Reader(shared_stack, make_repo(), tmp_path_factory.mktemp("reader"))


@pytest.mark.smoke
def test_the_commands_of_all_pages_run_in_their_order(reader: Reader) -> None:
    """On one control plane, in one clone, which is afterwards as it was before.

    Those of the README need nothing but each other.
    """
    before = reader.traces()

    for page in _in_order():
        done = reader.runs("\n".join(_commands(page)), by_login=page.name == "README.md")

        assert done.returncode == 0, f"{page.name}\n{done.stdout}{done.stderr}"
        assert "null" not in done.stdout.split(), f"{page.name}\n{done.stdout}"
        assert reader.traces() == before, page.name


def _typed(blocks: list[str]) -> list[str]:
    """The commands of blocks, each on one line, without what is in the background."""
    joined = re.sub(r"\\\n *", "", "\n".join(blocks))
    return [line for line in joined.splitlines() if line.strip()]


# What a newcomer types in a clone: the first link, and on to a fleet with a pin.
JOURNEY = _typed(_blocks(ROOT / "README.md"))
FIRST = _commands(ROOT / "README.md")[0]


def test_a_newcomer_types_little_and_no_curl() -> None:
    """Three commands to a first link, eight to a fleet with a pin that can be seen."""
    linked = next(number for number, line in enumerate(JOURNEY) if " repos add " in line)
    pinned = next(number for number, line in enumerate(JOURNEY) if " pin " in line)
    needed = [line for line in JOURNEY[: pinned + 2] if NEEDED.match(line)]

    assert JOURNEY[0] == "make run"
    assert [line for line in JOURNEY[: linked + 1] if line != "make test"] == needed[:3]
    assert len(needed) == 8
    assert needed[-1] == "kt gateways list"
    assert not re.search("curl|jq", "\n".join(needed))


# Of what the README shows on the way, what leads to the fleet.
NEEDED = re.compile(
    r"make run|\.venv/bin/kt (login|repos add) |export PATH=|kt gateways |kt run --managed "
    r"|kt configurations pin "
)


@pytest.mark.parametrize("kind", ["public", "private"])
def test_the_first_link_shows_what_came_of_it(reader: Reader, forge: Forge, kind: str) -> None:
    """Also of a repository that wants a token, which is sent as the README says."""
    commands = FIRST.rstrip()
    if kind == "private":
        forge.tokens[reader.repo.bare.name] = "a-token-for-the-forge"
        (reader.home / "token").write_text("a-token-for-the-forge\n")
        commands += " --access-token-file ~/token"

    done = reader.runs(commands, by_login=True)

    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()[1].split()
    assert (told[1:3], told[4:]) == (["synced", reader.repo.url], ["1", "synced"])
    assert f"{reader.policy}/policy-config.yaml" in done.stdout
    assert reader.stack.token() not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://forge.example/org/policies.git", "url: "),
        ("https://10.0.0.9/org/policies.git", "KEEPTRUSTS_GIT_ALLOWED_NETWORKS"),
        ("https://token@forge.example/org/policies.git", "url: "),
    ],
)
def test_the_first_error_of_a_newcomer_is_shown(reader: Reader, url: str, message: str) -> None:
    """In the words of the API."""
    done = reader.runs(FIRST.replace(URL, url), by_login=True)

    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    "page", [doc for doc in DOCS if "\napi() {" in doc.read_text()], ids=lambda doc: doc.name
)
def test_the_examples_of_a_page_show_an_error(reader: Reader, page: Path) -> None:
    """Whatever is behind them in a pipe gets nothing, and an answer arrives byte for byte."""
    define = re.findall(r"^api\(\) \{\n.*?^\}\n", page.read_text(), re.MULTILINE | re.DOTALL)[0]
    call = 'api "$KEEPTRUSTS_API_URL/v1/tokens/nobody" | jq -r .data.id'
    content = 'printf "a\\n\\nb\\n\\n" >"$TMP/x"; api "file://$TMP/x" | cmp - "$TMP/x"'

    failed = reader.runs(define + call)
    passed = reader.runs(define + content, TMP=str(reader.repo.clone / "var"))

    assert (failed.returncode != 0, failed.stdout) == (True, "")
    assert "not_found" in failed.stderr
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_no_example_throws_an_error_away() -> None:
    """`curl -f` alone hides the answer that says what is wrong."""
    calls = [line for doc in DOCS for block in _blocks(doc) for line in block.splitlines()]
    hiding = [line for line in calls if re.search(r"curl( -\S+)* -s?S?f|curl.* --fail ", line)]

    assert hiding == []


@pytest.mark.parametrize("doc", DOCS, ids=lambda d: str(d.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(doc: Path) -> None:
    """Every relative link names a file of the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", doc.read_text())

    assert [link for link in links if not (doc.parent / link).exists()] == []


def test_every_setting_is_documented() -> None:
    """`docs/operating.md` names each variable that is read, and no other."""
    settings = "".join(map(Path.read_text, (ROOT / "keeptrusts/env").glob("*.py")))
    read = set(re.findall(r'"((?:KEEPTRUSTS_|DATABASE_|REDIS_)[A-Z_]+)"', settings))
    traces = _text("kt/tracing/settings.py")
    read |= set(re.findall(r'"(OTEL_[A-Z_]+)"', traces))
    read |= {f"OTEL_EXPORTER_OTLP_{one}" for one in re.findall(r'_own\(\w+, "([A-Z]+)"', traces)}
    named = set(re.findall(r"^\| `([A-Z_]+)`", _text("docs/operating.md"), re.MULTILINE))

    assert named == read


def test_the_table_of_errors_is_that_of_the_classes() -> None:
    """`docs/operating.md` has a row for each code, as its class tells it. RENEW=1 writes it."""
    rows = "".join(
        f"| `{code}` | {kind.meaning} | {kind.remedy} |\n"
        for code, kind in errors.by_code().items()
    )
    page = _text("docs/operating.md")
    before, head, after = re.split(r"(<!-- errors:.*?\|---\|---\|---\|\n)", page, flags=re.DOTALL)
    table = re.match(r"(\|[^\n]*\n)*", after)
    assert table is not None

    if os.environ.get("RENEW") == "1":
        (ROOT / "docs/operating.md").write_text(before + head + rows + after[table.end() :])
        return
    assert table[0] == rows


def test_what_to_do_is_documented_as_the_api_says_it() -> None:
    """`docs/operating.md` has a row for each reason, with the action of a link's conditions."""
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", _text("docs/operating.md"), re.MULTILINE
    )

    assert {code: action for code, action in rows if code in ACTIONS} == dict(ACTIONS)


def test_every_kind_of_event_is_documented() -> None:
    """`docs/api.md` names each that is recorded."""
    sources = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    kinds = {
        kind for path in sources for kind in re.findall(r"\bKind\.([A-Z_]+)", path.read_text())
    }
    kinds &= set(re.findall(r'^        ([A-Z_]+) = "', _text("events/models.py"), re.MULTILINE))
    cells = " ".join(re.findall(r"^\| (`[^|]+`) \|", _text("docs/api.md"), re.MULTILINE))

    assert kinds
    assert [kind for kind in sorted(kinds) if f"`{kind.lower()}`" not in cells] == []


def _text(name: str) -> str:
    return (ROOT / name).read_text()
