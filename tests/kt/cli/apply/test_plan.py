"""The plan of `kt apply`, by tables and properties. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.cli.apply.document import wanted
from kt.cli.apply.export import as_yaml
from kt.cli.apply.kinds import KINDS, RowKind, canonical_url, default, normal
from kt.cli.apply.plan import Item, PlanError, Step, exported, plan

URL = "https://forge.example/org/policies.git"
ENV = {"env": "TOKEN"}


def a_live(kind: str, /, **more: Any) -> dict[str, Any]:
    """A row as a control plane shows it: all fields, by default those of the API."""
    fields = {name: default(field) for name, field in KINDS[kind].fields.items()}
    facts = {
        "git_repos": {"url": URL, "has_access_token": False, "has_webhook_secret": False},
        "gateways": {"id": "edge-1", "name": "edge-1", "enrolled_by": None, "bound": None},
        "git_credentials": {"name": "c", "kind": "token", "hosts": ["forge.example"],
                            "authorization": ""},
        "gateway_bindings": {"configuration": "bot", "selector": {"ring": "canary"}},
        "trusts": {"name": "ci", "issuer": "https://i", "audience": "https://a"},
        "sign_in_rules": {"name": "r", "issuer": "https://i", "claims": {"email": ["a@b"]}},
        "forge_credentials": {"name": "f", "forge": "github", "kind": "token",
                              "api_url": "https://api.github.com", "hosts": ["github.com"]},
        "notification_endpoints": {"name": "n", "form": "webhook"},
    }[kind]  # fmt: skip
    return {**fields, **facts, **({"id": f"{kind}-1"} if kind != "gateways" else {}), **more}


def steps(
    kind: str, items: Sequence[Item], rows: Sequence[dict[str, Any]], **how: bool
) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The plan of one kind: action, body, and secrets of each step."""
    made = plan({kind: items}, {kind: rows}, **{"prune": False, "renew": False, **how})
    return [(step.action, step.body, dict(step.secrets)) for step in made.steps]


def link(**fields: Any) -> Item:
    """A link of the file."""
    secrets = {name: fields.pop(name) for name in ("access_token", "webhook_secret")
               if name in fields}  # fmt: skip
    return Item({"url": URL, **fields}, secrets, line=3)


def credential(**more: Any) -> Item:
    """A credential of the file, with its token."""
    fields = {"name": "c", "kind": "token", "hosts": ["forge.example"], **more}
    return Item(fields, {"token": ENV}, line=3)


def app(**more: Any) -> Item:
    """A credential of the file that is a GitHub App, with its key."""
    fields = {"name": "c", "kind": "app", "hosts": ["forge.example"], "app_id": "5",
              "installation_id": "6", **more}  # fmt: skip
    return Item(fields, {"private_key": ENV}, line=3)


def telling(**more: Any) -> Item:
    """A credential of a forge's API, with its token."""
    return Item({"name": "f", "forge": "github", **more}, {"token": ENV}, line=3)


