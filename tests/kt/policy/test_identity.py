"""Ids of configurations."""

from __future__ import annotations

import pytest

from kt.policy.findings import Finding
from kt.policy.identity import identify
from kt.policy.report import Pack


@pytest.mark.parametrize(
    ("pack", "directory", "stem", "expected"),
    [
        (Pack(id="chosen", name="Name"), "directory", None, "chosen"),
        (Pack(name="Name"), "directory", None, "directory"),
        (Pack(name="Name"), None, "stem", "stem"),
        (Pack(name="Customer Support"), None, None, "customer-support"),
        (Pack(name="  Crédit & Prêt -- v2. "), None, None, "credit-pret-v2"),
        (Pack(name="_.x"), None, None, "x"),
        (Pack(name="a" * 300), None, None, "a" * 200),
        (Pack(), "0.a_b-c", None, "0.a_b-c"),
    ],
)
def test_the_id_is_taken_from_the_first_source_there_is(
    pack: Pack, directory: str | None, stem: str | None, expected: str
) -> None:
    """`pack.id`, else the directory or the stem, else a slug of `pack.name`."""
    assert expected == identify(pack, directory=directory, stem=stem)


@pytest.mark.parametrize(
    ("pack", "directory", "stem"),
    [
        (Pack(name="Name"), "Not An Id", None),
        (Pack(name="Name"), "Production", None),
        (Pack(name="Name"), "-leading", None),
        (Pack(name="Name"), "a" * 201, None),
        (Pack(name="Name"), "line\n", None),
        (Pack(name="Name"), "", None),
        (Pack(name="Name"), None, "My Policy"),
        (Pack(id="Not An Id", name="name"), "directory", None),
        (Pack(name="支持"), None, None),
        (Pack(), None, None),
    ],
)
def test_a_name_that_is_no_id_is_refused_and_never_changed(
    pack: Pack, directory: str | None, stem: str | None
) -> None:
    """Two names could become the same id, so none but `pack.name` is made into one."""
    found = identify(pack, directory=directory, stem=stem)
    assert isinstance(found, Finding)
    assert (found.code, found.severity) == ("E030", "error")
