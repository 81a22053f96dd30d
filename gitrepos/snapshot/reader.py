"""The commit of a snapshot in its temporary repository, and the commands that read it."""

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from gitrepos.errors import BadAnswerError, NotACommitError, PathNotFoundError, TooLargeError
from gitrepos.snapshot import ancestry, globs, ladder, openpgp, signatures, symlinks
from gitrepos.snapshot.entries import (
    ATTRIBUTES,
    REGULAR,
    SYMLINK,
    Entries,
    Entry,
    as_bytes,
    attributes_above,
    is_above,
    may_be_taken,
    parents,
)
from gitrepos.snapshot.ladder import Way
from gitrepos.snapshot.repository import RemoteRef, Signers, text
from gitrepos.snapshot.values import ALTERING, Commit, FilesRequest, Made, Signature
from kt.policy.files import FILE_NAME, MAX_BYTES, policy_files

MAX_FILES = 1000
# As much as a worker can lint within its lease, whatever is in the files.
_CONTENT_BYTES = 32 * 1024 * 1024
_TOO_LARGE = f"The policy files have over {_CONTENT_BYTES} bytes together."
_MAX_LINKS = 1000
# Roots of one listing: each entry is compared with every root, and a command line is bounded.
_AT_ONCE = 100
_COMMAND_CHARACTERS = 100_000


