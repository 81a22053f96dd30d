"""Signatures of commits and tags: the signers that a link allows, and git's verdict. Pure.

Source: ssh-keygen(1), "ALLOWED SIGNERS"; gitformat-signature(5); git-log(1), `%G?`; of tags, what
git's `parse_ssh_output` and `parse_gpg_output` read in the words of ssh-keygen and gpg.
"""

import base64
import re
from dataclasses import replace

from gitrepos.forge.git import known_hosts
from gitrepos.snapshot.values import Signature

FORMAT = "--format=%G?%x00%GS%x00%GF%x00%GP%x00%GK"

_SAID = re.compile(
    r'\AGood "git" signature (?:for (?P<principal>.*) )?with \S+ key (?P<fingerprint>\S+)'
)
_MAX_SIGNERS = 200
_MAX_NAME_LENGTH = 1000
# The letters of `%G?`. Whatever another one means, it is no good signature.
_VERDICTS = {
    "G": "good",
    "U": "foreign",
    "N": "none",
    "E": "unknown",
    "X": "late",
    "Y": "expired",
    "R": "revoked",
}
# The status lines of gpg that judge a signature, with the letter that git gives each.
_GPG_LETTERS = {
    "GOODSIG": "G",
    "BADSIG": "B",
    "ERRSIG": "E",
    "EXPSIG": "X",
    "EXPKEYSIG": "Y",
    "REVKEYSIG": "R",
}
_OPTION = r'(cert-authority|namespaces="[^"]*"|valid-(after|before)="?[0-9]{8,14}Z?"?)'
_LINE = re.compile(
    r'(?P<principals>"[^"]+"|[^\s"]+)\s+'
    rf"(?P<options>{_OPTION}(,{_OPTION})*\s+)?"
    r"(?P<kind>(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+)\s+(?P<key>[A-Za-z0-9+/]+={0,2})(\s.*)?",
    re.IGNORECASE,
)


def check(allowed_signers: str) -> None:
    """Check a list of allowed signers.

    Raises:
        ValueError: a line is no signer, or there are none or too many; the message ends a sentence.
    """
    lines = [(at, line.strip()) for at, line in known_hosts.lines(allowed_signers)]
    kept = [(at, line) for at, line in lines if line and line[0] != "#"]
    if not kept:
        raise ValueError("has no signer; send an empty text to allow commits of anybody")
    if len(kept) > _MAX_SIGNERS:
        raise ValueError(f"may have {_MAX_SIGNERS} signers at most")
    for at, line in kept:
        match = _LINE.fullmatch(line)
        if match is None or not _is_key(match["kind"], match["key"]):
            raise ValueError(f"must have a signer in line {at}: PRINCIPALS [OPTIONS] TYPE KEY")


def read(output: str, *, wanted: str = "an ssh key") -> Signature:
    """Read a signature from the output of git in `FORMAT`; `wanted` is what would be good."""
    letter, principal, *keys = output.rstrip("\n").split("\0")
    signing, primary, key_id = (*keys, "", "")[:3]
    # People know an OpenPGP key by its first, whichever of its subkeys signed.
    return _judged(letter, principal, primary or signing or key_id, wanted)


def _judged(letter: str, principal: str, key: str, wanted: str) -> Signature:
    """The signature that has this letter of `%G?`."""
    verdict, fingerprint = _VERDICTS.get(letter, "bad"), _printable(key)
    if verdict == "unknown":  # Also of what gpg cannot read, which has no key either.
        verdict = "foreign" if fingerprint else "bad"
    if verdict in ("bad", "none"):  # It may name a key, and says nothing of it.
        return Signature(verdict, wanted=wanted)
    return Signature(
        verdict, _printable(principal) if verdict == "good" else "", fingerprint, wanted
    )


def of_tag(
    is_good: bool, output: bytes, words: str, *, ref: str, wanted: str = "an ssh key"
) -> Signature:
    """Read the signature of a tag from what `git verify-tag -v --raw` says of it.

    `output` is the tag as it was signed. A good one calls itself by the name of `ref`: else
    somebody could push an old tag, as it is, under a higher name.
    """
    signature = replace(_said(words, wanted), signed="tag")
    if signature.verdict != "good":
        return signature
    if not is_good:
        return replace(signature, verdict="foreign", principal="")
    header = output.decode(errors="replace").partition("\n\n")[0].split("\n")
    name = next((line[4:] for line in header if line.startswith("tag ")), "")
    verdict = "good" if ref == f"refs/tags/{name}" else "renamed"
    return replace(signature, verdict=verdict, tag=name)


def _said(words: str, wanted: str) -> Signature:
    """The signature of which ssh-keygen or gpg says these words."""
    if "no signature found" in words:
        return Signature("none", wanted=wanted)
    if "[GNUPG:] " in words:
        return _judged(*_gpg_said(words), wanted)
    said = _SAID.search(words)
    if said is None:
        return Signature("bad", wanted=wanted)
    return _judged(
        "G" if said["principal"] else "U", said["principal"] or "", said["fingerprint"], wanted
    )


def _gpg_said(words: str) -> tuple[str, str, str]:
    """The letter of `%G?`, the signer and the key that the status lines of gpg tell."""
    lines = [line.removeprefix("[GNUPG:] ").split(" ") for line in words.split("\n")
             if line.startswith("[GNUPG:] ")]  # fmt: skip
    told = [line for line in lines if line[0] in _GPG_LETTERS]
    if len(told) != 1:  # Of several signatures one may be anybody's.
        return "B", "", ""
    [(kind, key, *who)] = told
    valid = next((line for line in lines if line[0] == "VALIDSIG"), [])
    # The last of ten fields is the fingerprint of the first key, the first that of the signing one.
    fingerprint = (valid[10:11] or valid[1:2] or [key])[0]
    return _GPG_LETTERS[kind], " ".join(who), fingerprint


def complaint(signature: Signature) -> str:
    """The reason not to apply a commit with this signature; empty when it may be applied."""
    what = signature.signed
    return {
        "good": "",
        "foreign": f"The {what} is signed by {signature.fingerprint}, which was none of the allowed"
        f" signers at the {what}'s time.",
        "none": f"The {what} is not signed by {signature.wanted}.",
        "late": f"The {what}'s signature by {signature.fingerprint}, an allowed key, has expired.",
        "expired": f"The {what} is signed by {signature.fingerprint}, an allowed key that has"
        " expired: allow it with its new date, or sign with another.",
        "revoked": f"The {what} is signed by {signature.fingerprint}, an allowed key that was"
        " revoked.",
        "bad": f"The {what}'s signature is not valid: it is of other content or for another use.",
        "renamed": f"The tag was signed under another name: {signature.tag!r}.",
    }[signature.verdict]


def kinds(*, ssh: bool, openpgp: bool) -> str:
    """The kinds of keys that a link allows, in words."""
    named = [kind for kind, is_allowed in (("ssh", ssh), ("OpenPGP", openpgp)) if is_allowed]
    return f"an {' or '.join(named)} key"


def _printable(words: str) -> str:
    """Words of a signature or key, as a database takes them."""
    return words.encode(errors="replace").decode()[:_MAX_NAME_LENGTH]


def _is_key(kind: str, key: str) -> bool:
    try:
        blob = base64.b64decode(key, validate=True)
    except ValueError:
        return False
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length] == kind.encode()
