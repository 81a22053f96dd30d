"""Forms of requests to forges' APIs: whether a repository is public, and a commit's status. Pure.

Sources: docs.github.com/en/rest/commits/statuses, docs.gitlab.com/api/commits,
docs.gitea.com/api (repoCreateStatus), developer.atlassian.com/cloud/bitbucket/rest
(commit statuses) and developer.atlassian.com/server/bitbucket (build-status).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from gitrepos.forge.wire import installations

PUBLIC, PRIVATE = "public", "private"
SUCCESS, FAILURE, PENDING, ERROR = "success", "failure", "pending", "error"
STATES = (SUCCESS, FAILURE, PENDING, ERROR)

_TOLD = (200, 201, 204)
_KEY_DIGITS = 28
# A commit's status in GitLab that is pending cannot be made pending anew.
_SAME_STATE = b"cannot transition status"


@dataclass(frozen=True, slots=True)
class APIRequest:
    """A request: a GET, or with `body` a POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of a commit, under a `name`, with a link to more or none."""

    commit: str
    state: str
    description: str
    name: str
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Forge:
    """The forms of one forge.

    `depth` is the number of parts of a repository's path, 0 for two or more. `base_path` ends the
    API's url, and `clone_path` begins that of repositories; what stands before both is where the
    forge lives. `most` is the number of characters of a description. `page` is a commit's in a
    browser, of forges that want one with each status.
    """

    depth: int
    base_path: str
    clone_path: str
    most: int
    states: Mapping[str, str]
    repository: Callable[[str], str]
    status: Callable[[str, str], str]
    body: Callable[[Said], Mapping[str, str]]
    is_public: Callable[[Mapping[str, Any]], object]
    authorization: str = "Bearer"
    page: Callable[[str, str, str], str] | None = None


class NotOfForgeError(ValueError):
    """The url of a link names no repository of the forge."""


def path_of(forge: Forge, api_url: str, url: str) -> str:
    """The path of the repository of a link's url at a forge, without a slash at its ends.

    Raises:
        NotOfForgeError: it has none there.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/").removesuffix(".git")
    lives = urlsplit(api_url).path.removesuffix(forge.base_path).strip("/")
    if parts.scheme in ("https", "http"):
        for begin in filter(None, (lives, forge.clone_path)):
            path = path.removeprefix(f"{begin}/")
    names = path.split("/")
    is_deep = len(names) == forge.depth if forge.depth else len(names) >= 2
    if not is_deep or any(name in ("", ".", "..") for name in names):
        raise NotOfForgeError(
            "The link's url names no repository of this forge, whose urls end in OWNER/REPOSITORY."
        )
    return path


def headers(forge: Forge, token: str, username: str = "") -> Mapping[str, str]:
    """The headers that prove a token; with a user, by HTTP Basic."""
    proof = f"{forge.authorization} {token}"
    if username:
        proof = f"Basic {base64.b64encode(f'{username}:{token}'.encode()).decode()}"
    extra = installations.HEADERS if forge is FORGES["github"] else {}
    return {**extra, "Authorization": proof}


def question(forge: Forge, api_url: str, path: str, proof: Mapping[str, str]) -> APIRequest:
    """The request that asks whether a repository is public."""
    return APIRequest(f"{api_url}{forge.repository(path)}", proof)


def visibility(forge: Forge, status: int, body: bytes) -> str:
    """`private` where the forge says that a repository is not public; all else is `public`."""
    if status != 200:
        return PUBLIC
    try:
        found = json.loads(body)
        return PRIVATE if forge.is_public(found) is False else PUBLIC
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return PUBLIC


def telling(
    forge: Forge, api_url: str, path: str, said: Said, proof: Mapping[str, str]
) -> APIRequest:
    """The request that sets the status of a commit."""
    more_url = said.more_url
    if not more_url and forge.page:
        more_url = forge.page(api_url.removesuffix(forge.base_path), path, said.commit)
    cut = replace(
        said,
        state=forge.states[said.state],
        description=shortened(said.description, forge.most),
        more_url=more_url,
    )
    body = json.dumps({name: value for name, value in forge.body(cut).items() if value})
    typed = {**proof, "Content-Type": "application/json"}
    return APIRequest(f"{api_url}{forge.status(path, said.commit)}", typed, body.encode())


