"""The points of a policy that tests may reach, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from kt.policy.nodes import MappingNode, child_path, plain
from kt.policy.settings import settings, stages
from kt.policy.yaml.places import nearest_place, places

Sort: TypeAlias = Literal["entry", "stage", "verdict", "condition", "rule", "group"]
SORTS: tuple[Sort, ...] = ("entry", "stage", "verdict", "condition", "rule", "group")

# The path of every request that a case makes.
CASE_PATH = "/v1/chat/completions"

_ACTING = ("pii-detector", "dlp-filter", "safety-filter", "human-oversight", "classifier")
_PERSONAL = ("ssn", "phone", "email", "credit_card", "ip_address", "iban")
_PAYMENT = ("cvv", "cardholder")
_HEALTH = ("mrn", "npi", "insurance_id")
# Lists of an author's own terms and patterns, whose items are rules by the names in detections.
RULE_LISTS: Mapping[str, tuple[str, ...]] = {
    "safety-filter": ("block_if",),
    "pii-detector": ("detect_patterns",),
    "dlp-filter": ("blocked_terms", "detect_patterns"),
    "human-oversight": ("require_human_for",),
}


class Reach(NamedTuple):
    """What a case may reach: a sort of point, the path of what it belongs to, and its name."""

    sort: Sort
    path: str
    name: str


class Point(NamedTuple):
    """A point with its place in the file, 1-based."""

    reach: Reach
    line: int
    column: int

    @property
    def words(self) -> str:
        """What is reached, in words."""
        sort, path, name = self.reach
        if sort == "rule":
            return path
        if sort == "condition":
            return f"{path} {name}"
        return f"{path}: {'' if sort == 'entry' else sort + ' '}{name}"


def points(root: MappingNode) -> tuple[Point, ...]:
    """Every point of a policy that lint accepts, in the order of the chain.

    What stands nowhere in the file, as a default, has the place of what it belongs to.
    """
    known = dict(places(root))
    policy: Any = plain(root)
    found = []
    for reach in dict.fromkeys(reaches(policy)):
        path = reach.path
        if path not in known and path.startswith("policy.") and reach.sort == "group":
            path = entry_path(policy, path.split(".")[1])
        node = known[nearest_place(path, known)]
        found.append(Point(reach, node.line, node.column))
    return tuple(found)


def entry_path(policy: Mapping[str, Any], kind: str) -> str:
    """The path of the first entry of a kind."""
    names = [_entry(entry)[0] for entry in policy["policies"]["chain"]]
    return f"policies.chain[{names.index(kind)}]"


def reaches(policy: Mapping[str, Any]) -> Iterator[Reach]:
    """All that tests may reach of a policy; nothing of one that is switched off."""
    if not policy["pack"]["enabled"]:
        return
    blocks = policy.get("policy") or {}
    for at, entry in enumerate(policy["policies"]["chain"]):
        kind, options = _entry(entry)
        path = f"policies.chain[{at}]"
        yield Reach("entry", path, kind)
        for stage in stages(kind, options, blocks.get(kind)):
            yield Reach("stage", path, stage)
        fields = settings(kind, blocks.get(kind))
        for verdict in _verdicts(kind, fields):
            yield Reach("verdict", path, verdict)
        yield from _conditions(options.get("when") or {}, f"{path}.{kind}.when")
        yield from _rules(kind, fields)
        yield from _groups(kind, fields)
    if policy.get("unjudged") == "block":
        yield Reach("verdict", "unjudged", "block")


def _entry(entry: Any) -> tuple[str, Mapping[str, Any]]:
    kind, options = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
    return kind, options or {}


def _verdicts(kind: str, fields: Mapping[str, Any]) -> list[str]:
    """The verdicts that an entry can give; a record is none."""
    if kind == "audit-logger":
        return []
    objects = fields["action"] if kind in _ACTING else "block"
    given = ["allow", objects]
    if kind == "classifier":
        given.append(fields["on_no_answer"])
    return list(dict.fromkeys(given))


def _conditions(when: Mapping[str, Any], path: str) -> Iterator[Reach]:
    if "path" in when:
        holds = CASE_PATH.startswith(when["path"])
        yield Reach("condition", f"{path}.path", "holds" if holds else "does not hold")
    for name in when.get("header") or {}:
        for state in ("holds", "does not hold"):
            yield Reach("condition", child_path(f"{path}.header", name), state)
    if when.get("model"):
        for state in ("holds", "does not hold"):
            yield Reach("condition", f"{path}.model", state)


def _rules(kind: str, fields: Mapping[str, Any]) -> Iterator[Reach]:
    for field in RULE_LISTS.get(kind, ()):
        yield from _items(f"policy.{kind}.{field}", fields[field])
    if kind == "prompt-injection":
        given = fields["detection"]["attack_patterns"]
        yield from _items(f"policy.{kind}.detection.attack_patterns", given)
    elif kind == "rbac":
        yield from _items(f"policy.{kind}.deny_if_missing", fields["deny_if_missing"])
        if fields["require_auth"]:
            yield Reach("rule", f"policy.{kind}.require_auth", "hit")
        yield from _roles(
            fields["roles"], f"policy.{kind}.roles", ("allowed_tools", "denied_tools")
        )
        for role in fields["data_access"]:
            yield Reach("rule", child_path(f"policy.{kind}.data_access", role), "hit")
    elif kind == "agent-firewall":
        for field in ("allowed_tools", "blocked_tools"):
            yield from _items(f"policy.{kind}.{field}", fields[field] or ())
        if fields["max_tool_calls"] is not None:
            yield Reach("rule", f"policy.{kind}.max_tool_calls", "hit")
        roles = fields["tools"]["roles"]
        yield from _roles(roles, f"policy.{kind}.tools.roles", ("allowed", "denied"))


def _roles(
    roles: Mapping[str, Mapping[str, Any]], path: str, lists: tuple[str, str]
) -> Iterator[Reach]:
    for role, rule in roles.items():
        yield Reach("rule", child_path(path, role), "hit")
        for field in lists:
            yield from _items(f"{child_path(path, role)}.{field}", rule[field] or ())


def _items(path: str, items: Any) -> Iterator[Reach]:
    for at in range(len(items)):
        yield Reach("rule", f"{path}[{at}]", "hit")


def _groups(kind: str, fields: Mapping[str, Any]) -> Iterator[Reach]:
    path = f"policy.{kind}"
    for name in _group_names(kind, fields):
        yield Reach("group", path, name)


def _group_names(kind: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "pii-detector":
        more = (*(_PAYMENT if fields["pci_mode"] else ()),
                *(_HEALTH if fields["healthcare_mode"] else ()),
                *(("national_id",) if fields["national_ids"] else ()))  # fmt: skip
        return (*_PERSONAL, *more)
    if kind == "dlp-filter":
        return ("credentials",)
    if kind == "safety-filter":
        return ("harmful content",)
    if kind == "prompt-injection":
        fakes = fields["boundaries"]["reject_fake_boundaries"]
        return ("override", *(("fake boundary",) if fakes else ()))
    return ()
