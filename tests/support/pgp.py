"""OpenPGP keys of people who sign commits, made by gpg in a home of their own."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

LONG_AGO = "20200101T000000"


@dataclass(frozen=True)
class Person:
    """A person with a key: its fingerprint, the armoured public key, and a `gpg.program`."""

    fingerprint: str
    public: str
    program: Path


class Keys:
    """A home of gpg. Its path is short, as the socket in it must be."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="pgp-", dir="/tmp"))

    def __enter__(self) -> "Keys":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def make(self, name: str, kind: str = "ed25519", *, expired: bool = False) -> Person:
        """A key that can sign; an expired one was good for a day, long ago."""
        then = ("--faked-system-time", f"{LONG_AGO}!") if expired else ()
        who, until = f"{name} <{name}@keeptrusts.example>", "1d" if expired else "0"
        self.gpg(*then, "--passphrase", "", "--quick-generate-key", who, kind, "sign", until)
        listing = self.gpg("--with-colons", "--list-keys", name).decode()
        fingerprint = next(
            line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")
        )
        program = self.home / f"gpg-{name}"
        program.write_text(
            f'#!/bin/sh\nexec env GNUPGHOME={self.home} gpg --batch {" ".join(then)} "$@"\n'
        )
        program.chmod(0o700)
        return Person(fingerprint, self.export(fingerprint), program)

    def export(self, fingerprint: str) -> str:
        """The public key as it is now."""
        return self.gpg("--armor", "--export", fingerprint).decode()

    def revoke(self, person: Person) -> str:
        """Revoke a key; returns the public key that says so."""
        stored = self.home / "openpgp-revocs.d" / f"{person.fingerprint}.rev"
        self.gpg("--import", stdin=stored.read_text().replace(":-----BEGIN", "-----BEGIN").encode())
        return self.export(person.fingerprint)

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run gpg here."""
        done = subprocess.run(
            ["gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", *arguments],
            env={"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home), "LC_ALL": "C"},
            input=stdin,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
