"""Forms of requests to forges' APIs, by tables."""

import json
from typing import Any

import pytest

from commitstatus import forges
from commitstatus.forges import FORGES, NotOfForgeError, Said

COMMIT = "a" * 40
APIS = {
    "github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4",
    "gitea": "https://git.example/api/v1", "bitbucket": "https://api.bitbucket.org/2.0",
    "bitbucket-server": "https://git.example/rest",
}  # fmt: skip
SAID = Said(
    COMMIT, "failure", "quarantined at line 3", "keeptrusts/policies", "https://kt.example/r"
)


@pytest.mark.parametrize(
    ("forge", "api_url", "url", "path"),
    [
        ("github", "", "https://github.com/org/repo.git", "org/repo"),
        ("github", "", "https://github.com/org/repo", "org/repo"),
        ("github", "", "ssh://git@github.com/org/repo.git", "org/repo"),
        ("github", "https://ghe.example/api/v3", "https://ghe.example/org/re.po.git", "org/re.po"),
        ("github", "", "https://github.com/org", None),
        ("github", "", "https://github.com/org/repo/more", None),
        ("github", "", "https://github.com/org/..", None),
        ("github", "", "https://github.com/org/%2e%2e", None),
        ("github", "", "https://github.com/org/%2e%2e%2frepo", None),
        ("gitlab", "", "https://gitlab.com/group/sub/repo.git", "group/sub/repo"),
        ("gitlab", "", "https://gitlab.com/repo.git", None),
        ("gitlab", "https://x.example/lab/api/v4", "https://x.example/lab/g/r.git", "g/r"),
        ("gitlab", "https://x.example/lab/api/v4", "ssh://git@x.example/g/r.git", "g/r"),
        ("gitea", "", "https://git.example/org/repo.git", "org/repo"),
        ("gitea", "https://x.example/git/api/v1", "https://x.example/git/org/repo", "org/repo"),
        ("bitbucket", "", "https://bitbucket.org/ws/repo.git", "ws/repo"),
        ("bitbucket-server", "", "https://git.example/scm/prj/repo.git", "prj/repo"),
        ("bitbucket-server", "", "ssh://git@git.example:7999/prj/repo.git", "prj/repo"),
        ("bitbucket-server", "", "https://git.example/scm/~ada/repo.git", "~ada/repo"),
        ("bitbucket-server", "https://x.example/bb/rest", "https://x.example/bb/scm/p/r", "p/r"),
    ],
)
def test_a_repository_has_its_path(forge: str, api_url: str, url: str, path: str | None) -> None:
    """Or none, where the url leads to no repository of the forge."""
    if path is not None:
        assert forges.path_of(FORGES[forge], api_url or APIS[forge], url) == path
        return
    with pytest.raises(NotOfForgeError):
        forges.path_of(FORGES[forge], api_url or APIS[forge], url)


@pytest.mark.parametrize(
    ("forge", "path", "asks", "tells", "body"),
    [
        ("github", "org/repo", "/repos/org/repo", f"/repos/org/repo/statuses/{COMMIT}",
         {"state": "failure", "description": SAID.description, "context": SAID.name,
          "target_url": SAID.more_url}),
        ("gitlab", "g/s/r", "/projects/g%2Fs%2Fr", f"/projects/g%2Fs%2Fr/statuses/{COMMIT}",
         {"state": "failed", "description": SAID.description, "name": SAID.name,
          "target_url": SAID.more_url}),
        ("gitea", "org/a b", "/repos/org/a%20b", f"/repos/org/a%20b/statuses/{COMMIT}",
         {"state": "failure", "description": SAID.description, "context": SAID.name,
          "target_url": SAID.more_url}),
        ("bitbucket", "ws/repo", "/repositories/ws/repo",
         f"/repositories/ws/repo/commit/{COMMIT}/statuses/build",
         {"key": "keeptrusts-9b0f2ee7e9ba5b3e9c4b5ac9b6a3", "state": "FAILED", "name": SAID.name,
          "description": SAID.description, "url": SAID.more_url}),
        ("bitbucket-server", "~ada/repo", "/api/1.0/projects/~ada/repos/repo",
         f"/build-status/1.0/commits/{COMMIT}",
         {"key": "keeptrusts-9b0f2ee7e9ba5b3e9c4b5ac9b6a3", "state": "FAILED", "name": SAID.name,
          "description": SAID.description, "url": SAID.more_url}),
    ],
)  # fmt: skip
def test_each_forge_has_its_requests(
    forge: str, path: str, asks: str, tells: str, body: dict[str, str]
) -> None:
    """One that asks whether a repository is public, and one that sets a status."""
    of, api = FORGES[forge], APIS[forge]

    asked = forges.question(of, api, path, {"A": "b"})
    told = forges.telling(of, api, path, SAID, {"A": "b"})

    assert (asked.url, asked.body, asked.headers) == (api + asks, None, {"A": "b"})
    assert told.url == api + tells
    assert told.headers == {"A": "b", "Content-Type": "application/json"}
    sent = json.loads(told.body or b"")
    if "key" in body:
        assert len(sent["key"]) <= 40
        body = {**body, "key": sent["key"]}
    assert sent == body


def test_a_key_is_that_of_its_name() -> None:
    """Two links have two, and each always the same."""
    keys = {
        name: json.loads(
            forges.telling(
                FORGES["bitbucket"], APIS["bitbucket"], "w/r",
                Said(COMMIT, "success", "x", name), {},
            ).body or b""
        )["key"]
        for name in ("keeptrusts/a", "keeptrusts/b", "x" * 300)
    }  # fmt: skip

    assert len(set(keys.values())) == 3
    assert {len(key) for key in keys.values()} == {39}


