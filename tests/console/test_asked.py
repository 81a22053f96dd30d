"""Words for what somebody asks a second person for."""

import pytest

from configurations.requests.kinds import KINDS
from console.asked import asked, why


def _row(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "target": "chat", "reason": "", "asker": {"name": "Ada"}, **more}


@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_has_words_of_its_own(kind: str) -> None:
    """Not the name that the API has for it."""
    told = asked(_row(kind))

    assert told[0].isupper() and "_" not in told and "{" not in told
    assert told != asked(_row("another.kind"))


def test_a_kind_that_is_not_known_is_told_by_its_name() -> None:
    """As one of a release to come."""
    assert asked(_row("gateway_group.make")) == "gateway group make of chat"


def test_whoever_gave_no_reason_asked_by_a_commit() -> None:
    """And a reason is told as it was given."""
    assert why(_row("git_repo.confirm")) == "By a commit of Ada"
    assert (
        why(_row("configuration.pin", reason="an audit {target}")) == "Ada asks: an audit {target}"
    )
