"""Hostile packs: answers that never end, or unpack to more than memory."""

import hashlib
import itertools
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO

import pytest
from rest_framework.test import APIClient

from gitrepos.snapshot import ladder, repository
from tests.support.forge import Forge
from tests.support.packs import BLOB, COMMIT, REF_DELTA, head_of, number
from tests.support.repo import Repo, policy
from tests.support.syncing import content, hashes, link, poll, run_due, shown

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"
    b"Connection: close\r\n\r\n"
)
MEBIBYTE = 1 << 20


def pkt(data: bytes) -> bytes:
    """One line of git's wire format."""
    return b"%04x%s" % (len(data) + 4, data)


def answer(band: int, parts: Iterable[bytes]) -> Iterator[bytes]:
    """A whole HTTP answer that carries `parts` on one of git's side bands."""
    yield HEAD + pkt(b"packfile\n")
    for part in parts:
        for at in range(0, len(part), 60_000):
            yield pkt(bytes([band]) + part[at : at + 60_000])
    yield b"0000"


def zeros(size: int) -> bytes:
    """So many zeros, packed to next to nothing."""
    packer = zlib.compressobj(1)
    block = bytes(MEBIBYTE)
    packed = [packer.compress(block) for _ in range(size // MEBIBYTE)]
    return b"".join(packed) + packer.flush()


def whole(*objects: bytes) -> list[bytes]:
    """A pack of these objects."""
    pack = b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big") + b"".join(objects)
    return [pack, hashlib.sha1(pack).digest()]


def endless() -> Iterator[bytes]:
    """Objects without an end, none of which can be packed."""
    yield b"PACK" + (2).to_bytes(4, "big") + MEBIBYTE.to_bytes(4, "big")
    noise = os.urandom(MEBIBYTE)
    for count in itertools.count():
        body = count.to_bytes(8, "big") + noise
        yield head_of(BLOB, len(body)) + zlib.compress(body, 0)


def trickle() -> Iterator[bytes]:
    """A pack whose only object comes a byte at a time."""
    stored = b"\x78\x01\x01\xff\xff\x00\x00"  # zlib's head of a block that is not packed.
    yield whole(head_of(BLOB, 65_535) + stored)[0]
    while True:
        time.sleep(0.1)
        yield b"x"


def commit_bomb() -> list[bytes]:
    """A commit of 600 MB; only blobs can be read in pieces."""
    size = 600 * MEBIBYTE
    return whole(head_of(COMMIT, size) + zeros(size))


def delta_bomb() -> list[bytes]:
    """Five kilobytes that copy one mebibyte seven hundred times."""
    base = bytes(MEBIBYTE)
    name = hashlib.sha1(b"blob %d\0" % len(base) + base).digest()
    times, part = 700, MEBIBYTE - 1
    copies = (b"\xf0" + part.to_bytes(3, "little")) * times
    delta = number(len(base)) + number(times * part) + copies
    return whole(
        head_of(BLOB, len(base)) + zlib.compress(base),
        head_of(REF_DELTA, len(delta)) + name + zlib.compress(delta),
    )


def deep_deltas() -> list[bytes]:
    """A chain of ten thousand objects, each made from the one before."""
    content = b"x"
    objects = [head_of(BLOB, 1) + zlib.compress(content)]
    for count in range(10_000):
        name = hashlib.sha1(b"blob %d\0" % len(content) + content).digest()
        after = b"%08d" % count
        delta = number(len(content)) + number(8) + b"\x08" + after
        objects.append(head_of(REF_DELTA, len(delta)) + name + zlib.compress(delta))
        content = after
    return whole(*objects)


def more_than_said() -> list[bytes]:
    """An object that unpacks to more than its head says."""
    return whole(head_of(BLOB, 10) + zlib.compress(bytes(MEBIBYTE)))


PACKS: dict[str, tuple[int, Callable[[], Iterable[bytes]], str]] = {
    "no end of objects": (1, endless, "too_large"),
    "no end of words": (2, lambda: itertools.repeat(b"Counting objects\n" * 1000), "too_large"),
    "a trickle": (1, trickle, "timeout"),
    "a commit that is a bomb": (1, commit_bomb, "too_large"),
    "a delta that is a bomb": (1, delta_bomb, "too_large"),
    "ten thousand deltas deep": (1, deep_deltas, "bad_answer"),
    "more than it said": (1, more_than_said, "bad_answer"),
    "nothing that was asked for": (1, lambda: whole(), "bad_answer"),
}


def test_a_hostile_pack_ends_in_bounds(
    admin: APIClient,
    forge: Forge,
    make_repo: Callable[[], Repo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a code; what is in force stays, its neighbour is synced, and a good pack mends it."""
    repo, neighbour = make_repo(), make_repo()
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    neighbour.commit({"near/policy-config.yaml": policy()})
    near = link(admin, neighbour.url)
    run_due()
    commit = repo.commit({BOT: policy("Two")})
    for name, (band, pack, code) in PACKS.items():
        ladder.forget()
        last = neighbour.commit({"near/policy-config.yaml": policy(name)})
        forge.streams[repo.bare.name] = partial(_write, band, pack)

        with monkeypatch.context() as patch:
            if code == "timeout":
                patch.setattr(repository, "_FETCH_SECONDS", 3)
            poll()

        error = shown(admin, row)["error"]
        assert error and error["code"] == code, (name, error)
        assert content(admin, "bot") == policy("One").encode(), name
        assert shown(admin, near)["last_commit"] == last, name
        forge.release(repo)
    poll()
    assert sorted(hashes()) == ["bot", "near"]
    assert shown(admin, row)["last_commit"] == commit


def _write(band: int, pack: Callable[[], Iterable[bytes]], client: BinaryIO) -> None:
    for part in answer(band, pack()):
        client.write(part)
