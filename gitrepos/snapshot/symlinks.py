"""Symbolic links of a commit: where they lead, without a checkout. Pure."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

_MAX_HOPS = 10
_MAX_TARGET_BYTES = 4096


def text(content: bytes | None) -> str | None:
    """What a link leads to, from the bytes of its blob; None for what no system would follow."""
    if not content or len(content) > _MAX_TARGET_BYTES or b"\0" in content:
        return None
    return content.decode(errors="surrogateescape")


def target(name: str, links: Mapping[str, str]) -> str | None:
    """The path that `name` stands for, from the root of the repository (empty for the root).

    `links` has the text of each link by its path, and those on the way are followed. None for a
    path that leaves the repository, or never ends.
    """
    done: list[str] = []
    parts, hops = name.split("/")[::-1], 0
    while parts:
        part = parts.pop()
        if part == "..":
            if not done:
                return None
            done.pop()
        elif part not in ("", "."):
            done.append(part)
            leads = links.get("/".join(done))
            if leads is not None:
                hops += 1
                if hops > _MAX_HOPS or leads.startswith("/"):
                    return None
                done.pop()
                parts += leads.split("/")[::-1]
    return "/".join(done)


def below(names: Sequence[str], directory: str, most: int) -> list[str]:
    """The first of `names`, which are sorted, that stand below a directory, relative to it."""
    start = f"{directory}/" if directory else ""
    at = bisect_left(names, start)
    found: list[str] = []
    while at < len(names) and names[at].startswith(start) and len(found) < most:
        found.append(names[at].removeprefix(start))
        at += 1
    return found
