"""Commits signed by OpenPGP keys, where a link allows such."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from gitrepos.forge.addresses import parse
from gitrepos.links import links
from gitrepos.snapshot import openpgp, signatures
from gitrepos.sync import preview
from tests.support.api import error, refusal
from tests.support.pgp import Keys, Person
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, get, link, outcomes, poll, run_due, shown

BOT = "bot/policy-config.yaml"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    """The home in which people make their keys."""
    with Keys() as made:
        yield made


@pytest.fixture(scope="module")
def alice(keys: Keys) -> Person:
    """An allowed signer."""
    return keys.make("alice")


@pytest.fixture(scope="module")
def bob(keys: Keys) -> Person:
    """Somebody else."""
    return keys.make("bob")


@pytest.mark.django_db
def test_a_commit_by_an_allowed_key_passes(
    admin: APIClient, repo: Repo, alice: Person, bob: Person
) -> None:
    """Its version says who and with what key; one of several is enough."""
    repo.commit({BOT: policy()})
    commit = repo.sign(alice.fingerprint, program=alice.program)
    row = link(admin, repo.url, allowed_openpgp_keys=bob.public + alice.public)

    run_due()

    assert shown(admin, row)["status"] == "synced"
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["commit"], version["signer"], version["signer_key"]) == (
        commit,
        "alice <alice@keeptrusts.example>",
        alice.fingerprint,
    )


@pytest.mark.django_db
def test_an_rsa_key_and_a_subkey_sign_as_well(admin: APIClient, repo: Repo, keys: Keys) -> None:
    """A subkey's commit is that of the key that people know."""
    carol = keys.make("carol", "rsa3072")
    keys.gpg("--passphrase", "", "--quick-add-key", carol.fingerprint, "ed25519", "sign", "0")
    repo.commit({BOT: policy()})
    repo.sign(carol.fingerprint, program=carol.program)
    row = link(admin, repo.url, allowed_openpgp_keys=keys.export(carol.fingerprint))

    run_due()

    assert shown(admin, row)["status"] == "synced"
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert version["signer_key"] == carol.fingerprint
    raw = repo.raw("cat-file", "commit", "HEAD")
    assert carol.fingerprint.encode() not in raw


