"""A browser without scripts: it keeps cookies, reads forms and sends them as they stand."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django.test import Client


@dataclass
class Form:
    """A form of a page: where it goes, and its fields with the values that they have."""

    action: str
    method: str
    fields: dict[str, str]


class Forms(HTMLParser):
    """Finds the forms of a page. What a pressed button would send is not among the fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._into = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get"), {}))
        if not self.found:
            return
        fields, name = self.found[-1].fields, given.get("name", "")
        is_off = given.get("type") in ("checkbox", "radio") and "checked" not in given
        if tag == "input" and name and not is_off:
            fields[name] = given.get("value", "")
        elif tag in ("select", "textarea"):
            self._into, self._text = name, ""
        elif tag == "option" and self._into:
            self._text = ""
            if "selected" in given or self._into not in fields:
                fields[self._into] = given.get("value", "\0")

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if not self._into:
            return
        fields = self.found[-1].fields
        if tag == "option" and fields.get(self._into) == "\0":
            fields[self._into] = self._text
        elif tag == "textarea":
            fields[self._into] = self._text.removeprefix("\n")
        if tag in ("select", "textarea"):
            self._into = ""


class Browser:
    """Somebody who looks and fills in forms."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def sign_in(self, token: str, **headers: str) -> Any:
        """Sign in with a token."""
        return self.client.post(
            "/sign-in", {"token": token}, headers={"Origin": "http://localhost", **headers}
        )

    def get(self, path: str, **query: str) -> Any:
        """A page."""
        return self.client.get(path, query, headers={"Accept": "text/html"})

    def shows(self, path: str, **query: str) -> str:
        """The text of a page that there is."""
        answer = self.get(path, **query)
        page: str = answer.content.decode()
        assert answer.status_code == 200, page
        return page

    def form_token(self) -> str:
        """What the forms of this session send."""
        reader = Forms()
        reader.feed(self.get("/configurations").content.decode())
        return next(one.fields["form_token"] for one in reader.found if one.action == "/sign-out")

    def forms(self, path: str, act: str) -> list[Form]:
        """The forms of a page that do something."""
        return self.forms_of(self.get(path), act)

    def forms_of(self, answer: Any, act: str) -> list[Form]:
        """The forms of an answer that do something."""
        reader = Forms()
        reader.feed(answer.content.decode())
        return [one for one in reader.found if one.fields.get("act") == act]

    def send(self, path: str, act: str, /, **filled: str) -> Any:
        """Fill in the first form of a page that does something, and send it."""
        form = self.forms(path, act)[0]
        return self.post(path, {**form.fields, **filled})

    def post(self, path: str, fields: dict[str, str], origin: str = "http://localhost") -> Any:
        """Send fields as a form of a page of an origin."""
        return self.client.post(path, fields, headers={"Origin": origin, "Accept": "text/html"})
