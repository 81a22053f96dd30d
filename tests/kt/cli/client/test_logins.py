"""The file of logins, and which login a command uses."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from kt.cli.client import logins
from kt.cli.client.logins import Login, Logins
from kt.cli.client.session import connect
from kt.cli.errors import CommandError

ONE, TWO = Login("https://one.example", "t1"), Login("https://two.example", "t2")


@pytest.fixture
def kept(home: Path) -> dict[str, str]:
    """The environment of somebody who is logged in at two control planes, by default at one."""
    environment = {"HOME": str(home)}
    logins.write(Logins({"default": ONE, "two": TWO}, "default"), environment)
    return environment


def test_what_is_written_is_read_back_and_for_its_user_alone(kept: dict[str, str]) -> None:
    """Folder and file; nothing else is left there."""
    path = Path(logins.path(kept))

    assert logins.read(kept) == Logins({"default": ONE, "two": TWO}, "default")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one.name for one in path.parent.iterdir()] == ["logins.json"]


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"HOME": "/h"}, "/h/.config/keeptrusts/logins.json"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/keeptrusts/logins.json"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/keeptrusts/logins.json"),
    ],
)
def test_it_is_kept_where_configuration_is(environment: dict[str, str], path: str) -> None:
    """A relative folder counts as none."""
    assert logins.path(environment) == path


def test_a_file_that_others_may_read_is_refused(kept: dict[str, str]) -> None:
    """With the command that helps."""
    path = Path(logins.path(kept))
    path.chmod(0o640)

    with pytest.raises(CommandError, match=re.escape(f"chmod 600 {path}")):
        logins.read(kept)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"current": "a", "logins": []}', "[" * 100_000,
     '{"current": "a", "logins": {"a": {"url": 1, "token": "x"}}}',
     '{"current": "a", "logins": {"a": null}}'],
)  # fmt: skip
def test_a_file_that_is_none_is_named(kept: dict[str, str], content: str) -> None:
    """Whatever is in it."""
    path = Path(logins.path(kept))
    path.write_text(content)

    with pytest.raises(CommandError, match="is no file of kt login"):
        logins.read(kept)


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    """A file stands where the folder would be."""
    (tmp_path / ".config").write_text("")

    with pytest.raises(CommandError, match=r"logins\.json: "):
        logins.write(Logins({}), {"HOME": str(tmp_path)})
    assert logins.read({"HOME": str(tmp_path)}) == Logins({})


@pytest.mark.parametrize(
    ("options", "environment", "used"),
    [
        ({}, {}, ONE),
        ({"login": "two"}, {}, TWO),
        # A login that is named wins over the environment, which wins over one that is not.
        ({"login": "two"}, {"KEEPTRUSTS_API_URL": "https://e", "KEEPTRUSTS_API_TOKEN": "t"}, TWO),
        ({}, {"KEEPTRUSTS_API_URL": "https://e", "KEEPTRUSTS_API_TOKEN": "t"},
         Login("https://e", "t")),
        ({"api_url": "https://o"}, {"KEEPTRUSTS_API_URL": "https://e",
                                    "KEEPTRUSTS_API_TOKEN": "t"}, Login("https://o", "t")),
        ({}, {"KEEPTRUSTS_API_TOKEN": "t"}, Login("https://one.example", "t")),
        ({}, {"KEEPTRUSTS_API_URL": "https://two.example/v1/"}, TWO),
        ({"api_url": "https://two.example"}, {}, TWO),
    ],
)  # fmt: skip
def test_a_login_is_used_where_the_environment_names_nothing_else(
    kept: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    environment: dict[str, str],
    used: Login,
) -> None:
    """Options, then variables, then the login."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    control_plane = connect(_options(**options))

    assert control_plane.url == used.url
    assert control_plane.has_token(used.token)


@pytest.mark.parametrize("where", ["option", "variable"])
def test_a_kept_token_goes_to_no_other_url(
    kept: dict[str, str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A url alone is no reason to send it there."""
    if where == "variable":
        monkeypatch.setenv("KEEPTRUSTS_API_URL", "https://else.example")
    options = _options(**({"api_url": "https://else.example"} if where == "option" else {}))

    with pytest.raises(CommandError, match="set KEEPTRUSTS_API_TOKEN as well, or log in"):
        connect(options)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "log in first: kt login URL; or set KEEPTRUSTS_API_URL and KEEPTRUSTS_API_TOKEN"),
        ({"KEEPTRUSTS_API_URL": "https://a"}, "set KEEPTRUSTS_API_TOKEN as well"),
        ({"KEEPTRUSTS_API_TOKEN": "a"}, "set KEEPTRUSTS_API_URL as well"),
        ({"KEEPTRUSTS_API_URL": "https://a", "KEEPTRUSTS_API_TOKEN": "a b"}, "printable ASCII"),
        ({"KEEPTRUSTS_API_URL": "https://a", "KEEPTRUSTS_API_TOKEN": "ä"}, "printable ASCII"),
        ({"KEEPTRUSTS_API_URL": "http://a.example", "KEEPTRUSTS_API_TOKEN": "a"}, "is not https"),
    ],
)
def test_without_a_login_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    """And not what is there."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CommandError, match=told):
        connect(_options())


def test_a_login_that_is_none_is_asked_about(kept: dict[str, str]) -> None:
    """By the nearest name."""
    with pytest.raises(CommandError, match="no login 'tow'; did you mean 'two'"):
        connect(_options(login="tow"))


def test_a_login_by_plain_http_is_one_that_was_made_so(home: Path) -> None:
    """Whoever edits the file to another machine's url does not get the token sent there."""
    there = Login("http://control.example", "t")
    logins.write(Logins({"default": there}), {"HOME": str(home)})
    with pytest.raises(CommandError, match="is not https"):
        connect(_options())

    logins.write(Logins({"default": there._replace(insecure_http=True)}), {"HOME": str(home)})
    assert connect(_options()).url == there.url
    assert (
        "insecure_http"
        in json.loads(Path(logins.path({"HOME": str(home)})).read_text())["logins"]["default"]
    )


def _options(**given: str) -> argparse.Namespace:
    return argparse.Namespace(**{"api_url": None, "login": None, "insecure_http": False, **given})
