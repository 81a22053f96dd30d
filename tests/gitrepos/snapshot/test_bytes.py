"""Bytes in force: those that git holds, one for one."""

import hashlib
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import codes, content, edit, files, get, hashes, link, poll, run_due

pytestmark = pytest.mark.django_db

PATH = "policies/bot/policy-config.yaml"
PLAIN = policy("Bot").encode()

BYTES = {
    "line-feeds": PLAIN,
    "carriage-returns": PLAIN.replace(b"\n", b"\r\n"),
    "mixed-line-ends": PLAIN.replace(b"\n", b"\r\n", 2),
    "no-final-line-end": PLAIN.rstrip(b"\n"),
    "byte-order-mark": b"\xef\xbb\xbf" + PLAIN,
    "expanded-keyword": b"# $Id: 0123 $\n" + PLAIN,
    "many-final-line-ends": PLAIN + b"\n\n\n",
    "beyond-ascii": policy("Stra\u00dfe \u65e5\u672c \U0001f512").encode(),
}


@pytest.mark.smoke
def test_the_hash_is_that_of_the_blob(admin: APIClient, repo: Repo) -> None:
    """Whatever ends its lines or starts its text."""
    stored = {f"{name}/policy-config.yaml": content for name, content in BYTES.items()}
    repo.plant({**stored, ".gitattributes": "*.yaml text eol=crlf ident filter=shout\n"})
    row = link(admin, repo.url)

    run_due()

    assert {path: repo.blob(path) for path in stored} == stored
    sums = {path: hashlib.sha256(blob).hexdigest() for path, blob in stored.items()}
    assert {path: file["content_hash"] for path, file in files(admin, row).items()} == sums
    assert {f"{pk}/policy-config.yaml": value for pk, value in hashes().items()} == sums
    assert {name: content(admin, name) for name in BYTES} == BYTES


@pytest.mark.smoke
def test_attributes_count_wherever_they_stand_on_the_way(admin: APIClient, repo: Repo) -> None:
    """Above the link's path too."""
    repo.commit({PATH: PLAIN, "policies/.gitattributes": "*.yaml eol=crlf\n"})
    rows = linked(admin, repo, "", "policies/", "policies/bot", PATH)

    run_due()

    for path, row in rows.items():
        assert codes(files(admin, row)[PATH]) == ["checkout_differs"], path


def linked(admin: APIClient, repo: Repo, *paths: str) -> dict[str, dict[str, Any]]:
    """A link of each path, with ids of its own."""
    return {
        path: link(admin, repo.url, path=path, id_prefix=f"l{number}-")
        for number, path in enumerate(paths)
    }


def test_attributes_beside_the_way_do_not_count(admin: APIClient, repo: Repo) -> None:
    """Those of another directory say nothing of this one's files."""
    repo.commit({PATH: PLAIN, "policies/other/.gitattributes": "* eol=crlf\n"})
    row = link(admin, repo.url)

    run_due()

    assert codes(files(admin, row)[PATH]) == []


def test_a_link_in_the_place_of_attributes_is_not_followed(admin: APIClient, repo: Repo) -> None:
    """git reads no attributes through a link either."""
    repo.commit({PATH: PLAIN, "real": "* eol=crlf\n"})
    (repo.clone / "policies/.gitattributes").symlink_to("../real")
    repo.git("config", "fetch.fsckObjects", "false", at=repo.bare)
    repo.commit({})
    row = link(admin, repo.url)

    run_due()

    assert codes(files(admin, row)[PATH]) == []


def test_attributes_too_large_to_read_are_a_warning(admin: APIClient, repo: Repo) -> None:
    """What they say is not known, and that is what the file's finding says."""
    repo.commit({PATH: PLAIN, "policies/.gitattributes": "# nothing\n" * 110_000})
    row = link(admin, repo.url)

    run_due()

    file = files(admin, row)[PATH]
    assert (file["outcome"], codes(file)) == ("synced", ["checkout_unknown"])


def test_a_warning_follows_its_attribute(admin: APIClient, repo: Repo) -> None:
    """It comes and goes with the attribute although the file stands still; no version is made."""
    repo.commit({PATH: PLAIN})
    rows = linked(admin, repo, "", "policies/")
    run_due()
    seen = [[codes(files(admin, row)[PATH]) for row in rows.values()]]

    for attributes in ("*.yaml eol=crlf\n", "*.yaml eol=lf\n"):
        repo.commit({".gitattributes": attributes})
        poll()
        seen.append([codes(files(admin, row)[PATH]) for row in rows.values()])

    assert seen == [[[]] * 2, [["checkout_differs"]] * 2, [[]] * 2]
    for pk in ("l0-bot", "l1-bot"):
        assert get(admin, f"/v1/configurations/{pk}")["version"] == 1


def test_a_warning_stands_beside_those_of_lint(admin: APIClient, repo: Repo) -> None:
    """Taking one away leaves the others."""
    repo.commit({PATH: policy("Bot", id="another-name"), ".gitattributes": "* eol=crlf\n"})
    row = link(admin, repo.url)
    run_due()
    both = codes(files(admin, row)[PATH])

    repo.commit({".gitattributes": None})
    poll()

    left = codes(files(admin, row)[PATH])
    assert both == [*left, "checkout_differs"]
    assert len(left) == 1


def test_the_machines_own_attributes_do_not_count(
    admin: APIClient, repo: Repo, data_dir, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    """Those in the home of whoever runs the worker are no part of the repository."""
    home = data_dir.parent / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/attributes").write_text("* eol=crlf\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    repo.commit({PATH: PLAIN, ".gitattributes": "*.md text\n"})
    row = link(admin, repo.url)

    run_due()

    assert codes(files(admin, row)[PATH]) == []


def test_attributes_do_not_hide_a_broken_file(admin: APIClient, repo: Repo) -> None:
    """The warning stands with the errors, and the last good version stays."""
    repo.commit({PATH: PLAIN, ".gitattributes": "* ident\n"})
    row = link(admin, repo.url)
    run_due()

    repo.commit({PATH: "pack: ["})
    poll()

    file = files(admin, row)[PATH]
    assert file["outcome"] == "quarantined"
    assert codes(file)[-1] == "checkout_differs"
    assert content(admin, "bot") == PLAIN


def test_an_edit_of_the_link_keeps_the_warnings(admin: APIClient, repo: Repo) -> None:
    """Planning the same commit again says the same."""
    repo.commit({PATH: PLAIN, ".gitattributes": "* ident\n"})
    row = link(admin, repo.url)
    run_due()

    edit(admin, row, poll_interval_seconds=77)
    run_due()

    assert codes(files(admin, row)[PATH]) == ["checkout_differs"]
