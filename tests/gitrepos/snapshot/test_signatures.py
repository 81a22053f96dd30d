"""Signatures of commits, where a link requires them."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from gitrepos.models import Link
from gitrepos.snapshot import signatures
from gitrepos.sync import preview
from tests.support.api import error, refusal
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, get, hashes, link, poll, run_due, shown

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"
Keygen = Callable[..., tuple[Path, str]]


@pytest.fixture
def keygen(tmp_path: Path) -> Keygen:
    """Make a key: its file, and its public half as one line."""

    def make(name: str = "key", kind: str = "ed25519") -> tuple[Path, str]:
        file = tmp_path / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(file)], check=True
        )
        return file, file.with_suffix(".pub").read_text().strip()

    return make


def fingerprint(key: Path) -> str:
    """As ssh-keygen shows it."""
    done = subprocess.run(["ssh-keygen", "-lf", str(key)], capture_output=True, check=True)
    return done.stdout.decode().split()[1]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_commit_of_an_allowed_signer_passes(
    admin: APIClient, repo: Repo, keygen: Keygen, kind: str
) -> None:
    """And its version says who signed, by which key."""
    key, public = keygen(kind=kind)
    repo.commit({BOT: policy()})
    repo.sign(key)
    link(admin, repo.url, allowed_signers=f"# ours\nme@keeptrusts.example {public}\n")

    run_due()

    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["signer"], version["signer_key"]) == ("me@keeptrusts.example", fingerprint(key))


def test_without_allowed_signers_anybody_passes(
    admin: APIClient, repo: Repo, keygen: Keygen
) -> None:
    """No signature is looked at, and no version claims one."""
    repo.commit({BOT: policy()})
    repo.sign(keygen()[0])
    link(admin, repo.url)

    run_due()

    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["signer"], version["signer_key"]) == ("", "")


def _unsigned(repo: Repo, keygen: Keygen) -> str:
    return "not signed"


def _foreign(repo: Repo, keygen: Keygen) -> str:
    key, _ = keygen("another")
    repo.sign(key)
    return fingerprint(key)


def _altered(repo: Repo, keygen: Keygen) -> str:
    """The signature of another commit by an allowed signer."""
    repo.sign(repo.clone.parent / "key")
    raw = repo.raw("cat-file", "commit", "HEAD").replace(b"Change", b"Chance")
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    repo.git("reset", "--quiet", "--hard", commit)
    repo.push()
    return "is not valid"


def _another_use(repo: Repo, keygen: Keygen) -> str:
    """What an allowed signer signed, though not for git."""
    repo.sign(repo.clone.parent / "key")
    head, _, _ = repo.raw("cat-file", "commit", "HEAD").partition(b"gpgsig")
    payload = head + b"\nChange\n"
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(repo.clone.parent / "key")],
        input=payload,
        capture_output=True,
        check=True,
    )
    signature = done.stdout.strip().replace(b"\n", b"\n ")
    raw = head + b"gpgsig " + signature + b"\n\nChange\n"
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    repo.git("reset", "--quiet", "--hard", commit)
    repo.push()
    return "is not valid"


def _by_gpg(repo: Repo, keygen: Keygen) -> str:
    """A signature of another kind, which no program is started for."""
    raw = repo.raw("cat-file", "commit", "HEAD")
    armour = b"-----BEGIN PGP SIGNATURE-----\n \n wsBcBAABCAAQ\n -----END PGP SIGNATURE-----"
    raw = raw.replace(b"\n\n", b"\ngpgsig " + armour + b"\n\n", 1)
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    repo.git("reset", "--quiet", "--hard", commit)
    repo.push()
    return "is not signed by an ssh key|is not valid"


HELD = [_unsigned, _foreign, _altered, _another_use, _by_gpg]


@pytest.mark.smoke
def test_a_commit_of_nobody_we_know_is_held(admin: APIClient, repo: Repo, keygen: Keygen) -> None:
    """With who signed it; what is in force stays, and the next good commit passes."""
    key, public = keygen()
    repo.commit({BOT: policy("One")})
    repo.sign(key)
    row = link(admin, repo.url, allowed_signers=f"me@keeptrusts.example {public}")
    run_due()
    for number, provoke in enumerate(HELD):
        repo.commit({BOT: policy(f"Two {number}")})
        says = provoke(repo, keygen)

        poll()

        held, name = shown(admin, row), provoke.__name__
        assert (held["status"], held["held"]["reason"]) == ("held", "unverified_commit"), name
        assert held["held"]["commit"] == repo.git("rev-parse", "HEAD"), name
        assert any(part in held["held"]["message"] for part in says.split("|")), name
        assert content(admin, "bot") == policy("One").encode(), name
    repo.commit({BOT: policy("Three")})
    repo.sign(key)
    poll()
    assert (shown(admin, row)["status"], shown(admin, row)["held"]) == ("synced", None)
    assert content(admin, "bot") == policy("Three").encode()


def test_a_person_lets_a_commit_pass(admin: APIClient, repo: Repo, keygen: Keygen) -> None:
    """That one alone; its version names no signer."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url, allowed_signers=f"me@keeptrusts.example {keygen()[1]}")
    run_due()
    commit = shown(admin, row)["held"]["commit"]

    answer = admin.post(f"/v1/git-repos/{row['id']}/confirm", {"commit": commit}, format="json")
    run_due()
    repo.commit({BOT: policy("Two")})
    poll()

    assert answer.status_code == 202
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["commit"], version["signer"]) == (commit, "")
    assert shown(admin, row)["held"]["reason"] == "unverified_commit"


