"""Where symbolic links lead, as a file system would have it."""

import pytest

from gitrepos.snapshot.symlinks import below, target, text

LINKS = {
    "mixed/sy": "../real/sy",
    "mixed/chain": "sy",
    "mixed/through": "sy/inner",
    "mixed/up": "..",
    "mixed/here": ".",
    "mixed/out": "../../elsewhere",
    "mixed/absolute": "/etc",
    "mixed/self": "self",
    "mixed/one": "other",
    "mixed/other": "one",
    "mixed/odd": ".//..//real///sy/",
    "mixed/back": "sy/..",
}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("mixed/sy", "real/sy"),
        ("mixed/chain", "real/sy"),
        ("mixed/through", "real/sy/inner"),
        ("mixed/sy/bot", "real/sy/bot"),
        ("mixed/up", ""),
        ("mixed/here", "mixed"),
        ("mixed/odd", "real/sy"),
        ("mixed/back", "real"),
        ("mixed/out", None),
        ("mixed/absolute", None),
        ("mixed/self", None),
        ("mixed/one", None),
    ],
)
def test_a_link_leads_where_a_file_system_would_go(name: str, where: str | None) -> None:
    """Through other links, and never out of the repository or in a circle for ever."""
    assert target(name, LINKS) == where


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"../real", "../real"),
        (b"caf\xe9", "caf\udce9"),
        (b"", None),
        (None, None),
        (b"a\0b", None),
        (b"x" * 5000, None),
    ],
)
def test_a_blob_that_no_system_follows_leads_nowhere(
    content: bytes | None, said: str | None
) -> None:
    """Nor one that was not read."""
    assert text(content) == said


@pytest.mark.parametrize(
    ("directory", "found"),
    [
        ("a", ["x", "y/z"]),
        ("a/y", ["z"]),
        ("", ["a.b", "a/x", "a/y/z", "ab"]),
        ("b", []),
        ("a/x", []),
    ],
)
def test_names_below_a_directory_are_its_own(directory: str, found: list[str]) -> None:
    """Relative to it, and none that only begins like it."""
    assert below(sorted(["a.b", "a/x", "a/y/z", "ab"]), directory, 10) == found
    assert below(sorted(["a.b", "a/x", "a/y/z", "ab"]), directory, 1) == found[:1]
