"""Git attributes that get a warning: those by which a checkout has other bytes than git."""

from collections.abc import Mapping, Sequence

import pytest

from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.sync.candidates import Candidate, read
from kt.policy.verify import verify
from tests.support.forge import Forge
from tests.support.repo import policy

# A line of `.gitattributes`, and what it does to the file in a checkout.
ALTERING = {
    "*.yaml eol=crlf": "eol=crlf",
    "*.yaml text": "text",
    "* text=auto": "text=auto",
    "*.yaml crlf": "crlf",
    "*.yaml ident": "ident",
    "*.yaml filter=shout": "filter=shout",
    "*.yaml working-tree-encoding=latin1": "working-tree-encoding=latin1",
    "*.yaml -text filter=lfs": "filter=lfs",
    "*.yaml loud": "filter=loud",
    "*.yaml text=auto eol=crlf": "eol=crlf",
    "*.yaml filter=caf\u00e9\u202e": r"filter=caf\xe9\u202e",
}
HARMLESS = (
    "*.yaml -text",
    "*.yaml binary",
    "*.yaml text eol=lf",
    "*.yaml eol=lf",
    "* text=auto eol=lf",
    "*.yaml -text eol=crlf",
    "*.yaml text=auto\n*.yaml -text",
    "*.yaml -crlf",
    "*.yaml crlf=input",
    "*.yaml working-tree-encoding=UTF-8",
    "*.yaml filter",
    "*.yaml -filter -ident diff=yaml merge=union linguist-generated",
    "*.md text eol=crlf",
    "other/** eol=crlf",
    "# *.yaml eol=crlf",
    '"unclosed eol=crlf',
    "*.yaml eol=cr",
)
LINES = (*ALTERING, *HARMLESS)


@pytest.fixture(scope="module")
def candidates(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Candidate]:
    """What is read of a repository with a directory for each line, by that line."""
    folder = tmp_path_factory.mktemp("attributes")
    repo = forge.repository(folder / "clone")
    paths = {line: f"case-{number}" for number, line in enumerate(LINES)}
    repo.commit({f"{path}/policy-config.yaml": policy() for path in paths.values()})
    repo.write(".gitattributes", "[attr]loud filter=loud\n")
    repo.commit({f"{path}/.gitattributes": f"{line}\n" for line, path in paths.items()})
    (taken,) = fetch.take(
        runner.Access(parse(repo.url, schemes=["http"])),
        ref="refs/heads/main",
        head="0" * 40,
        asks=[FilesRequest("")],
        folder=folder / "work",
    )
    assert isinstance(taken, Snapshot)
    by_path = {c.path: c for c in read(taken, (), verify=verify)}
    return {line: by_path[f"{path}/policy-config.yaml"] for line, path in paths.items()}


def warnings(candidate: Candidate) -> Sequence[tuple[str, str]]:
    """Severity and code of each finding."""
    return [(finding.severity, finding.code) for finding in candidate.findings]


@pytest.mark.parametrize(("line", "named"), ALTERING.items())
def test_an_attribute_that_alters_a_checkout_is_a_warning(
    candidates: Mapping[str, Candidate], line: str, named: str
) -> None:
    """It names the attribute, and the file is fit to be enforced all the same."""
    candidate = candidates[line]

    assert warnings(candidate) == [("warning", "checkout_differs")]
    assert f"the attribute '{named}' may change" in candidate.findings[0].message
    assert candidate.ok


@pytest.mark.parametrize("line", HARMLESS)
def test_an_attribute_that_alters_nothing_is_none(
    candidates: Mapping[str, Candidate], line: str
) -> None:
    """A warning for what does no harm would hide the one that matters."""
    assert warnings(candidates[line]) == []