def test_a_commit_that_changes_no_policy_is_looked_at_too(
    admin: APIClient, repo: Repo, keygen: Keygen
) -> None:
    """What stands at the head has been checked, whatever it changes."""
    key, public = keygen()
    repo.commit({BOT: policy()})
    repo.sign(key)
    row = link(admin, repo.url, path="bot", allowed_signers=f"me@keeptrusts.example {public}")
    run_due()
    repo.commit({"readme.md": "Unsigned.\n"})

    poll()

    assert shown(admin, row)["held"]["reason"] == "unverified_commit"


def test_only_the_head_is_looked_at(admin: APIClient, repo: Repo, keygen: Keygen) -> None:
    """Who signs a commit vouches for what it stands on."""
    key, public = keygen()
    repo.commit({BOT: policy("One")})
    repo.commit({BOT: policy("Two")})
    repo.sign(key)
    row = link(admin, repo.url, allowed_signers=f"me@keeptrusts.example {public}")

    run_due()

    assert shown(admin, row)["status"] == "synced"


def test_other_signers_look_at_the_same_commit_again(
    admin: APIClient, repo: Repo, keygen: Keygen
) -> None:
    """A signer who is added lets it pass, one who is taken away holds it."""
    key, public = keygen()
    _, other = keygen("other")
    repo.commit({BOT: policy()})
    repo.sign(key)
    row = link(admin, repo.url, allowed_signers=f"other@keeptrusts.example {other}")
    run_due()
    before = (shown(admin, row)["status"], hashes())

    edit(admin, row, allowed_signers=f"me@keeptrusts.example {public}")
    run_due()
    after = shown(admin, row)["status"]
    edit(admin, row, allowed_signers=f"other@keeptrusts.example {other}")
    run_due()

    assert (before, after) == (("held", {}), "synced")
    assert shown(admin, row)["status"] == "held"
    assert list(hashes()) == ["bot"]


def test_links_of_one_commit_have_signers_of_their_own(
    admin: APIClient, repo: Repo, keygen: Keygen
) -> None:
    """One fetch, and each is judged by its own list."""
    key, public = keygen()
    _, other = keygen("other")
    repo.commit({f"{name}/policy-config.yaml": policy() for name in ("a", "b", "c")})
    repo.sign(key)
    lists = {"a": f"me@x {public}", "b": f"other@x {other}", "c": ""}
    rows = [link(admin, repo.url, path=name, allowed_signers=lists[name]) for name in lists]

    run_due()

    assert [shown(admin, row)["status"] for row in rows] == ["synced", "held", "synced"]


def _tag(repo: Repo, name: str, key: Path | None, *, called: str = "") -> None:
    """Push an annotated tag, signed by a key or nobody, perhaps one that is `called` otherwise."""
    signed = ["-s"] if key else ["-a"]
    config = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"]
    repo.git(*config, "tag", "--force", *signed, "-m", "A release", called or name)
    there = repo.git("rev-parse", f"refs/tags/{called or name}")
    repo.git("update-ref", f"refs/tags/{name}", there, at=repo.bare)


@pytest.mark.parametrize(
    ("signer", "called", "says"),
    [
        ("key", "", ""),
        ("", "", "The tag is not signed"),
        ("another", "", "The tag is signed by SHA256:"),
        ("key", "v0.9.0", "under another name: 'v0.9.0'"),
    ],
)
def test_of_an_annotated_tag_its_own_signature_counts(
    admin: APIClient, forge: Forge, repo: Repo, keygen: Keygen, signer: str, called: str, says: str
) -> None:
    """Whoever signed the commit; and signed is its name, so that no old one comes back as new."""
    keys = {"": None, "key": keygen("key")[0], "another": keygen("another")[0]}
    repo.commit({BOT: policy()})
    if says:
        repo.sign(keygen("third")[0])
    public = (repo.clone.parent / "key.pub").read_text().strip()
    third = (repo.clone.parent / "third.pub").read_text().strip() if says else public
    _tag(repo, "v1.0.0", keys[signer], called=called)
    signers = f"me@keeptrusts.example {public}\nyou@keeptrusts.example {third}"
    row = link(admin, repo.url, tag="v1.0.0", allowed_signers=signers)

    run_due()

    now = shown(admin, row)
    if says:
        assert now["held"]["reason"] == "unverified_commit"
        assert says in now["held"]["message"]
        _tag(repo, "v1.0.0", keys["key"])  # The commit is the same, and the tag's object another.
        poll()
    assert shown(admin, row)["status"] == "synced"
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert version["signer"] == "me@keeptrusts.example"
    assert version["signer_key"] == fingerprint(repo.clone.parent / "key")


