"""Texts of answers that may go on, as a stream judges them."""

from kt.policy.decision import Request, Snapshot, decide_text


def releasable(snapshot: Snapshot, request: Request, text: str) -> int:
    """The number of characters that can no longer become a violation."""
    return decide_text(snapshot, request, text).settled