class Repository:
    """A temporary bare repository with one commit, its tag if one is asked for, and the commands
    that read it.

    Until `contents` fetches them, it has no blobs, unless the server cannot leave them out. What
    lies at `roots` is listed once for all of them.
    """

    def __init__(
        self, source: RemoteRef, head: str, tag_object: str, roots: Collection[str]
    ) -> None:
        self._source, self._roots = source, sorted(set(roots))
        names = _names(self._roots)
        brought = ladder.bring(source, head, tag_object=tag_object, names=names)
        self._bare, self._way, self._own = brought.bare, brought.way, brought.own
        self._tag_object = tag_object
        if tag_object and self._way is not Way.OWN:
            self._tag_object = self._tag_at(brought.name)
        self._header, message = self._read_header(brought.name)
        # Of a header that is there twice, the first counts.
        facts = dict(line.partition(" ")[::2] for line in reversed(self._header))
        self.commit, self._tree = _commit(facts, message), facts["tree"]
        self._listing: Entries | None = None
        self._here: set[str] = set()
        self._contents: dict[str, bytes | None] = {}
        self._left: dict[str, bool] = {}
        self._signatures: dict[tuple[str, str], Signature | None] = {}

    def _read_header(self, name: str) -> tuple[list[str], str]:
        """The header lines of a commit as stored, and its message.

        The stored lines have the parents, which a shallow repository hides otherwise.

        Raises:
            NotACommitError: it is none.
        """
        if self._own:
            header = self._own.commit.header.decode(errors="replace")
            message = self._own.commit.message.decode(errors="replace")
            return [f"commit {name}", *header.split("\n")], message
        raw = self._bare.read(["log", "-1", "--pretty=raw", name, "--"], 1 << 20)
        if not raw:
            raise NotACommitError(f"{self._source.ref} leads to no commit.")
        header, _, message = raw.decode(errors="replace").partition("\n\n")
        lines = [line.removeprefix("    ") for line in message.split("\n")]
        return header.split("\n"), "\n".join(lines)

    def _tag_at(self, name: str) -> str:
        """The id of the tag object that a ref leads to; empty when it leads to a commit."""
        output = self._bare.read(["for-each-ref", "--format=%(objecttype) %(objectname)", name])
        kind, _, there = text(output).strip().partition(" ")
        return there if kind == "tag" else ""

    @property
    def let_off(self) -> tuple[str, ...]:
        """The checks of git that objects fail without harm, sorted."""
        return tuple(sorted(self._bare.let_off))

    def left(self, commit: str) -> bool:
        """True when the branch provably lost `commit` from its ancestors; asked once for each."""
        if self._way is Way.WHOLE:
            return commit not in ancestry.history(self._bare, self.commit.id)
        if commit not in self._left:
            self._left[commit] = ancestry.left(
                self._source, commit, head=self.commit.id, header=self._header
            )
        return self._left[commit]

    def people(self, ask: FilesRequest) -> tuple[Made, ...] | None:
        """Who made the commits below since that in force; see `ancestry.people`.

        A signed tag vouches for what is below it; a signed commit for itself alone.
        """
        since = ask.people_since
        if since is None:
            return None
        judges = ("", "") if self._tag_object else (ask.allowed_signers, ask.allowed_openpgp_keys)
        allowed = self._allowed(*judges)
        if self._way is Way.WHOLE and since:
            return ancestry.walked(self._bare, self.commit.id, since, allowed)
        head, header = self.commit.id, self._header
        return ancestry.people(self._source, since, head=head, header=header, signers=allowed)

    def signature(self, ask: FilesRequest) -> Signature | None:
        """The signature of the annotated tag, or else the commit; None without allowed signers."""
        if not ask.allowed_signers and not ask.allowed_openpgp_keys:
            return None
        judges = (ask.allowed_signers, ask.allowed_openpgp_keys)
        if judges not in self._signatures:
            self._signatures[judges] = self._judged(*judges)
        return self._signatures[judges]

    def _judged(self, signers: str, keys: str) -> Signature | None:
        allowed = self._allowed(signers, keys)
        wanted = signatures.kinds(ssh=bool(signers), openpgp=bool(keys))
        if self._tag_object:
            verify = ["verify-tag", "-v", "--raw", self._tag_object]
            return signatures.of_tag(
                *self._bare.verdict(verify, **allowed), ref=self._source.ref, wanted=wanted
            )
        log = ["log", "-1", signatures.FORMAT, self.commit.id, "--"]
        return signatures.read(text(self._bare.read(log, 4096, **allowed)), wanted=wanted)

    def _allowed(self, signers: str, keys: str) -> Signers:
        home = openpgp.home(self._source.place.path, keys) if keys else None
        return {"allowed_signers": signers, "gpg_home": home}

    def at(self, root: str) -> tuple[str, list[Entry]]:
        """The id of the state of `root`, and the entries of `.gitattributes` above it.

        The id is that of the tree or blob at `root`; with attributes above it, a digest of all.

        Raises:
            PathNotFoundError: the commit has nothing at `root`.
        """
        if not root:
            return self._tree, []
        listing = self._listed_once()
        entry = listing.at(root)
        if entry is None:
            raise PathNotFoundError(self._missing(root), commit=self.commit.id)
        there = entry.blob
        found = map(listing.at, attributes_above(root))
        above = [entry for entry in found if entry is not None and entry.mode in REGULAR]
        if not above:
            return there, []
        ids = sorted((entry.name, entry.blob) for entry in above)
        return hashlib.sha256(repr((there, ids)).encode()).hexdigest(), above

    def _missing(self, root: str) -> str:
        """The message for a path without an entry."""
        message = f"The commit has no file or directory {root!r}"
        above = [parent.removesuffix("/") for parent in parents(root) if parent]
        links = [entry.name for entry in self._listed(above) if entry.mode == SYMLINK]
        on_the_way = next((name for name in above if name in links), None)
        if on_the_way is None:
            return f"{message}."
        return f"{message}: {on_the_way!r} is a symbolic link, and none is followed."

    def entries(
        self, ask: FilesRequest, above: Sequence[Entry]
    ) -> tuple[list[Entry], list[Entry], list[Entry]]:
        """The requested policy files, every `.gitattributes` on the way to one, and other links.

        Of symbolic links these are the first 1,000.

        Raises:
            TooLargeError: there are over 1,000 policy files.
        """
        there = self._listed_once().below(ask.root)
        listed = [entry for entry in there if may_be_taken(entry, ask.root)]
        named = policy_files([entry.name for entry in listed], under=ask.root)
        chosen = globs.chosen(named, include=ask.include, exclude=ask.exclude)
        if len(chosen) > MAX_FILES:
            raise TooLargeError(f"{len(chosen)} policy files; a link takes at most {MAX_FILES}.")
        names, kept = set(named), set(chosen)
        inside = [entry for entry in listed if is_above(entry, chosen)]
        links = [entry for entry in listed if entry.mode == SYMLINK and entry.name not in names]
        files = [entry for entry in listed if entry.name in kept]
        return files, [*above, *inside], links[:_MAX_LINKS]

    def directories(
        self,
        ask: FilesRequest,
        links: Sequence[Entry],
        contents: Mapping[str, bytes | None],
    ) -> dict[str, str]:
        """The directory that a link leads to, by the link's path, where it has requested policies.

        `contents` has the bytes of their blobs. Of links on the way only these are known.
        """
        texts = {link.name: symlinks.text(contents[link.blob]) for link in links}
        known = {name: leads for name, leads in texts.items() if leads is not None}
        targets = {
            name: where for name in known if (where := symlinks.target(name, known)) is not None
        }
        if not targets:
            return {}
        every = [] if "" in targets.values() else sorted(set(targets.values()))
        policies = policy_files(
            entry.name for entry in self._listed(every) if entry.mode in REGULAR
        )
        return {
            name: where
            for name, where in targets.items()
            if globs.chosen(
                [f"{name}/{rest}" for rest in symlinks.below(policies, where, MAX_FILES)],
                include=ask.include,
                exclude=ask.exclude,
            )
        }

    def bring(self, blobs: Sequence[str]) -> None:
        """Fetch blobs that `contents` is going to be asked for, all at once.

        They are read, too, unless that is more than one request may have.
        """
        asked = list(dict.fromkeys(blobs))
        self._fetch_blobs(asked)
        self._here.update(asked)
        with contextlib.suppress(TooLargeError):
            read = self._read(asked, _CONTENT_BYTES)
            self._contents = dict.fromkeys(asked) | _small_enough(read)

    def contents(self, blobs: Sequence[str]) -> dict[str, bytes | None]:
        """The bytes of each blob exactly as committed; None for one over 1 MiB.

        Raises:
            TooLargeError: together they are over 32 MiB.
        """
        asked = list(dict.fromkeys(blobs))
        if missing := [blob for blob in asked if blob not in self._here]:
            self._fetch_blobs(missing)
        found = {blob: self._contents.get(blob) for blob in asked}
        if unread := [blob for blob in asked if blob not in self._contents]:
            try:
                read = self._read(unread, _CONTENT_BYTES)
            except TooLargeError:
                read = self._read(self._small(unread), 2 * _CONTENT_BYTES)
            found |= _small_enough(read)
        return found

    def attributes(self, names: Sequence[str], files: Sequence[Entry]) -> dict[str, dict[str, str]]:
        """The attributes of each name, as git reads them from the `.gitattributes` in `files`."""
        rows = "".join(f"{file.mode} blob {file.blob}\t{file.name}\0" for file in files)
        self._bare.read(["update-index", "-z", "--index-info"], stdin=as_bytes(rows))
        output = self._bare.read(
            ["check-attr", "--cached", "-z", "--stdin", *ALTERING],
            stdin=as_bytes("".join(f"{name}\0" for name in names)),
        )
        parts = text(output).split("\0")[:-1]
        attributes: dict[str, dict[str, str]] = {name: {} for name in names}
        for name, attribute, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if value != "unspecified":
                attributes[name][attribute] = value
        return attributes

    def _listed_once(self) -> "Entries":
        """What lies at the roots of all requests, and the attributes above them."""
        if self._listing is None:
            own = self._own.listed(_names(self._roots)) if self._own else None
            if own is not None:
                self._listing = Entries(own)
            else:
                batches = [[]] if "" in self._roots else _batches(self._roots)
                self._listing = Entries(one for batch in batches for one in self._by_git(batch))
        return self._listing

    def _listed(self, names: Sequence[str]) -> Iterable[Entry]:
        """The entries at `names`, and of what lies below the policy files, attributes and links.

        Without names these are those of the whole commit.
        """
        own = self._own.listed(names or [""]) if self._own else None
        return self._by_git(names) if own is None else own

    def _by_git(self, names: Sequence[str]) -> Iterator[Entry]:
        listing = self._bare.read(
            [
                "ls-tree", "-r", "-t", "-z", "--full-tree", self.commit.id,
                *(f":(literal){name}" for name in names),
            ]
        )  # fmt: skip
        # Of a large tree only these few lines become values.
        ends = (FILE_NAME.encode(), ATTRIBUTES.encode())
        named = set(map(as_bytes, (*self._roots, *names))) - {b""}
        links = f"{SYMLINK} ".encode()
        for line in listing.split(b"\0"):
            if line.endswith(ends) or line.startswith(links) or line.partition(b"\t")[2] in named:
                yield _entry(line)

    def _fetch_blobs(self, blobs: Sequence[str]) -> None:
        if self._way >= Way.SHALLOW:
            return  # They came with the commit.
        own = partial(self._own.read_blobs, wanted=blobs) if self._own else None
        if self._way is Way.OWN and self._bare.take(blobs, thin=False, read=own):
            return
        try:
            # A blob that is asked for by id comes in spite of the filter.
            self._bare.fetch(["--filter=blob:none", "--stdin", "origin"], stdin=_lines(blobs))
        except ladder.PUZZLED:
            brought = ladder.bring(self._source, self.commit.id, least=Way.SHALLOW)
            self._bare, self._way, self._own = brought.bare, brought.way, None

    def _read(self, blobs: Sequence[str], max_bytes: int) -> dict[str, bytes | None]:
        """The bytes of blobs; None for one that is known to be over 1 MiB."""
        own = self._own.contents if self._own else {}
        read = {blob: own[blob] for blob in blobs if blob in own}
        if sum(len(content or b"") for content in read.values()) > max_bytes:
            raise TooLargeError(_TOO_LARGE)
        if unread := [blob for blob in blobs if blob not in read]:
            cat_file = ["cat-file", "--batch", "--buffer"]
            read |= _blobs(self._bare.read(cat_file, max_bytes, stdin=_lines(unread)))
        return read

    def _small(self, blobs: Sequence[str]) -> list[str]:
        """The blobs of 1 MiB at most.

        Raises:
            TooLargeError: together they are over 32 MiB.
        """
        listing = text(self._bare.read(["cat-file", "--batch-check"], stdin=_lines(blobs)))
        sizes = dict(zip(blobs, map(_size, listing.splitlines()), strict=True))
        small = [blob for blob in blobs if sizes[blob] <= MAX_BYTES]
        if sum(sizes[blob] for blob in small) > _CONTENT_BYTES:
            raise TooLargeError(_TOO_LARGE)
        return small


