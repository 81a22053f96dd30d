"""Words for what somebody asks a second person for."""

from importlib import import_module

from configurations.requests.kinds import KINDS
from console.asked import asked, why


def _row(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "target": "chat", "reason": "", "asker": {"name": "Ada"}, **more}


def test_every_kind_has_words_of_its_own() -> None:
    """Not the name that the API has for it."""
    import_module("keeptrusts.urls")  # With it every package registers its kinds.

    told = {kind: asked(_row(kind)) for kind in KINDS}

    assert len(told) >= 12
    assert {kind: words for kind, words in told.items() if not words[0].isupper()} == {}
    assert len({*told.values()}) == len(told)


def test_a_kind_that_is_not_known_is_told_by_its_name() -> None:
    """As one of a release to come."""
    assert asked(_row("gateway_group.make")) == "gateway group make of chat"


def test_whoever_gave_no_reason_asked_by_a_commit() -> None:
    """And a reason is told as it was given."""
    assert why(_row("git_repo.confirm")) == "By a commit of Ada"
    assert (
        why(_row("configuration.pin", reason="an audit {target}")) == "Ada asks: an audit {target}"
    )
