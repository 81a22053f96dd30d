"""Refused files: each gets a finding, and its neighbours are synced."""

import json
from collections.abc import Mapping

import pytest
from rest_framework.test import APIClient

from configurations.models import Version
from kt.policy.rules.pack import NoIdentity
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    codes,
    content,
    files,
    get,
    hashes,
    link,
    outcomes,
    poll,
    run_due,
    runs,
    shown,
)

pytestmark = pytest.mark.django_db

GOOD = {"good/policy-config.yaml": policy("Good")}
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


def _only_bad(admin: APIClient, row: dict[str, object]) -> Mapping[str, dict[str, object]]:
    """The files of a link beside the good one, which must be in force."""
    found = files(admin, row)
    assert found.pop("good/policy-config.yaml")["outcome"] == "synced"
    assert "good" in hashes()
    return found


@pytest.mark.smoke
def test_a_symbolic_link_is_not_followed(admin: APIClient, repo: Repo) -> None:
    """Not even to a file that is a good policy."""
    repo.plant(GOOD)
    repo.plant(
        {"bot/policy-config.yaml": "../good/policy-config.yaml", "x/policy-config.yaml": "/etc/a"},
        mode="120000",
    )
    row = link(admin, repo.url)

    run_due()

    found = _only_bad(admin, row)
    assert {path: codes(file) for path, file in found.items()} == {
        "bot/policy-config.yaml": ["not_a_file"],
        "x/policy-config.yaml": ["not_a_file"],
    }
    assert "symbolic link" in found["bot/policy-config.yaml"]["findings"][0]["message"]  # type: ignore[index]
    assert list(hashes()) == ["good"]


def test_a_directory_that_is_a_link_is_not_followed(admin: APIClient, repo: Repo) -> None:
    """A link's path may end there; nothing below it is looked at."""
    repo.plant(GOOD)
    repo.plant({"policies": "good"}, mode="120000")
    row = link(admin, repo.url, path="policies/")

    run_due()

    assert {path: codes(file) for path, file in files(admin, row).items()} == {
        "policies": ["not_a_file"]
    }


def test_below_a_directory_that_is_a_link_is_nothing(admin: APIClient, repo: Repo) -> None:
    """A path through it is a path that the commit does not have."""
    repo.plant(GOOD)
    repo.plant({"policies": "good"}, mode="120000")
    row = link(admin, repo.url, path="policies/policy-config.yaml")

    run_due()

    assert shown(admin, row)["error"]["code"] == "path_not_found"


def test_a_directory_with_the_name_of_a_policy_file_is_not_taken(
    admin: APIClient, repo: Repo
) -> None:
    """Whatever is in it; but a policy file in it is one, and a link's path may end there."""
    repo.plant(
        {
            **GOOD,
            "bot/policy-config.yaml/readme.txt": b"hello",
            "x/policy-config.yaml/y/policy-config.yaml": GOOD["good/policy-config.yaml"],
        }
    )
    all_of_it = link(admin, repo.url)
    named = link(admin, repo.url, path="bot/policy-config.yaml")

    run_due()

    found = _only_bad(admin, all_of_it)
    assert {path: codes(file) for path, file in found.items() if file["outcome"] != "synced"} == {
        "bot/policy-config.yaml": ["not_a_file"],
        "x/policy-config.yaml": ["not_a_file"],
    }
    assert "a directory" in found["bot/policy-config.yaml"]["findings"][0]["message"]  # type: ignore[index]
    assert found["x/policy-config.yaml/y/policy-config.yaml"]["outcome"] == "synced"
    assert files(admin, named) == {}


def test_a_submodule_is_not_taken(admin: APIClient, repo: Repo) -> None:
    """Called as a policy file, or named by the link's path."""
    commit = repo.plant(GOOD)
    repo.plant({"bot/policy-config.yaml": commit, "vendor": commit}, mode="160000")
    all_of_it = link(admin, repo.url)
    named = link(admin, repo.url, path="vendor")

    run_due()

    assert codes(_only_bad(admin, all_of_it)["bot/policy-config.yaml"]) == ["not_a_file"]
    assert "submodule" in files(admin, named)["vendor"]["findings"][0]["message"]


@pytest.mark.smoke
def test_a_pointer_of_git_lfs_is_not_taken_for_the_file(admin: APIClient, repo: Repo) -> None:
    """Its finding says what to do."""
    repo.plant({**GOOD, "bot/policy-config.yaml": LFS})
    row = link(admin, repo.url)

    run_due()

    file = _only_bad(admin, row)["bot/policy-config.yaml"]
    assert (file["outcome"], codes(file)) == ("quarantined", ["lfs_pointer"])


