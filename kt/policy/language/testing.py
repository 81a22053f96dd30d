"""`testing`: suites of requests with the verdicts that the policy must give."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.language.shapes import Anything, Choice, Field, ListOf, MapOf, Text, block

VERDICTS = ("allow", "redact", "escalate", "block")

# A message of a chat: the wire format of models, of which only the role has a fixed shape.
_MESSAGE = block(
    role=Field(
        Choice(("system", "developer", "user", "assistant", "tool")),
        required=True,
        doc="who speaks",
    ),
    content=Field(Anything(), doc="text, or a list of parts"),
    name=Field(Text(high=200), doc="who exactly"),
    tool_calls=Field(Anything(), doc="the tool calls of an assistant"),
    tool_call_id=Field(Text(high=200), doc="the call that a tool answers"),
)

_INPUT = block(
    messages=Field(ListOf(_MESSAGE, low=1), required=True, doc="the conversation"),
    headers=Field(
        MapOf(Text(high=100, form="header"), Text(low=0, high=500, form="header_value")),
        MappingProxyType({}),
        doc="the request's headers",
    ),
    model=Field(Text(high=200, form="line"), doc="the model asked for"),
    upstream_response=Field(Anything(), doc="what the target answers: text, or a whole answer"),
)

_EXPECTED = block(
    verdict=Field(Choice(VERDICTS), required=True, doc="what is decided"),
    reason_code=Field(Text(high=200, form="line"), doc="why"),
)

_CASE = block(
    name=Field(Text(high=200, form="line"), required=True, doc="what must happen"),
    input=Field(_INPUT, required=True, doc="the request"),
    expected=Field(_EXPECTED, required=True, doc="what must come out"),
)

SUITE = block(
    name=Field(Text(high=200, form="line"), required=True, doc="what is tested"),
    description=Field(Text(low=0, high=2000), doc="why"),
    target=Field(Text(high=200, form="line"), doc="the kind that is tested, or a label"),
    cases=Field(ListOf(_CASE, low=1, key="name"), required=True, doc="the cases"),
    unsupported=("assertions",),
)
