"""The plan: what is to be made, changed and removed so that all is as the file has it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kt.cli.apply.kinds import KINDS, Row, RowKind, default, normal

CREATE, UPDATE, DELETE = "create", "update", "delete"
SIGNS: Mapping[str, str] = {CREATE: "+", UPDATE: "~", DELETE: "-"}


class Item(NamedTuple):
    """One row as the file has it: its fields, where its secrets are, and its place in the file.

    `new_file` is where the secret goes that it is given when it is new.
    """

    fields: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, str]] = {}
    new_file: str = ""
    line: int = 0


class Step(NamedTuple):
    """One change.

    `fields` are what is sent, with the value before; `secrets` are sent besides, or taken away
    where the file has none. `row` is the one that is changed or removed, with what it was read as.
    """

    action: str
    kind: RowKind
    name: str
    fields: Mapping[str, tuple[Any, Any]] = {}
    secrets: Mapping[str, Mapping[str, str] | None] = {}
    row: Row = {}
    item: Item | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The fields as they are sent, without secrets."""
        sent = {name: after for name, (_, after) in self.fields.items()}
        if "client_key" in self.secrets and self.item is not None:
            # The API takes a key and its certificate together alone.
            given = self.item.fields.get("client_certificate")
            sent |= {"client_certificate": given} if given is not None else {}
        return sent


class Plan(NamedTuple):
    """All changes in their order, and what is there and not in the file."""

    steps: Sequence[Step]
    left: Sequence[Step]


class PlanError(ValueError):
    """The file asks for what cannot be; the message begins with its line."""


def plan(
    wanted: Mapping[str, Sequence[Item]],
    live: Mapping[str, Sequence[Row]],
    *,
    prune: bool,
    renew: bool,
) -> Plan:
    """Compare the file with what there is; both by the names of kinds.

    With `prune`, what the file does not have is removed, of the kinds that it has. With `renew`,
    all secrets are sent again: the control plane shows none that could be compared.

    Raises:
        PlanError: rows cannot be told apart, or cannot become what the file asks for.
    """
    steps: list[Step] = []
    left: list[Step] = []
    for kind in KINDS.values():
        if kind.name not in wanted:
            continue
        pairs, others = _matched(kind, wanted[kind.name], live[kind.name])
        for item, row in pairs:
            steps += _created(kind, item) if row is None else _updated(kind, item, row, renew)
        left += [Step(DELETE, kind, kind.shown(row), row=row) for row in reversed(others)]
    removed = left[::-1]
    return Plan([*steps, *removed], []) if prune else Plan(steps, removed)


def exported(kind: RowKind, row: Row) -> dict[str, Any]:
    """A row as the file has it: what differs from the defaults; of secrets a place to fill in."""
    found = {
        name: row.get(name)
        for name, field in kind.fields.items()
        if field.required or normal(name, row.get(name)) != normal(name, _unsaid(kind, name, row))
    }
    for name in kind.secrets:
        if name != "passphrase" and _is_set(kind, name, row):
            found[name] = {"env": _variable(name, kind.shown(row))}
    return found


def _matched(
    kind: RowKind, items: Sequence[Item], rows: Sequence[Row]
) -> tuple[list[tuple[Item, Row | None]], list[Row]]:
    """Each item with its row, None for a new one; and the rows that are no item's."""
    by_key = _grouped(kind, rows)
    taken: dict[object, Item] = {}
    pairs: list[tuple[Item, Row | None]] = []
    for item in items:
        key = kind.key(item.fields)
        if key in taken:
            message = f"line {item.line}: {kind.shown(item.fields)} stands in line"
            raise PlanError(f"{message} {taken[key].line} already")
        taken[key] = item
        found = by_key.get(key, [])
        if len(found) > 1:
            message = f"line {item.line}: there are {len(found)} {kind.name} like"
            raise PlanError(f"{message} {kind.shown(item.fields)}; remove or rename one")
        pairs.append((item, found[0] if found else None))
    left = [row for row in rows if kind.key(row) not in taken and kind.is_managed(row)]
    return _near(kind, pairs, left)