def _unsigned(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    return alice.public, "not signed by an OpenPGP key"


def _unknown(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    repo.sign(bob.fingerprint, program=bob.program)
    return alice.public, bob.fingerprint[-16:] + ", which was none of the allowed"


def _altered(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    repo.sign(alice.fingerprint, program=alice.program)
    raw = repo.raw("cat-file", "commit", "HEAD").replace(b"Change", b"Chance")
    _put(repo, raw)
    return alice.public, "is not valid"


def _expired(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    old = keys.make(f"old-{repo.bare.stem}", expired=True)
    repo.sign(old.fingerprint, program=old.program)
    return old.public, f"{old.fingerprint}, an allowed key that has expired"


def _revoked(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    former = keys.make(f"former-{repo.bare.stem}")
    repo.sign(former.fingerprint, program=former.program)
    return keys.revoke(former), f"{former.fingerprint}, an allowed key that was revoked"


def _two_signatures(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    """One is good, and another stands beside it."""
    repo.sign(bob.fingerprint, program=bob.program)
    second = _signature(repo)
    repo.git("commit", "--quiet", "--amend", "--no-edit", "--no-gpg-sign")
    repo.sign(alice.fingerprint, program=alice.program)
    raw = repo.raw("cat-file", "commit", "HEAD")
    first = _signature(repo)
    armour = base64.encodebytes(_packets(first) + _packets(second)).replace(b"\n", b"\n ")
    block = b"-----BEGIN PGP SIGNATURE-----\n \n " + armour + b"-----END PGP SIGNATURE-----"
    _put(repo, raw.replace(first, block))
    return alice.public, "The commit"


def _nonsense(repo: Repo, keys: Keys, alice: Person, bob: Person) -> tuple[str, str]:
    raw = repo.raw("cat-file", "commit", "HEAD")
    armour = b"-----BEGIN PGP SIGNATURE-----\n \n wsBcBAABCAAQ\n -----END PGP SIGNATURE-----"
    _put(repo, raw.replace(b"\n\n", b"\ngpgsig " + armour + b"\n\n", 1))
    return alice.public, "The commit"


def _signature(repo: Repo) -> bytes:
    """The signature of the last commit, as it stands in it."""
    raw = repo.raw("cat-file", "commit", "HEAD")
    end = b"-----END PGP SIGNATURE-----"
    return raw[raw.index(b"gpgsig ") + 7 : raw.index(end) + len(end)]


def _packets(signature: bytes) -> bytes:
    lines = signature.replace(b"\n ", b"\n").split(b"\n")
    return base64.b64decode(b"".join(line for line in lines[1:-1] if line[:1] != b"="))


def _put(repo: Repo, raw: bytes) -> None:
    commit = repo.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    repo.git("reset", "--quiet", "--hard", commit)
    repo.push()


Provoke = Callable[[Repo, Keys, Person, Person], tuple[str, str]]
HELD = [_unsigned, _unknown, _altered, _expired, _revoked, _two_signatures, _nonsense]


@pytest.mark.django_db
def test_any_other_commit_is_held(
    admin: APIClient, repo: Repo, keys: Keys, alice: Person, bob: Person
) -> None:
    """With the reason in words; what is in force stays."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    for number, provoke in enumerate(HELD):
        repo.commit({BOT: policy(f"Two {number}")})
        allowed, says = provoke(repo, keys, alice, bob)
        edit(admin, row, allowed_openpgp_keys=allowed)
        run_due()

        held, name = shown(admin, row), provoke.__name__
        assert (held["status"], held["held"]["reason"]) == ("held", "unverified_commit"), name
        assert says in held["held"]["message"], name
        assert content(admin, "bot") == policy("One").encode(), name
    edit(admin, row, allowed_openpgp_keys=alice.public)
    repo.commit({BOT: policy("Three")})
    repo.sign(alice.fingerprint, program=alice.program)
    poll()
    assert shown(admin, row)["status"] == "synced"


@pytest.mark.django_db
def test_a_commit_without_a_directory_takes_nothing_from_its_link(
    admin: APIClient, repo: Repo, alice: Person
) -> None:
    """As one takes nothing that leaves some of the directory there: no allowed key signed it."""
    repo.commit({"a/bot/policy-config.yaml": policy(id="bot"), "b/readme.md": "Here.\n"})
    first, second = link(admin, repo.url, path="a"), link(admin, repo.url, path="b")
    run_due()
    edit(admin, first, allowed_openpgp_keys=alice.public)
    moved = {"a/bot/policy-config.yaml": None, "b/bot/policy-config.yaml": policy("New", id="bot")}
    repo.commit(moved)

    poll()

    assert outcomes(admin, second) == {("b/bot/policy-config.yaml", "bot"): "conflict"}
    assert get(admin, "/v1/configurations/bot")["git_repo"] == first["id"]


@pytest.mark.django_db
def test_a_preview_asks_for_the_keys_of_its_link(
    admin: APIClient, repo: Repo, alice: Person
) -> None:
    """Where it does not say otherwise, as with all that a link asks for."""
    repo.commit({BOT: policy()})
    link(admin, repo.url, allowed_openpgp_keys=alice.public)
    url = parse(repo.url, schemes={"http"})

    draft = links.draft(url, token="", credential="", fields={})

    held = preview.of(draft)["held"]
    assert held is not None and held["reason"] == "unverified_commit"


@pytest.mark.django_db
def test_both_kinds_of_signers_are_allowed_at_once(
    admin: APIClient, repo: Repo, alice: Person, tmp_path: Path
) -> None:
    """Whoever of them signs; neither kind vouches for the other."""
    key = ssh_key(tmp_path / "key")
    repo.commit({BOT: policy("One")})
    repo.sign(str(tmp_path / "key"))
    row = link(
        admin, repo.url, allowed_openpgp_keys=alice.public, allowed_signers=f"ci@keeptrusts {key}"
    )
    run_due()
    by_ssh = shown(admin, row)["status"]
    repo.commit({BOT: policy("Two")})
    poll()
    unsigned = shown(admin, row)["held"]["message"]
    repo.sign(alice.fingerprint, program=alice.program)
    poll()
    by_gpg = shown(admin, row)["status"]
    edit(admin, row, allowed_openpgp_keys=None)
    run_due()

    assert (by_ssh, by_gpg, shown(admin, row)["status"]) == ("synced", "synced", "held")
    assert unsigned == "The commit is not signed by an ssh or OpenPGP key."


@pytest.mark.django_db
def test_an_ssh_signature_is_none_of_an_openpgp_key(
    admin: APIClient, repo: Repo, alice: Person, tmp_path: Path
) -> None:
    """However good it is."""
    ssh_key(tmp_path / "key")
    repo.commit({BOT: policy()})
    repo.sign(str(tmp_path / "key"))
    row = link(admin, repo.url, allowed_openpgp_keys=alice.public)

    run_due()

    assert "not signed by an OpenPGP key" in shown(admin, row)["held"]["message"]


@pytest.mark.django_db
def test_keys_are_shown_as_they_were_sent(admin: APIClient, repo: Repo, alice: Person) -> None:
    """With the lines that gpg writes on other systems, too."""
    sent = alice.public.replace("\n", "\r\n")

    row = link(admin, repo.url, allowed_openpgp_keys=sent)

    assert row["allowed_openpgp_keys"] == sent
    edit(admin, row, allowed_openpgp_keys="")
    assert shown(admin, row)["allowed_openpgp_keys"] == ""


@pytest.mark.django_db
def test_without_gpg_no_such_link_is_made(
    admin: APIClient, repo: Repo, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hold every commit."""
    monkeypatch.setattr(openpgp, "program", lambda: None)

    answer = admin.post(
        "/v1/git-repos", {"url": repo.url, "allowed_openpgp_keys": alice.public}, format="json"
    )

    assert refusal(answer) == (400, ["allowed_openpgp_keys"])
    assert "install GnuPG" in str(error(answer))


LETTERS = [
    # What git prints for a signature: letter, name, key, primary key, key id; what it is here.
    ("G", "FF", "PP", "KK", ("good", "alice", "PP")),
    ("G", "FF", "", "KK", ("good", "alice", "FF")),
    ("E", "", "", "KK", ("foreign", "", "KK")),
    ("E", "", "", "", ("bad", "", "")),
    ("X", "FF", "PP", "KK", ("late", "", "PP")),
    ("Y", "FF", "PP", "KK", ("expired", "", "PP")),
    ("R", "FF", "PP", "KK", ("revoked", "", "PP")),
    ("B", "", "", "KK", ("bad", "", "")),
    ("U", "FF", "PP", "KK", ("foreign", "", "PP")),
    ("N", "", "", "", ("none", "", "")),
    ("Q", "FF", "PP", "KK", ("bad", "", "")),
]


@pytest.mark.parametrize(("letter", "key", "primary", "key_id", "expected"), LETTERS)
def test_only_a_good_signature_names_its_signer(
    letter: str, key: str, primary: str, key_id: str, expected: tuple[str, str, str]
) -> None:
    """A commit that somebody confirms has none, whatever it claims."""
    found = signatures.read(f"{letter}\0alice\0{key}\0{primary}\0{key_id}\n")

    assert (found.verdict, found.principal, found.fingerprint) == expected
    assert (signatures.complaint(found) == "") == (letter == "G")


TAGS = [
    # Whether git accepts a tag, the status lines of gpg, and what it is here.
    (True, ["GOODSIG KK alice", "VALIDSIG FF 1 2 3 4 5 6 7 8 PP"], ("good", "alice", "PP")),
    (True, ["GOODSIG KK alice", "VALIDSIG FF"], ("good", "alice", "FF")),
    (False, ["GOODSIG KK alice", "VALIDSIG FF 1 2 3 4 5 6 7 8 PP"], ("foreign", "", "PP")),
    (False, ["ERRSIG KK 22 10 00 1 9", "NO_PUBKEY KK"], ("foreign", "", "KK")),
    (False, ["EXPSIG KK alice", "VALIDSIG FF 1 2 3 4 5 6 7 8 PP"], ("late", "", "PP")),
    (False, ["EXPKEYSIG KK alice", "VALIDSIG FF 1 2 3 4 5 6 7 8 PP"], ("expired", "", "PP")),
    (False, ["REVKEYSIG KK alice", "VALIDSIG FF 1 2 3 4 5 6 7 8 PP"], ("revoked", "", "PP")),
    (True, ["GOODSIG KK alice", "GOODSIG LL bob"], ("bad", "", "")),
    (False, ["BADSIG KK alice"], ("bad", "", "")),
    (False, ["NODATA 4"], ("bad", "", "")),
]


@pytest.mark.parametrize(("is_good", "lines", "expected"), TAGS)
def test_of_a_tag_the_status_lines_tell_as_of_a_commit(
    is_good: bool, lines: list[str], expected: tuple[str, str, str]
) -> None:
    """Two signatures are none, as git itself has it for commits."""
    words = "".join(f"[GNUPG:] {line}\n" for line in ["NEWSIG", *lines])

    found = signatures.of_tag(is_good, b"object 1\ntag v1\n\nx", words, ref="refs/tags/v1")

    assert (found.verdict, found.principal, found.fingerprint) == expected
    assert (found.signed, signatures.complaint(found) == "") == ("tag", expected[0] == "good")


@pytest.mark.django_db
def test_a_tag_is_signed_by_an_allowed_key(
    admin: APIClient, repo: Repo, alice: Person, bob: Person
) -> None:
    """As a commit is, with the same keys."""
    repo.commit({BOT: policy()})
    row = link(admin, repo.url, tag="v1", allowed_openpgp_keys=alice.public)
    _sign_tag(repo, bob)
    run_due()
    assert f"The tag is signed by {bob.fingerprint[-16:]}" in shown(admin, row)["held"]["message"]
    _sign_tag(repo, alice)

    poll()

    assert shown(admin, row)["status"] == "synced"
    [version] = get(admin, "/v1/configurations/bot/versions")
    assert (version["signer"], version["signer_key"]) == (
        "alice <alice@keeptrusts.example>",
        alice.fingerprint,
    )


def _sign_tag(repo: Repo, person: Person) -> None:
    config = ("-c", f"gpg.program={person.program}", "-c", f"user.signingKey={person.fingerprint}")
    repo.git(*config, "tag", "--force", "-s", "-m", "A release", "v1")
    repo.git("update-ref", "refs/tags/v1", repo.git("rev-parse", "refs/tags/v1"), at=repo.bare)


def ssh_key(file: Path) -> str:
    """Make an ssh key; returns its public half as one line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return " ".join(file.with_suffix(".pub").read_text().split()[:2])


def _armoured(raw: bytes, kind: str = "PUBLIC KEY BLOCK") -> str:
    body = base64.encodebytes(raw).decode()
    return f"-----BEGIN PGP {kind}-----\n\n{body}-----END PGP {kind}-----\n"


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4) + body


def _key(algorithm: int = 22, version: int = 4, bits: int = 256) -> bytes:
    return bytes([version, 0, 0, 0, 0, algorithm]) + bits.to_bytes(2) + bytes(bits // 8)


EDDSA = _packet(6, _key())
GOOD = [
    _armoured(EDDSA),
    _armoured(EDDSA + _packet(13, b"alice") + _packet(2, b"") + _packet(14, _key(18))),
    _armoured(_packet(6, _key(1, bits=2048)) + EDDSA) + "\n" + _armoured(_packet(6, _key(19))),
    _armoured(bytes([0x98, len(_key())]) + _key()),
    _armoured(bytes([0xC6, len(_key())]) + _key()),
    _armoured(_packet(6, _key(1, bits=4096))).replace("\n\n", "\nComment: x: y\nHash: z\n\n", 1),
    _armoured(EDDSA).replace("\n", "\r\n"),
    f"\n  {_armoured(EDDSA)}  \n",
    _armoured(EDDSA * 50),
]
BAD = [
    (" ", "whole blocks"),
    ("alice", "whole blocks"),
    (f"alice\n{_armoured(EDDSA)}", "whole blocks"),
    (f"{_armoured(EDDSA)}alice", "whole blocks"),
    (_armoured(EDDSA).removesuffix("-----END PGP PUBLIC KEY BLOCK-----\n"), "whole blocks"),
    (_armoured(EDDSA).replace("\n\n", "\n", 1), "whole blocks"),
    (_armoured(EDDSA, "SIGNATURE"), "whole blocks"),
    (_armoured(EDDSA, "PRIVATE KEY BLOCK"), "private key"),
    (_armoured(_packet(5, _key())), "private key"),
    (_armoured(EDDSA + _packet(7, _key())), "private key"),
    (_armoured(EDDSA).replace("\n-----END", "\n=AAAA\n-----END"), "checksum"),
    (_armoured(EDDSA[:-1]), "cut short"),
    (_armoured(EDDSA + b"\xc6"), "cut short"),
    (_armoured(b"\x00" + EDDSA), "cut short"),
    (_armoured(bytes([0xC6, 0xE1]) + EDDSA), "in parts"),
    (_armoured(bytes([0x9B]) + _key()), "without a length"),
    (_armoured(_packet(14, _key()) + EDDSA), "something else"),
    (_armoured(_packet(13, b"alice") + EDDSA), "something else"),
    (_armoured(EDDSA + _packet(11, b"text")), "something else"),
    (_armoured(_packet(6, _key(version=3))), "version 4"),
    (_armoured(_packet(6, _key(version=6))), "version 4"),
    (_armoured(_packet(6, b"\x04")), "version 4"),
    (_armoured(_packet(6, _key(1, bits=1024))), "2048 bits"),
    (_armoured(_packet(6, _key(1, bits=32_768))), "16384"),
    (_armoured(EDDSA + _packet(14, _key(17, bits=1024))), "2048 bits"),
    (_armoured(_packet(6, _key(18))), "2048 bits"),
    (_armoured(EDDSA * 51), "50 keys"),
]


@pytest.mark.parametrize("text", GOOD)
def test_public_keys_are_taken(text: str) -> None:
    """In one block or several, with both forms of headers."""
    openpgp.check(text)


@pytest.mark.parametrize(("text", "says"), BAD)
def test_what_is_no_public_key_is_refused(text: str, says: str) -> None:
    """Before anything of it is computed."""
    with pytest.raises(ValueError, match=says):
        openpgp.check(text)


def test_gpgs_own_checksum_is_right(alice: Person) -> None:
    """And one sign that changed on the way is seen."""
    openpgp.check(alice.public)
    lines = alice.public.split("\n")
    at = next(number for number, line in enumerate(lines) if len(line) == 64)
    lines[at] = ("A" if lines[at][0] != "A" else "B") + lines[at][1:]

    with pytest.raises(ValueError, match="checksum"):
        openpgp.check("\n".join(lines))