@pytest.mark.smoke
def test_a_file_over_one_mebibyte_is_not_taken(admin: APIClient, repo: Repo) -> None:
    """One of exactly that is; neither stops its neighbours."""
    filler = "#" * (1024 * 1024 - len(policy()) - 1) + "\n"
    repo.plant(
        {
            **GOOD,
            "most/policy-config.yaml": filler + policy(),
            "more/policy-config.yaml": filler + "\n" + policy(),
        }
    )
    row = link(admin, repo.url)

    run_due()

    found = _only_bad(admin, row)
    assert found["most/policy-config.yaml"]["outcome"] == "synced"
    assert codes(found["more/policy-config.yaml"]) == ["too_large"]


def test_an_executable_file_is_taken(admin: APIClient, repo: Repo) -> None:
    """It is a regular one."""
    repo.plant({"bot/policy-config.yaml": policy()}, mode="100755")
    row = link(admin, repo.url)

    run_due()

    assert outcomes(admin, row) == {("bot/policy-config.yaml", "bot"): "synced"}


def test_what_turns_into_a_link_keeps_its_last_good(admin: APIClient, repo: Repo) -> None:
    """The configuration stays, the finding says why nothing newer comes."""
    repo.plant(GOOD)
    row = link(admin, repo.url)
    run_due()
    repo.plant({"good/policy-config.yaml": "/etc/passwd"}, mode="120000")

    poll()

    assert outcomes(admin, row) == {("good/policy-config.yaml", "good"): "quarantined"}
    assert content(admin, "good") == policy("Good").encode()


DEEP = b"deep/" * 1000  # 5,000 bytes
PATHS: Mapping[str, bytes] = {
    "a line feed": b"bad\npath/policy-config.yaml",
    "an escape sequence": b"bad\x1b[31m/policy-config.yaml",
    "a tab": b"bad\tpath/policy-config.yaml",
    "no UTF-8": b"bad-\xff\xfe/policy-config.yaml",
    "no UTF-8 either": b"bad-\xff\xfd/policy-config.yaml",
    "what the former looks like": rb"bad-\xff\xfe/policy-config.yaml",
    "5,000 bytes": DEEP + b"policy-config.yaml",
    "5,001 bytes": b"x" + DEEP + b"policy-config.yaml",
    "one long name": b"n" * 5000 + b"/policy-config.yaml",
    "a line separator": "bad\u2028/policy-config.yaml".encode(),
    "turned around": "bad\u202egpj.yaml/policy-config.yaml".encode(),
    "isolated": "bad\u2067x\u2069/policy-config.yaml".encode(),
    "a mark": "bad\u200f/policy-config.yaml".encode(),
    "quotes": b'it\'s "bad"/policy-config.yaml',
    "a backslash": b"back\\slash/policy-config.yaml",
    "an option": b"--upload-pack=x/policy-config.yaml",
    "magic": b":(exclude)good/policy-config.yaml",
    "capitals": b"Bad/policy-config.yaml",
    "a blank": b"bad path/policy-config.yaml",
    "an accent": "caf\u00e9/policy-config.yaml".encode(),
    "a leading dot": b".bad/policy-config.yaml",
}
NOT_TAKEN = {
    "a line feed", "an escape sequence", "a tab", "no UTF-8", "no UTF-8 either", "5,000 bytes",
    "5,001 bytes", "one long name", "a line separator", "turned around", "isolated", "a mark",
}  # fmt: skip


@pytest.mark.smoke
def test_a_path_that_is_no_id_gets_a_finding(admin: APIClient, repo: Repo) -> None:
    """However hostile; it is stored in bounds, each as one of its own, and no slug is made."""
    repo.git("config", "receive.fsckObjects", "false", at=repo.bare)
    repo.plant({**GOOD, **{path: policy() for path in PATHS.values()}})
    row = link(admin, repo.url)

    run_due()

    found = _only_bad(admin, row)
    assert len(found) == len(PATHS)
    assert {file["outcome"] for file in found.values()} == {"quarantined"}
    assert {file["configuration"] for file in found.values()} == {""}
    assert max(map(len, found)) <= 1024
    assert list(hashes()) == ["good"]
    assert sorted(file["findings"][-1]["code"] for file in found.values()) == sorted(  # type: ignore[index]
        "bad_path" if name in NOT_TAKEN else NoIdentity.code for name in PATHS
    )


def test_the_history_holds_a_hostile_path_too(admin: APIClient, repo: Repo) -> None:
    """As the files do, and the next poll finds nothing new."""
    repo.plant({**GOOD, **{path: policy() for path in PATHS.values()}})
    row = link(admin, repo.url)
    run_due()

    poll()

    (run,) = runs(admin, row)
    assert {file["path"] for file in run["files"]} == set(files(admin, row))


def test_a_hostile_path_that_goes_is_forgotten(admin: APIClient, repo: Repo) -> None:
    """It fed nothing, so nothing of it is missing."""
    repo.plant({**GOOD, **{path: policy() for path in PATHS.values()}})
    row = link(admin, repo.url)
    run_due()
    repo.git("read-tree", "--empty")
    repo.plant(GOOD)

    poll()

    assert outcomes(admin, row) == {("good/policy-config.yaml", "good"): "synced"}