@pytest.mark.parametrize("is_old", [False, True])
def test_of_another_tag_the_commit_counts(
    admin: APIClient, forge: Forge, repo: Repo, keygen: Keygen, is_old: bool
) -> None:
    """Also where the server serves nothing by its id; there an annotated tag's counts, too."""
    key, public = keygen()
    repo.commit({"light/policy-config.yaml": policy(), "tagged/policy-config.yaml": policy()})
    repo.sign(key)
    repo.tag("v1.0.0")
    _tag(repo, "v1.1.0", keygen("another")[0])
    if is_old:
        forge.old.add(repo.bare.name)
    signers = f"me@keeptrusts.example {public}"
    light, tagged = (
        link(admin, repo.url, tag=tag, path=path, allowed_signers=signers)
        for tag, path in (("v1.0.0", "light"), ("v1.1.0", "tagged"))
    )

    run_due()

    assert shown(admin, light)["status"] == "synced"
    assert shown(admin, tagged)["held"]["reason"] == "unverified_commit"


OPTIONS = [
    ('namespaces="git" ', True),
    ('namespaces="file" ', False),
    ('valid-after="20200101" ', True),
    ('valid-after="29990101" ', False),
    ('valid-before="29990101" ', True),
    ('valid-before="20200101" ', False),
    ('namespaces="git",valid-before="29990101Z" ', True),
    ("cert-authority ", False),
]


def test_options_are_heeded(admin: APIClient, repo: Repo, keygen: Keygen) -> None:
    """Of use and of time; a key that vouches for others is none that signs."""
    key, public = keygen()
    repo.commit({BOT: policy()})
    repo.sign(key)
    rows = []
    for number, (options, _) in enumerate(OPTIONS):
        name, signers = f"l{number}", f"me@keeptrusts.example {options}{public}"
        repo.git("update-ref", f"refs/heads/{name}", "HEAD", at=repo.bare)
        rows.append(
            link(admin, repo.url, branch=name, id_prefix=f"{name}-", allowed_signers=signers)
        )

    run_due()

    statuses = {
        options: shown(admin, row)["status"]
        for (options, _), row in zip(OPTIONS, rows, strict=True)
    }
    assert statuses == {options: "synced" if passes else "held" for options, passes in OPTIONS}


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7/F/junr7RdWGcL4I0kkB/kEXXfyYT9qfLqUvcbtz9"


@pytest.mark.parametrize(
    "text",
    [
        f"me@x {KEY}",
        f"# a comment\n\nme@x {KEY} with a comment\n*@y {KEY}",
        f'"me@x,you@x" namespaces="git" {KEY}',
        f"# a comment\r\nme@x {KEY}\r\n",
        f"*@x,!me@x valid-after=20200101120000Z,cert-authority {KEY}",
    ],
)
def test_allowed_signers_are_kept_as_they_were_sent(
    admin: APIClient, repo: Repo, text: str
) -> None:
    """In OpenSSH's format."""
    row = link(admin, repo.url, allowed_signers=text)

    assert row["allowed_signers"] == text


@pytest.mark.parametrize(
    "text",
    [
        "#", "\n", KEY, "me@x", f"me@x bad-option {KEY}", "me@x ssh-ed25519 AAAA", "me@x ssh-rsa x",
        f"me@x {KEY.replace('ed25519', 'rsa', 1)}", f"me@x {KEY}\nx", f"me@x {KEY}\n" * 201,
        f"me@x {KEY}\x00", f"# a comment\rme@x {KEY}", f"me@x {KEY}\u2028you@x {KEY}",
    ],
)  # fmt: skip
def test_what_names_no_signer_is_refused(admin: APIClient, repo: Repo, text: str) -> None:
    """A line that nobody reads would let nobody pass."""
    body = {"url": repo.url, "allowed_signers": text}

    answer = admin.post("/v1/git-repos", body, format="json")

    assert refusal(answer) == (400, ["allowed_signers"])
    assert error(answer)["message"]


def test_an_answer_of_git_that_nobody_foresaw_is_no_good_signature() -> None:
    """Whatever letter it is."""
    said: list[Any] = [signatures.read(f"{letter}\0me\0SHA256:x\n") for letter in "GUNBEXYR"]

    assert [signatures.complaint(one) == "" for one in said] == [True] + [False] * 7


def test_a_dry_run_says_that_a_commit_would_be_held(
    admin: APIClient, repo: Repo, keygen: Keygen
) -> None:
    """Before anybody waits for it."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, allowed_signers=f"me@keeptrusts.example {keygen()[1]}")
    stored = Link.objects.select_related("remote").get(pk=row["id"])

    answer = preview.of(stored)

    assert answer["held"]["reason"] == "unverified_commit"
