"""Rules about `classifier`: what its model sees, and when."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language import KINDS
from kt.policy.language.kinds import POST_RESPONSE
from kt.policy.nodes import MappingNode, find, value_of
from kt.policy.rules.base import Rule
from kt.policy.rules.chain import ChainEntry, links, stages_of

if TYPE_CHECKING:
    from kt.policy.findings import Finding

_NAME = "classifier"
_REDACTING = ("pii-detector", "dlp-filter")


class JudgedAtTheEnd(Rule):
    """A classifier judges answers, and a stream's answer only when it is whole.

    A model cannot be asked about every word. In a stream it is asked when the last text has come,
    and by then the client has read most of it; what is stopped is the end of the stream, which
    says why. Whole answers are judged before anything of them is sent. Let the classifier judge
    requests alone, or suppress this warning where that is enough.

    Wrong:

        policies:
          chain: [classifier]
        policy:
          classifier: {model: guard}

    Right:

        policies:
          chain: [classifier]
        policy:
          classifier: {model: guard, stage: pre-request}
    """

    code = "W017"


class SeenUnredacted(Rule):
    """A classifier stands before a kind that redacts, so its model gets what that would cut out.

    A model is asked with the text that the entries before have left. Behind the endpoint of a
    provider that is personal data, or a secret, that the policy keeps from every target.

    Wrong:

        policies:
          chain: [classifier, pii-detector]
        policy:
          classifier: {model: guard, stage: pre-request}

    Right:

        policies:
          chain: [pii-detector, classifier]
        policy:
          classifier: {model: guard, stage: pre-request}
    """

    code = "W018"


def check(root: MappingNode) -> Iterator[Finding]:
    """Yield the findings about the entries of the chain that ask a model."""
    chain = [link for link in links(root) if link.kind.text in KINDS]
    blocks = root.get("policy")
    given = blocks if isinstance(blocks, MappingNode) else None
    for number, link in enumerate(chain):
        if link.kind.text == _NAME:
            if POST_RESPONSE in stages_of(link, given):
                message = "in a stream the classifier judges the answer at its end"
                fix = "write stage: pre-request, or suppress this"
                yield JudgedAtTheEnd.at(link.kind, link.path, message, fix)
            yield from _check_order(link, chain[number + 1 :], given)


def _check_order(
    link: ChainEntry, later: list[ChainEntry], blocks: MappingNode | None
) -> Iterator[Finding]:
    for other in later:
        name = other.kind.text
        redacts = name in _REDACTING and value_of(find(blocks, name, "action")) != "block"
        if redacts and stages_of(link, blocks) & stages_of(other, blocks):
            message = f"the classifier's model sees what {name} would cut out"
            fix = f"write {name} before classifier"
            yield SeenUnredacted.at(link.kind, link.path, message, fix)
            return