def is_told(forge: Forge, said: Said, status: int, body: bytes) -> bool:
    """True when an answer says that the status is set, or stays as it was."""
    if status in _TOLD:
        return True
    is_same = said.state == PENDING and _SAME_STATE in body[:4000].lower()
    return forge is FORGES["gitlab"] and status == 400 and is_same


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, its end cut off where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _key(said: Said) -> str:
    """A key of at most 40 characters, for a name of any length."""
    return f"keeptrusts-{hashlib.sha256(said.name.encode()).hexdigest()[:_KEY_DIGITS]}"


def _usual(said: Said) -> Mapping[str, str]:
    return {
        "state": said.state, "description": said.description, "context": said.name,
        "target_url": said.more_url,
    }  # fmt: skip


def _of_gitlab(said: Said) -> Mapping[str, str]:
    return {
        "state": said.state, "description": said.description, "name": said.name,
        "target_url": said.more_url,
    }  # fmt: skip


def _built(said: Said) -> Mapping[str, str]:
    return {
        "key": _key(said), "state": said.state, "name": said.name,
        "description": said.description, "url": said.more_url,
    }  # fmt: skip


def _bitbucket_page(_root: str, path: str, commit: str) -> str:
    return f"https://bitbucket.org/{_quoted(path)}/commits/{commit}"


def _bitbucket_server_page(root: str, path: str, commit: str) -> str:
    project, _, name = _quoted(path).partition("/")
    return f"{root}/projects/{project}/repos/{name}/commits/{commit}"


def _github_is_public(found: Mapping[str, Any]) -> object:
    """GitHub's `private` is true of what is internal, too."""
    return found["private"] is not True or found.get("visibility") == "public"


def _gitea_is_public(found: Mapping[str, Any]) -> object:
    return found["private"] is not True


def _gitlab_is_public(found: Mapping[str, Any]) -> object:
    return found["visibility"] not in ("private", "internal")


def _bitbucket_is_public(found: Mapping[str, Any]) -> object:
    return found["is_private"] is not True


def _bitbucket_server_is_public(found: Mapping[str, Any]) -> object:
    return found["public"] is not False or found["project"]["public"] is not False


def _project(path: str) -> str:
    project, _, name = _quoted(path).partition("/")
    return f"/api/1.0/projects/{project}/repos/{name}"


def _quoted(path: str) -> str:
    return "/".join(quote(name, safe="~") for name in path.split("/"))


_AS_THEY_ARE = {state: state for state in STATES}
_BUILDS = {SUCCESS: "SUCCESSFUL", FAILURE: "FAILED", PENDING: "INPROGRESS", ERROR: "FAILED"}

FORGES: Mapping[str, Forge] = {
    "github": Forge(
        2, "/api/v3", "", 140, _AS_THEY_ARE,
        lambda path: f"/repos/{_quoted(path)}",
        lambda path, commit: f"/repos/{_quoted(path)}/statuses/{commit}",
        _usual, _github_is_public,
    ),
    "gitlab": Forge(
        0, "/api/v4", "", 255, {**_AS_THEY_ARE, FAILURE: "failed", ERROR: "failed"},
        lambda path: f"/projects/{quote(path, safe='')}",
        lambda path, commit: f"/projects/{quote(path, safe='')}/statuses/{commit}",
        _of_gitlab, _gitlab_is_public,
    ),
    "gitea": Forge(
        2, "/api/v1", "", 255, _AS_THEY_ARE,
        lambda path: f"/repos/{_quoted(path)}",
        lambda path, commit: f"/repos/{_quoted(path)}/statuses/{commit}",
        _usual, _gitea_is_public, "token",
    ),
    "bitbucket": Forge(
        2, "/2.0", "", 255, _BUILDS,
        lambda path: f"/repositories/{_quoted(path)}",
        lambda path, commit: f"/repositories/{_quoted(path)}/commit/{commit}/statuses/build",
        _built, _bitbucket_is_public, page=_bitbucket_page,
    ),
    "bitbucket-server": Forge(
        2, "/rest", "scm", 255, _BUILDS, _project,
        lambda path, commit: f"/build-status/1.0/commits/{commit}",
        _built, _bitbucket_server_is_public, page=_bitbucket_server_page,
    ),
}  # fmt: skip
"""The forms by forge."""
