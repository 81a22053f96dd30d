"""Try it: what versions, or an edited policy, decide about a text, which is kept nowhere."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, QueryDict

from console import inside
from console.inside import RefusedError
from console.pages.base import Act, Context, Page, check_form, wrong
from console.pages.reading import whole

_TRY = "/v1/configurations/try"
_ROLE = "X-Role"
_FORM = (
    "text",
    "said_by",
    "model",
    "role",
    "headers",
    "configuration",
    "version",
    "other",
    "content",
)


class Try(Page):
    """The page of trials. A link to it may name a configuration, a version, and `edit`."""

    template = "console/try.html"
    acts: ClassVar = {"try": Act("POST", _TRY, "")}

    def read(self, **_: Any) -> Context:
        asked = self.request.GET
        given = {name: asked.get(name, "") for name in ("configuration", "version", "said_by")}
        if asked.get("edit") and given["configuration"]:
            given["content"] = self._content(given["configuration"], given["version"])
        return {"given": given}

    def _act(self, request: HttpRequest, names: Mapping[str, Any]) -> HttpResponse:
        """Try the text of a form. The answer is the page: a text must not stand in an address."""
        check_form(request)
        given = {name: request.POST.get(name, "") for name in _FORM}
        try:
            common, policies = _call(request.POST), list(_policies(given))
        except ValueError as exc:
            return self.shown({"given": given, "refused": {"message": str(exc)}}, status=400)
        if request.POST.get("edit") and given["configuration"]:
            given["content"] = self._content(given["configuration"], given["version"])
            return self.shown({"given": given})
        results = [self._tried(title, {**common, **policy}) for title, policy in policies]
        if not results:
            message = "Name a configuration, or write a policy."
            return self.shown({"given": given, "refused": {"message": message}}, status=400)
        case = next((_case(common, one["found"]) for one in results if "found" in one), "")
        return self.shown({"given": given, "results": results, "case": case})

    def _tried(self, title: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return {"title": title, "found": self.api.send("POST", _TRY, body).body["data"]}
        except RefusedError as exc:
            if exc.status in (401, 403):
                raise
            return {"title": title, "refused": exc.error}

    def _content(self, configuration: str, version: str) -> str:
        try:
            number = f"/versions/{_number(version)}" if version else ""
        except ValueError as exc:
            raise wrong("version", str(exc)) from exc
        path = inside.path("/v1/configurations/{configuration}", configuration=configuration)
        return self.api.text(f"{path}{number}/content")


def _call(given: QueryDict) -> dict[str, Any]:
    """What the trials of a form have in common: the text and the call that it stands in.

    Raises:
        ValueError: a line of the headers is none.
    """
    headers = dict(_headers(given.get("headers", "")))
    if role := given.get("role", "").strip():
        headers[_ROLE] = role
    text = given.get("text", "").replace("\r\n", "\n")
    said_by = given.get("said_by") or "user"
    return {"text": text, "said_by": said_by, "model": given.get("model", "").strip(),
            "headers": headers}  # fmt: skip


def _headers(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"{line[:100]!r} is no header; write Name: value, one a line.")
        yield name.strip(), value.strip()


def _policies(given: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The policies to try with, each with its title: up to two versions, and one that is edited.

    Raises:
        ValueError: a version is no number.
    """
    name, content = given["configuration"].strip(), given["content"]
    if name:
        for version in dict.fromkeys((given["version"].strip(), given["other"].strip())):
            if version or version == given["version"].strip():
                title = f"{name}, version {version}" if version else f"{name}, in force"
                number = {"version": _number(version)} if version else {}
                yield title, {"configuration": name, **number}
    if content.strip():
        yield "The policy below", {"content": content.replace("\r\n", "\n")}


def _number(version: str) -> int:
    """The number of a version.

    Raises:
        ValueError: it is none; in the place of another one it would be tried without a word.
    """
    try:
        number = whole(version)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError("A version is a whole number, from 1 on.")
    return number


def _case(call: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """A case for `testing.suites` that expects what was decided; texts in JSON, which is YAML."""
    is_answer = call["said_by"] == "model"
    spoken = "Hello" if is_answer else call["text"]
    given: dict[str, Any] = {"messages": [{"role": "user", "content": spoken}]}
    if call["headers"]:
        given["headers"] = call["headers"]
    if call["model"]:
        given["model"] = call["model"]
    if is_answer:
        given["upstream_response"] = call["text"]
    what = "an answer" if is_answer else "a prompt"
    expected = {"verdict": found["verdict"], "reason_code": found["reason_code"]}
    return (
        "testing:\n  suites:\n    - name: tried\n      cases:\n"
        f"        - name: {what} with the verdict {found['verdict']}\n"
        f"          input: {json.dumps(given, ensure_ascii=True)}\n"
        f"          expected: {json.dumps(expected)}\n"
    )
