"""A git repository for tests: a clone to commit from, and the bare one that the forge serves."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "An Author",
    "GIT_AUTHOR_EMAIL": "author@keeptrusts.example",
    "GIT_COMMITTER_NAME": "An Author",
    "GIT_COMMITTER_EMAIL": "author@keeptrusts.example",
}

GOOD = """\
pack:
  name: {name}
  version: 1.0.0
  enabled: true
policies:
  chain:
    - safety-filter
"""


def policy(name: str = "Baseline", **pack: str) -> str:
    """A valid policy; `pack` adds fields to its pack."""
    extra = "".join(f"  {key}: {value}\n" for key, value in pack.items())
    return GOOD.format(name=name).replace("  enabled: true\n", f"  enabled: true\n{extra}")


class Repo:
    """A repository. Commits are pushed at once, as by a merge; clone and bare share objects."""

    def __init__(self, bare: Path, clone: Path, url: str) -> None:
        self.bare, self.clone, self.url = bare, clone, url

    def make(self, templates: Path, object_format: str) -> None:
        """Create both, with branch main and no commit, from what was made once."""
        template = templates / f"{object_format}.template"
        if not template.exists():
            template.mkdir(parents=True)
            init = ["init", "--quiet", "--initial-branch=main", f"--object-format={object_format}"]
            self.git(*init, "--bare", "--template=", "bare.git", at=template)
            self.git(*init, "--template=", "clone", at=template)
            for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
                self.git("config", setting, "true", at=template / "bare.git")
            shutil.rmtree(template / "clone" / ".git" / "objects")
        shutil.copytree(template / "bare.git", self.bare)
        shutil.copytree(template / "clone", self.clone)
        (self.clone / ".git" / "objects").symlink_to(self.bare / "objects")
        with (self.clone / ".git" / "config").open("a") as config:
            config.write(f'[remote "origin"]\n\turl = {self.bare}\n')
            config.write("[maintenance]\n\tauto = false\n")  # A process for each commit.

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """Run git in the clone, or in `at`."""
        return self.raw(*arguments, at=at).decode().strip()

    def raw(self, *arguments: str, at: Path | None = None, stdin: bytes = b"") -> bytes:
        """Run git with bytes in and out."""
        done = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=at or self.clone,
            env=_ENVIRONMENT,
            capture_output=True,
            input=stdin,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file into the clone."""
        target = self.clone / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes | None], message: str = "Change") -> str:
        """Write (or with None remove) files, commit, push; returns the commit."""
        for path, content in files.items():
            if content is None:
                (self.clone / path).unlink()
            else:
                self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.push()

    def plant(self, files: Mapping[str | bytes, str | bytes], *, mode: str = "100644") -> str:
        """Commit files past the work tree, which could not hold each path, mode or byte.

        For the mode of a submodule the content is the commit's id. Do not use `commit` after it.
        """
        blobs, rows = b"", b""
        for path, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            name = path.encode() if isinstance(path, str) else path
            if mode != "160000":
                blobs += b"blob\ndata %d\n%s\n" % (len(raw), raw)
                raw = hashlib.sha1(b"blob %d\0%s" % (len(raw), raw)).hexdigest().encode()
            rows += mode.encode() + b" " + raw + b"\t" + name + b"\0"
        self.raw("fast-import", "--quiet", stdin=blobs)
        self.raw("update-index", "-z", "--add", "--index-info", stdin=rows)
        self.git("commit", "--quiet", "--allow-empty", "-m", "Plant")
        return self.push()

    def sign(self, key: Path | str, *, program: Path | None = None) -> str:
        """Have the last commit signed by an ssh key, and push it; returns the commit.

        With `program`, which is a gpg, by an OpenPGP key of this fingerprint.
        """
        kind = f"gpg.program={program}" if program else "gpg.format=ssh"
        self.git(
            "-c", kind, "-c", f"user.signingKey={key}",
            "commit", "--quiet", "--amend", "--no-edit", "--allow-empty", "-S",
        )  # fmt: skip
        return self.push()

    def tag(self, name: str, commit: str = "HEAD", *, message: str = "") -> str:
        """Push a tag, moved if it is there, with a message an annotated one; returns its object."""
        annotated = ["-a", "-m", message] if message else []
        self.git("tag", "--force", *annotated, name, commit)
        there = self.git("rev-parse", f"refs/tags/{name}")
        self.git("update-ref", f"refs/tags/{name}", there, at=self.bare)
        return there

    def untag(self, name: str) -> None:
        """Delete a tag of the bare repository."""
        self.git("update-ref", "-d", f"refs/tags/{name}", at=self.bare)

    def push(self) -> str:
        """Push what is committed, a rewritten history too."""
        branch = (self.clone / ".git" / "HEAD").read_text().strip().removeprefix("ref: ")
        commit = (self.clone / ".git" / branch).read_text().strip()
        # Both have the same objects: a real push would be six processes for none. As git does it,
        # a reader sees the old commit or the new one.
        lock = self.bare / f"{branch}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(f"{commit}\n")
        lock.replace(self.bare / branch)
        return commit

    def blob(self, path: str) -> bytes:
        """The bytes that git has for a path at HEAD."""
        return self.raw("show", f"HEAD:{path}")