@pytest.mark.parametrize(
    ("kind", "item", "row", "changes"),
    [
        # Nothing to do: the same, in another form, or by default.
        ("git_repos", link(), a_live("git_repos"), []),
        ("git_repos", link(url=f"{URL}/", path="policies"),
         a_live("git_repos", path="/policies/"), []),
        ("git_repos", link(url="git@Forge.example:org/x.git"),
         a_live("git_repos", url="ssh://git@forge.example/org/x.git"), []),
        ("git_repos", link(commit="A" * 40), a_live("git_repos", commit="a" * 40), []),
        ("git_repos", link(poll_interval_seconds=300, include=[], prune=False),
         a_live("git_repos"), []),
        ("git_repos", link(access_token=ENV), a_live("git_repos", has_access_token=True), []),
        ("gateways", Item({"id": "edge-1"}), a_live("gateways", client_keys="demanded"), []),
        ("git_credentials", credential(authorization="basic"), a_live("git_credentials"), []),
        ("git_credentials", credential(), a_live("git_credentials", expires_at="2030-01-01T00:00Z"),
         []),
        ("trusts", Item({"name": "ci", "issuer": "https://i", "audience": "https://a",
                         "networks": ["10.0.0.1"], "sight": {"ids": ["a"]},
                         "expires_at": "2030-01-01T01:00:00+01:00"}),
         a_live("trusts", networks=["10.0.0.1/32"], sight={"ids": ["a"], "labels": {}},
                expires_at="2030-01-01T00:00:00Z"), []),
        # An App's key is there, and its API is GitHub's where the file names none.
        ("git_credentials", app(), a_live("git_credentials", kind="app", app_id="5",
                                          installation_id="6", api_url="https://api.github.com"),
         []),
        ("forge_credentials", telling(), a_live("forge_credentials"), []),
        ("forge_credentials", telling(api_url="https://API.github.com/", hosts=["GitHub.com"]),
         a_live("forge_credentials"), []),
        ("forge_credentials", Item({"name": "f", "forge": "github", "kind": "app", "app_id": "5",
                                    "installation_id": "6"}, {"private_key": ENV}),
         a_live("forge_credentials", kind="app", app_id="5", installation_id="6"), []),
        ("notification_endpoints", Item({"name": "n"}, {"url": ENV}),
         a_live("notification_endpoints"), []),
        ("notification_endpoints", Item({"name": "n", "kinds": ["held", "failed"]}, {"url": ENV}),
         a_live("notification_endpoints", kinds=["failed", "held"]), []),
        ("notification_endpoints", Item({"name": "n", "form": "mail", "recipients": ["a@b"]}),
         a_live("notification_endpoints", form="mail", recipients=["a@b"]), []),
        # A field, alone.
        ("forge_credentials", telling(status_name="two"), a_live("forge_credentials"),
         [("update", {"status_name": "two"}, {})]),
        ("notification_endpoints", Item({"name": "n", "enabled": False}, {"url": ENV}),
         a_live("notification_endpoints", kinds=["held"], labels={"a": "b"}),
         [("update", {"kinds": [], "labels": {}, "enabled": False}, {})]),
        ("git_repos", link(prune=True), a_live("git_repos"), [("update", {"prune": True}, {})]),
        ("git_repos", link(), a_live("git_repos", prune=True, fail_on="weaker", credential="c"),
         [("update", {"prune": False, "fail_on": "", "credential": None}, {})]),
        ("gateways", Item({"id": "edge-1", "labels": {"a": "b"}}),
         a_live("gateways", configuration="bot", name="Edge"),
         [("update", {"name": "edge-1", "labels": {"a": "b"}, "configuration": None}, {})]),
        ("gateways", Item({"id": "edge-1", "client_keys": "off"}),
         a_live("gateways", client_keys="demanded"), [("update", {"client_keys": "off"}, {})]),
        # Addresses are kept in lower case; other texts are what they are.
        ("sign_in_rules", Item({"name": "r", "issuer": "https://i", "claims": {"email": ["A@B"]}}),
         a_live("sign_in_rules"), []),
        ("sign_in_rules", Item({"name": "r", "issuer": "https://i", "claims": {"groups": ["A"]}}),
         a_live("sign_in_rules", claims={"groups": ["a"]}),
         [("update", {"claims": {"groups": ["A"]}}, {})]),
        ("trusts", Item({"name": "ci", "issuer": "https://i", "audience": "https://a"}),
         a_live("trusts", sight={"ids": ["a"], "labels": {}}, enabled=False),
         [("update", {"sight": None, "enabled": True}, {})]),
        # What is followed may be edited: a repository and path that have one link keep it.
        ("git_repos", link(branch="main"), a_live("git_repos"),
         [("update", {"branch": "main"}, {})]),
        ("git_repos", link(tag="v1"), a_live("git_repos", branch="main"),
         [("update", {"branch": "", "tag": "v1"}, {})]),
        # Secrets: sent where there is none, taken away where the file has none.
        ("git_repos", link(access_token=ENV), a_live("git_repos"),
         [("update", {}, {"access_token": ENV})]),
        ("git_repos", link(), a_live("git_repos", has_webhook_secret=True),
         [("update", {}, {"webhook_secret": None})]),
        # A new host wants the secret again, from whoever knows it.
        ("git_credentials", credential(hosts=["forge.example", "b"]), a_live("git_credentials"),
         [("update", {"hosts": ["forge.example", "b"]}, {"token": ENV})]),
        ("forge_credentials", telling(api_url="https://ghe.example/api/v3", hosts=["ghe.example"]),
         a_live("forge_credentials"),
         [("update", {"api_url": "https://ghe.example/api/v3", "hosts": ["ghe.example"]},
           {"token": ENV})]),
        ("git_credentials", app(installation_id="7"),
         a_live("git_credentials", kind="app", app_id="5", installation_id="6",
                api_url="https://api.github.com"),
         [("update", {"installation_id": "7"}, {"private_key": ENV})]),
        # Another configuration or selector is another binding.
        ("gateway_bindings", Item({"configuration": "bot", "selector": {"ring": "all"}}),
         a_live("gateway_bindings"),
         [("create", {"configuration": "bot", "selector": {"ring": "all"}}, {})]),
    ],
)  # fmt: skip
def test_what_differs_is_changed_and_nothing_else(
    kind: str, item: Item, row: dict[str, Any], changes: list[Any]
) -> None:
    """In the fields of the API."""
    assert steps(kind, [item], [row]) == changes


