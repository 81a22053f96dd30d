"""Signatures of commits: the signers that a link allows, and the verdict of git. Pure.

Source: ssh-keygen(1), "ALLOWED SIGNERS"; gitformat-signature(5); git-log(1), `%G?`.
"""

import base64
import re

from gitrepos.forge.git import known_hosts
from gitrepos.snapshot.values import Signature

FORMAT = "--format=%G?%x00%GS%x00%GF%x00%GP%x00%GK"

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
    verdict = _VERDICTS.get(letter, "bad")
    # People know an OpenPGP key by its first, whichever of its subkeys signed.
    fingerprint = _printable(primary or signing or key_id)
    if verdict == "unknown":  # Also of what gpg cannot read, which has no key either.
        verdict = "foreign" if fingerprint else "bad"
    if verdict in ("bad", "none"):  # It may name a key, and says nothing of it.
        return Signature(verdict, wanted=wanted)
    return Signature(
        verdict, _printable(principal) if verdict == "good" else "", fingerprint, wanted
    )


def complaint(signature: Signature) -> str:
    """The reason not to apply a commit with this signature; empty when it may be applied."""
    return {
        "good": "",
        "foreign": f"The commit is signed by {signature.fingerprint}, which was none of the allowed"
        " signers at the commit's time.",
        "none": f"The commit is not signed by {signature.wanted}.",
        "late": f"The commit's signature by {signature.fingerprint}, an allowed key, has expired.",
        "expired": f"The commit is signed by {signature.fingerprint}, an allowed key that has"
        " expired: allow it with its new date, or sign with another.",
        "revoked": f"The commit is signed by {signature.fingerprint}, an allowed key that was"
        " revoked.",
        "bad": "The commit's signature is not valid: it is of other content or for another use.",
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