def _near(
    kind: RowKind, pairs: Sequence[tuple[Item, Row | None]], left: list[Row]
) -> tuple[list[tuple[Item, Row | None]], list[Row]]:
    """As `pairs`, where one new item and one row that is left are the same but for their key."""
    if kind.near is None:
        return list(pairs), left
    news: dict[object, int] = defaultdict(int)
    olds: dict[object, list[Row]] = defaultdict(list)
    for item, row in pairs:
        news[kind.near(item.fields)] += row is None
    for row in left:
        olds[kind.near(row)].append(row)
    made: list[tuple[Item, Row | None]] = []
    for item, row in pairs:
        key = kind.near(item.fields)
        if row is None and news[key] == len(olds[key]) == 1:
            row = olds[key][0]
            left = [one for one in left if one is not row]
        made.append((item, row))
    return made, left


def _grouped(kind: RowKind, rows: Sequence[Row]) -> Mapping[object, list[Row]]:
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        groups[kind.key(row)].append(row)
    return groups


def _created(kind: RowKind, item: Item) -> Iterator[Step]:
    fields = {name: (None, value) for name, value in item.fields.items() if name in kind.fields}
    yield Step(CREATE, kind, kind.shown(item.fields), fields, item.secrets, item=item)


def _updated(kind: RowKind, item: Item, row: Row, renew: bool) -> Iterator[Step]:
    fields = {}
    for name, field in kind.fields.items():
        if name in kind.kept and name not in item.fields:
            continue
        after = item.fields.get(name, _unsaid(kind, name, item.fields))
        if normal(name, row.get(name)) != normal(name, after):
            fields[name] = row.get(name), default(field) if after is None else after
    if wrong := sorted(kind.fixed & fields.keys()):
        message = f"line {item.line}: {wrong[0]} of {kind.shown(item.fields)} cannot be changed"
        raise PlanError(f"{message}; give it another name, or remove it first")
    secrets = dict(_secrets(kind, item, row, renew or _leads_elsewhere(fields)))
    if fields or secrets:
        yield Step(UPDATE, kind, kind.shown(item.fields), fields, secrets, row, item)


def _secrets(
    kind: RowKind, item: Item, row: Row, everything: bool
) -> Iterator[tuple[str, Mapping[str, str] | None]]:
    """The secrets to send: those that are not there yet, or all; None for those to take away."""
    for name in kind.secrets:
        reference, is_set = item.secrets.get(name), _is_set(kind, name, row)
        if reference is None:
            if is_set and name in kind.set_by:
                yield name, None
        elif everything or not is_set:
            yield name, reference


def _leads_elsewhere(fields: Collection[str]) -> bool:
    """Whether a change wants its secrets again, so that who knows none sends none elsewhere."""
    return not _LEADING.isdisjoint(fields)


_LEADING = frozenset({"hosts", "client_certificate", "api_url", "app_id", "installation_id"})
_BY_URL = ("webhook", "slack", "teams")
# Of a secret the member that says whether there is one, and the values by which it does.
_SECRET_OF: Mapping[str, tuple[str, Collection[str]]] = {
    "token": ("kind", ("token",)), "password": ("kind", ("basic",)),
    "private_key": ("kind", ("ssh", "app")), "url": ("form", _BY_URL),
}  # fmt: skip


def _is_set(kind: RowKind, name: str, row: Row) -> bool:
    """Whether a row has a secret, as far as the control plane tells."""
    if name in kind.set_by:
        return bool(row.get(kind.set_by[name]))
    if name == "client_key":
        return bool(row.get("client_certificate"))
    # A passphrase is taken off with its key, and not kept.
    member, values = _SECRET_OF.get(name, ("", ()))
    return name == "passphrase" or row.get(member) in values


def _unsaid(kind: RowKind, name: str, row: Row) -> Any:
    """What a field is when it is not given."""
    if kind.name == "gateways" and name == "name":
        return row.get("id")
    return default(kind.shape.fields[name])


def _variable(name: str, shown: str) -> str:
    """The name of a variable for a secret of a row."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in shown).split()
    return "_".join([name, *words]).upper()[:100]