def test_a_client_key_comes_with_its_certificate() -> None:
    """The API takes neither without the other."""
    item = Item({"name": "c", "kind": "tls", "hosts": ["a", "b"], "client_certificate": "PEM"},
                {"client_key": ENV})  # fmt: skip
    row = a_live("git_credentials", kind="tls", hosts=["a"], client_certificate="PEM\n")

    [(_, body, secrets)] = steps("git_credentials", [item], [row])
    assert body == {"hosts": ["a", "b"], "client_certificate": "PEM"}
    assert secrets == {"client_key": ENV}


def test_what_is_not_there_is_made_as_the_file_says_it() -> None:
    """The API's defaults stay the API's."""
    item = link(path="p", access_token=ENV)

    assert steps("git_repos", [item], []) == [
        ("create", {"url": URL, "path": "p"}, {"access_token": ENV})
    ]


def test_secrets_are_sent_again_when_asked_for() -> None:
    """Those that the file names."""
    assert steps("git_credentials", [credential()], [a_live("git_credentials")], renew=True) == [
        ("update", {}, {"token": ENV})
    ]


def test_two_links_of_one_path_are_not_taken_for_an_edit() -> None:
    """Which of them was meant, nobody knows: one is made, and the others are left."""
    rows = [a_live("git_repos", branch="a"), a_live("git_repos", branch="b", id="2")]

    assert [step[0] for step in steps("git_repos", [link(branch="c")], rows)] == ["create"]


def test_only_what_the_file_lists_is_removed_and_only_when_asked_for() -> None:
    """And never a gateway that enrolled itself; the last that was made goes first."""
    live = {
        "gateways": [a_live("gateways"), a_live("gateways", id="own", enrolled_by="token")],
        "git_repos": [a_live("git_repos"), a_live("git_repos", id="2", path="p")],
        "gateway_bindings": [a_live("gateway_bindings")],
    }
    asked: dict[str, list[Item]] = {"gateways": [], "git_repos": [link()]}

    kept = plan(asked, live, prune=False, renew=False)
    pruned = plan(asked, live, prune=True, renew=False)

    assert (kept.steps, [step.name for step in kept.left]) == (
        [], ["edge-1", f"{URL} (HEAD, p)"],
    )  # fmt: skip
    assert [(step.action, step.name) for step in pruned.steps] == [
        ("delete", "edge-1"), ("delete", f"{URL} (HEAD, p)"),
    ]  # fmt: skip
    assert pruned.left == []


def test_kinds_are_made_in_the_order_in_which_they_need_each_other() -> None:
    """Credentials before links, links before gateways; removed the other way round."""
    items = {
        "git_credentials": credential(), "forge_credentials": telling(), "git_repos": link(),
        "gateways": Item({"id": "e"}),
        "gateway_bindings": Item({"configuration": "b", "selector": {"a": "b"}}),
        "trusts": Item({"name": "t", "issuer": "i", "audience": "a"}),
        "sign_in_rules": Item({"name": "t", "issuer": "i", "claims": {"groups": ["a"]}}),
        "notification_endpoints": Item({"name": "n"}, {"url": ENV}),
    }  # fmt: skip
    made = plan(
        {kind: [item] for kind, item in reversed(items.items())},
        {kind: [a_live(kind, id="old", name="old", url="old")] if kind != "gateway_bindings"
         else [a_live(kind)] for kind in KINDS},
        prune=True, renew=False,
    )  # fmt: skip

    order = [step.kind.name for step in made.steps]
    assert order == [*items, *reversed(items)]