def _commit(facts: Mapping[str, str], message: str) -> Commit:
    """The commit with these header fields and this message."""
    author, _ = _signed(facts.get("author", ""))
    committer, moment = _signed(facts.get("committer", ""))
    stripped = message.strip().replace("\0", "\ufffd")
    return Commit(
        facts["commit"], author[:500], stripped[:500], _moment(moment), committer=committer[:500]
    )


def _signed(line: str) -> tuple[str, str]:
    """The person and the time of a line `NAME <MAIL> SECONDS ZONE`."""
    who, *moment = line.rsplit(" ", 2)
    return who, moment[0] if moment else ""


def _moment(seconds: str) -> datetime | None:
    """A commit's time, from seconds since 1970; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _batches(roots: Sequence[str]) -> Iterator[list[str]]:
    """The names for each listing: roots, with the attributes above them.

    A root that is too long for others has a listing to itself.
    """
    batch: list[str] = []
    count = characters = 0
    for root in roots:
        names = [root, *attributes_above(root)]
        size = sum(map(len, names))
        if batch and (count == _AT_ONCE or characters + size > _COMMAND_CHARACTERS):
            yield list(dict.fromkeys(batch))
            batch, count, characters = [], 0, 0
        batch += names
        count, characters = count + 1, characters + size
    if batch:
        yield list(dict.fromkeys(batch))


def _small_enough(read: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {
        blob: content
        for blob, content in read.items()
        if content is not None and len(content) <= MAX_BYTES
    }


def _names(roots: Sequence[str]) -> list[str]:
    """The names of one listing for all roots, with the attributes above them."""
    return sorted({name for root in roots for name in (root, *attributes_above(root))})


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _entry(line: bytes) -> Entry:
    facts, _, name = line.partition(b"\t")
    mode, _kind, blob = facts.decode().split(" ")
    return Entry(mode, blob, text(name))


def _blobs(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut the output of `cat-file --batch`: `ID blob SIZE`, the bytes, a line feed."""
    at = 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        line = batch[at:end].decode()
        start, size = end + 1, _size(line)
        yield line.split(" ")[0], batch[start : start + size]
        at = start + size + 1


def _size(line: str) -> int:
    """The size of a blob in bytes, from its header line of `cat-file`.

    Raises:
        BadAnswerError: the object is missing, or no blob.
    """
    name, kind, *size = line.split(" ")
    if kind != "blob":
        raise BadAnswerError(f"The server did not send the object {name}.")
    return int(size[0])