def test_a_pack_id_serves_where_the_directory_cannot(admin: APIClient, repo: Repo) -> None:
    """A printable path of any spelling may hold it; one that is not printable may not."""
    paths = {name: path for name, path in PATHS.items() if name not in NOT_TAKEN}
    ids = {f"id-{number}": path for number, path in enumerate(paths.values())}
    repo.plant({path: policy(id=pk) for pk, path in ids.items()})
    repo.plant({PATHS["a line feed"]: policy(id="never")})
    link(admin, repo.url)

    run_due()

    assert set(hashes()) == set(ids)
    stored = {pk: get(admin, f"/v1/configurations/{pk}/versions")[0]["path"] for pk in ids}
    assert {pk: path.encode() for pk, path in stored.items()} == ids


ALIASES = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
)
HOSTILE: Mapping[str, str | bytes] = {
    "nul-name": policy('"a\\0b"'),
    "surrogate-name": policy('"\\ud800"'),
    "escaped-name": policy('"\\x1b[31m\\u202e"'),
    "nul-key": policy() + '"\\0": 1\n',
    "nul-kind": policy().replace("safety-filter", '"safety\\0filter"'),
    "surrogate-key": policy() + '"\\udfff": 1\n',
    "raw-nul": policy().encode() + b"\0",
    "raw-control": policy().encode() + b"# \x01\x1b\n",
    "no-utf8": policy().encode() + b"# \xff\xfe\n",
    "utf16": policy().encode("utf-16"),
    "surrogate-bytes": policy().encode() + b"# \xed\xa0\x80\n",
    "alias-bomb": ALIASES,
    "brackets": "[" * 200_000,
    "deep-map": "".join(" " * depth + "a:\n" for depth in range(1000)),
    "many-keys": policy() + "".join(f"k{n}: {n}\n" for n in range(5000)),
    "long-key": policy() + "k" * 500_000 + ": 1\n",
    "long-name": policy("n" * 500_000),
    "long-version": policy().replace("1.0.0", "1" * 100_000),
    "huge-number": policy().replace("enabled: true", "enabled: " + "9" * 100_000),
    "tag": policy().replace("1.0.0", "!!python/object/apply:os.system ['true']"),
    "two-documents": policy() + "---\n" + policy(),
    "empty": "",
    "blank": " \n\n",
    "list": "- a\n",
    "merge": "a: &a {x: 1}\n<<: [*a, *a]\n" + policy(),
    "no-name": policy().replace("name:", "nom:"),
    "id-no-id": policy(id='"../../etc"'),
    "id-long": policy(id="i" * 201),
    "id-nul": policy(id='"a\\0"'),
    "id-number": policy(id="7"),
}


@pytest.mark.smoke
def test_hostile_yaml_is_quarantined(admin: APIClient, repo: Repo) -> None:
    """With findings that a database and JSON can hold, and bounded ones."""
    repo.plant({**GOOD, **{f"{name}/policy-config.yaml": text for name, text in HOSTILE.items()}})
    row = link(admin, repo.url)

    run_due()

    found = _only_bad(admin, row)
    assert {path: file["outcome"] for path, file in found.items()} == {
        f"{name}/policy-config.yaml": "quarantined" for name in HOSTILE
    }
    assert list(hashes()) == ["good"]
    for file in found.values():
        said = json.dumps(file["findings"], ensure_ascii=False)
        assert "\0" not in said
        assert len(file["findings"]) <= 100  # type: ignore[arg-type]
        assert len(said.encode()) < 100_000


def test_more_findings_than_a_row_holds_are_counted(admin: APIClient, repo: Repo) -> None:
    """The errors come first: none hides behind a warning."""
    repo.plant({"bot/policy-config.yaml": HOSTILE["many-keys"]})
    row = link(admin, repo.url)

    run_due()

    file = files(admin, row)["bot/policy-config.yaml"]
    assert len(file["findings"]) == 100
    assert file["findings"][-1]["code"] == "more_findings"
    assert {finding["severity"] for finding in file["findings"][:-1]} == {"error"}
    assert len(runs(admin, row)[0]["files"][0]["findings"]) == 10


def test_a_commit_of_hostile_text_is_recorded(admin: APIClient, repo: Repo) -> None:
    """Its author and message are stored as far as a database can hold them."""
    repo.plant(GOOD)
    tree = repo.git("rev-parse", "HEAD^{tree}")
    who = b"N\xff\x1bame <a\xfe@b> 1700000000 +0000\n"
    raw = b"tree %s\nauthor %scommitter %s\nM\xffessage \x01 %s\n" % (
        tree.encode(), who, who, b"x" * 100_000,
    )  # fmt: skip
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    repo.git("reset", "--soft", commit.decode().strip())
    repo.push()
    link(admin, repo.url)

    run_due()

    (version,) = get(admin, "/v1/configurations/good/versions")
    assert version["author"].startswith("N\ufffd")
    assert version["message"].startswith("M\ufffdessage")
    assert "\x01" not in version["message"]
    assert len(Version.objects.get().message) == 500