@pytest.mark.parametrize(
    ("kind", "items", "rows", "told"),
    [
        ("git_repos", [link(path="p"), link(path="/p/")._replace(line=9)], [],
         "line 9: https://forge.example/org/policies.git (HEAD, /p/) stands in line 3 already"),
        ("trusts", [Item({"name": "ci", "issuer": "i", "audience": "a"}, line=4)],
         [a_live("trusts"), a_live("trusts", id="2")], "line 4: there are 2 trusts like ci"),
        ("git_credentials", [credential(kind="basic")], [a_live("git_credentials")],
         "line 3: kind of c cannot be changed"),
        ("forge_credentials", [telling(forge="gitea")], [a_live("forge_credentials")],
         "line 3: forge of f cannot be changed"),
        ("notification_endpoints", [Item({"name": "n", "form": "slack"}, line=3)],
         [a_live("notification_endpoints")], "line 3: form of n cannot be changed"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_line(
    kind: str, items: list[Item], rows: list[dict[str, Any]], told: str
) -> None:
    """Before anything is asked for."""
    with pytest.raises(PlanError) as refused:
        steps(kind, items, rows)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("HTTPS://Forge.Example:443/a/", "https://forge.example/a"),
        ("http://forge.example:8080/a", "http://forge.example:8080/a"),
        ("git@forge.example:a/b.git", "ssh://git@forge.example/a/b.git"),
        ("ssh://forge.example:22/a", "ssh://git@forge.example/a"),
        ("ssh://me@[::1]:2222/a", "ssh://me@[::1]:2222/a"),
        ("file:///a", "file:///a"),
        ("nonsense", "nonsense"),
        ("https://[", "https://["),
        ("https://a:x/b", "https://a:x/b"),
    ],
)
def test_a_url_is_compared_as_it_is_stored(given: str, stored: str) -> None:
    """The control plane has another form for some; what is no url is for it to refuse."""
    assert canonical_url(given) == stored


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12)
IDS = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)
ROWS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "git_repos": st.fixed_dictionaries({}, optional={
        "branch": WORDS, "path": WORDS, "prune": st.booleans(), "include": st.lists(WORDS,
        max_size=2, unique_by=str.casefold), "poll_interval_seconds": st.integers(1, 900),
        "suspended": st.booleans(), "fail_on": st.sampled_from(["", "weaker"]),
        "minimum_coverage": st.integers(0, 100), "minimum_killed": st.integers(0, 100),
        "has_access_token": st.booleans(), "has_webhook_secret": st.booleans(),
        "credential": IDS, "id_prefix": IDS, "allowed_signers": WORDS.map(lambda w: f"{w}\nb\n"),
    }),
    "gateways": st.fixed_dictionaries({"id": IDS}, optional={
        "labels": LABELS, "configuration": IDS, "client_keys": st.sampled_from(["demanded", "off"]),
        "name": WORDS,
    }),
    "git_credentials": st.fixed_dictionaries({}, optional={
        "kind": st.sampled_from(["token", "basic", "ssh", "tls", "app"]), "username": WORDS,
        "authorization": st.sampled_from(["", "basic", "bearer"]),
        "expires_at": st.just("2030-01-01T00:00:00Z"), "client_certificate": WORDS,
    }),
    "gateway_bindings": st.fixed_dictionaries({"configuration": IDS, "selector": LABELS}),
    "trusts": st.fixed_dictionaries({}, optional={
        "enabled": st.booleans(), "role": st.sampled_from(["ci", "editor"]), "ref": WORDS,
        "sight": st.none() | st.fixed_dictionaries({"ids": st.lists(IDS, max_size=2),
                                                    "labels": LABELS}),
        "max_seconds": st.integers(60, 86_400), "name": WORDS,
    }),
    "sign_in_rules": st.fixed_dictionaries({}, optional={
        "enabled": st.booleans(), "role": st.sampled_from(["viewer", "admin"]), "name": WORDS,
        "claims": st.dictionaries(st.sampled_from(["email", "groups", "https://x/y"]),
                                  st.lists(WORDS, min_size=1, max_size=2), min_size=1),
        "position": st.integers(1, 9999),
    }),
    "forge_credentials": st.fixed_dictionaries({}, optional={
        "forge": st.sampled_from(["github", "gitea"]), "kind": st.sampled_from(["token", "app"]),
        "name": IDS, "hosts": st.lists(IDS, min_size=1, max_size=2, unique=True),
        "api_url": st.just("https://ghe.example/api/v3"), "status_name": IDS, "app_id": IDS,
    }),
    "notification_endpoints": st.fixed_dictionaries({}, optional={
        "form": st.sampled_from(["webhook", "slack", "teams", "mail"]), "name": WORDS,
        "recipients": st.lists(IDS, max_size=2), "enabled": st.booleans(), "labels": LABELS,
        "kinds": st.lists(st.sampled_from(["held", "failed", "synced"]), max_size=2, unique=True),
        "git_repos": st.lists(st.uuids().map(str), max_size=2, unique=True),
    }),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_is_exported_changes_nothing_when_it_is_applied(
    kind: str, data: st.DataObject
) -> None:
    """By way of the file itself, whatever the rows hold."""
    row = a_live(kind, **data.draw(ROWS[kind]))

    asked = wanted(as_yaml({kind: [exported(KINDS[kind], row)]}).encode(), name="f")

    for how in ({"prune": True, "renew": False}, {"prune": False, "renew": False}):
        made = plan(asked, {kind: [row]}, **how)
        assert [(step.action, step.body, dict(step.secrets)) for step in made.steps] == []
        assert made.left == []


