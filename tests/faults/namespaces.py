"""Hosts on this machine: network namespaces, and cuts between two addresses. It takes root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Addresses of a network for tests of networks (RFC 2544), where nothing else is.
_SERVERS = "198.18.0.{}"
_HOST, _GATE = "198.18.{}.2", "198.18.{}.1"


def ip(*words: str) -> None:
    """Run a command of iproute2."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)


def missing() -> str:
    """The reason why there can be no namespaces here; empty when there can."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "network namespaces take root and iproute2"
    tried = subprocess.run(["ip", "netns", "add", _named(0)], capture_output=True, text=True)
    if tried.returncode:
        return f"no network namespaces here: {tried.stderr.strip()}"
    ip("netns", "del", _named(0))
    return ""


def _named(number: int) -> str:
    return f"kt{os.getpid()}n{number}"


@dataclass(frozen=True)
class Host:
    """A namespace with an address, which this one reaches."""

    number: int

    @property
    def address(self) -> str:
        return _HOST.format(self.number)

    @property
    def gate(self) -> str:
        """The address by which this namespace reaches it."""
        return _GATE.format(self.number)

    def python(self, folder: Path, python: str) -> Path:
        """A program that runs Python there."""
        program = folder / f"python-{self.number}"
        program.write_text(f'#!/bin/sh\nexec ip netns exec {_named(self.number)} {python} "$@"\n')
        program.chmod(0o700)
        return program

    def pids(self) -> list[int]:
        """The processes that run there."""
        done = subprocess.run(
            ["ip", "netns", "pids", _named(self.number)], capture_output=True, text=True, check=True
        )
        return [int(word) for word in done.stdout.split()]


@contextmanager
def host(number: int) -> Iterator[Host]:
    """A host, until the end of the block; `number` is from 1 to 250."""
    name, near, far = _named(number), f"kta{number}", f"ktb{number}"
    ip("netns", "add", name)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("addr", "add", f"{_GATE.format(number)}/30", "dev", near)
        ip("link", "set", near, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{_HOST.format(number)}/30", "dev", far),
            ("link", "set", far, "up"),
            ("route", "add", "default", "via", _GATE.format(number)),
        ):
            ip("-n", name, *words)
        yield Host(number)
    finally:
        ip("netns", "del", name)


@contextmanager
def server_addresses(count: int, first: int = 1) -> Iterator[list[str]]:
    """Addresses of this namespace, one for each server, until the end of the block.

    Two blocks at once begin with a `first` of their own, from 1 to 254.
    """
    found = [_SERVERS.format(number) for number in range(first, first + count)]
    with ExitStack() as added:
        for address in found:
            ip("addr", "add", f"{address}/32", "dev", "lo")
            added.callback(ip, "addr", "del", f"{address}/32", "dev", "lo")
        yield found


@contextmanager
def cut(one: str, other: str) -> Iterator[None]:
    """Drop all packets from one address to another, and hear of none, until the end of the block.

    `one` is an address of this namespace. Nothing is closed or refused.
    """
    rule = ("from", one, "to", other, "blackhole", "priority", "10")
    ip("rule", "add", *rule)
    try:
        yield
    finally:
        ip("rule", "del", *rule)