@pytest.mark.parametrize(
    ("forge", "name", "url"),
    [
        ("github", "target_url", None),
        ("gitlab", "target_url", None),
        ("gitea", "target_url", None),
        ("bitbucket", "url", f"https://bitbucket.org/ws/repo/commits/{COMMIT}"),
        ("bitbucket-server", "url",
         f"https://git.example/projects/ws/repos/repo/commits/{COMMIT}"),
    ],
)  # fmt: skip
def test_without_a_page_of_ours_none_is_named(forge: str, name: str, url: str | None) -> None:
    """But the commit's own, where the forge wants one."""
    said = Said(COMMIT, "success", "synced", "keeptrusts")
    request = forges.telling(FORGES[forge], APIS[forge], "ws/repo", said, {})

    assert json.loads(request.body or b"").get(name) == url


STATES = {
    "github": ("success", "failure", "pending", "error"),
    "gitlab": ("success", "failed", "pending", "failed"),
    "gitea": ("success", "failure", "pending", "error"),
    "bitbucket": ("SUCCESSFUL", "FAILED", "INPROGRESS", "FAILED"),
    "bitbucket-server": ("SUCCESSFUL", "FAILED", "INPROGRESS", "FAILED"),
}


@pytest.mark.parametrize(
    ("forge", "most"), [(name, 140 if name == "github" else 255) for name in FORGES]
)
def test_states_and_lengths_are_the_forges(forge: str, most: int) -> None:
    """A description that is too long loses its end."""
    told = []
    for state in forges.STATES:
        said = Said(COMMIT, state, "x" * 400, "n")
        body = forges.telling(FORGES[forge], APIS[forge], "a/b", said, {}).body
        sent = json.loads(body or b"")
        told.append(sent["state"])
        assert sent["description"] == "x" * (most - 1) + "…"

    assert tuple(told) == STATES[forge]


@pytest.mark.parametrize(
    ("forge", "document", "private"),
    [
        ("github", {"private": True, "visibility": "private"}, True),
        ("github", {"private": True, "visibility": "internal"}, True),
        ("github", {"private": True}, True),
        ("github", {"private": False, "visibility": "public"}, False),
        ("github", {"private": True, "visibility": "public"}, False),
        ("github", {"private": "yes"}, False),
        ("github", {}, False),
        ("gitlab", {"visibility": "private"}, True),
        ("gitlab", {"visibility": "internal"}, True),
        ("gitlab", {"visibility": "public"}, False),
        ("gitlab", {"visibility": None}, False),
        ("gitea", {"private": True}, True),
        ("gitea", {"private": False}, False),
        ("gitea", {"private": None}, False),
        ("bitbucket", {"is_private": True}, True),
        ("bitbucket", {"is_private": False}, False),
        ("bitbucket", {"is_private": 1}, False),
        ("bitbucket-server", {"public": False, "project": {"public": False}}, True),
        ("bitbucket-server", {"public": False, "project": {"public": True}}, False),
        ("bitbucket-server", {"public": True, "project": {"public": False}}, False),
        ("bitbucket-server", {"public": False}, False),
        *[(name, odd, False) for name in FORGES for odd in ([], "private", None, 5, [[]])],
    ],
)
def test_only_what_the_forge_calls_private_is_that(
    forge: str, document: Any, private: bool
) -> None:
    """What cannot be read counts as public, and so does every status but 200."""
    body = json.dumps(document).encode()

    assert (forges.visibility(FORGES[forge], 200, body) == "private") is private
    for status in (201, 301, 401, 403, 404, 500):
        assert forges.visibility(FORGES[forge], status, body) == "public"
    for odd in (b"", b"\xff", b"[" * 50_000):
        assert forges.visibility(FORGES[forge], 200, odd) == "public"


@pytest.mark.parametrize(
    ("forge", "username", "authorization"),
    [
        ("github", "", "Bearer t"), ("gitlab", "", "Bearer t"), ("gitea", "", "token t"),
        ("bitbucket", "", "Bearer t"), ("bitbucket-server", "", "Bearer t"),
        ("bitbucket", "me@x.example", "Basic bWVAeC5leGFtcGxlOnQ="),
    ],
)  # fmt: skip
def test_a_token_is_sent_as_the_forge_wants_it(
    forge: str, username: str, authorization: str
) -> None:
    """With a user by HTTP Basic."""
    sent = forges.headers(FORGES[forge], "t", username)

    assert sent["Authorization"] == authorization
    assert ("X-GitHub-Api-Version" in sent) == (forge == "github")


SAME = b'{"message":"Cannot transition status via :enqueue from :pending"}'


@pytest.mark.parametrize(
    ("forge", "state", "status", "body", "told"),
    [
        ("github", "success", 201, b"", True),
        ("bitbucket", "success", 200, b"", True),
        ("bitbucket-server", "success", 204, b"", True),
        ("github", "success", 202, b"", False),
        ("github", "success", 422, b"", False),
        ("gitlab", "pending", 400, SAME, True),
        ("gitlab", "success", 400, SAME, False),
        ("gitlab", "pending", 400, b"{}", False),
        ("gitlab", "pending", 403, SAME, False),
        ("github", "pending", 400, SAME, False),
        ("github", "success", 307, b"", False),
    ],
)
def test_which_answers_say_that_it_is_told(
    forge: str, state: str, status: int, body: bytes, told: bool
) -> None:
    """GitLab cannot make pending what is pending, which is as good."""
    said = Said(COMMIT, state, "x", "n")

    assert forges.is_told(FORGES[forge], said, status, body) is told