def made_true(rows: list[dict[str, Any]], steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The rows of a control plane after the steps of a plan, each as the API makes it."""
    rows = [dict(row) for row in rows]
    for number, step in enumerate(steps):
        kind = step.kind
        if step.action == "delete":
            rows = [row for row in rows if row["id"] != step.row["id"]]
            continue
        if step.action == "create":
            row = a_live(kind.name, **{"id": f"new-{number}", **step.body})
            row.setdefault("name", row["id"])
            if kind.name == "gateways":
                row["name"] = step.body.get("name", row["id"])
            rows.append(row)
        else:
            [row] = [one for one in rows if one["id"] == step.row["id"]]
            row |= step.body
        for name, reference in step.secrets.items():
            if name in kind.set_by:
                row[kind.set_by[name]] = reference is not None
    return rows


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_plan_that_was_made_true_leaves_nothing_to_do(kind: str, data: st.DataObject) -> None:
    """From any rows to any file; with `--prune` what is there is exactly what the file has."""
    table = KINDS[kind]
    drawn = st.lists(ROWS[kind], max_size=4)
    before, after = (
        [a_live(kind, **{"id": f"{name}-{number}", **row}) for number, row in enumerate(rows)]
        for name, rows in (("old", data.draw(drawn)), ("new", data.draw(drawn)))
    )
    before = list({table.key(row): row for row in before}.values())
    after = list({table.key(row): row for row in after}.values())
    text = as_yaml({kind: [exported(table, row) for row in after]})
    asked = wanted(text.encode(), name="f")
    fixed = [
        (old, new) for old in before for new in after
        if table.key(old) == table.key(new) and any(old[name] != new[name] for name in table.fixed)
    ]  # fmt: skip
    if fixed:
        with pytest.raises(PlanError, match="cannot be changed"):
            plan(asked, {kind: before}, prune=True, renew=False)
        return

    made = plan(asked, {kind: before}, prune=True, renew=False)
    then = made_true(before, made.steps)

    assert plan(asked, {kind: then}, prune=True, renew=False).steps == []
    assert compared(table, then) == compared(table, after)


def compared(kind: RowKind, rows: Sequence[dict[str, Any]]) -> dict[object, Any]:
    """What the file decides of rows, by what tells them apart."""
    names = [name for name in kind.fields if name not in kind.kept]
    return {
        kind.key(row): {
            **{name: normal(name, row.get(name)) for name in names},
            **{member: row.get(member) for member in kind.set_by.values()},
        }
        for row in rows
    }
