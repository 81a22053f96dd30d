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
    """Finds the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get"), {}))
        elif tag in ("input", "textarea", "select", "button") and given.get("name") and self.found:
            is_off = given.get("type") in ("checkbox", "radio") and "checked" not in given
            if not is_off:
                self.found[-1].fields[given["name"]] = given.get("value", "")


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

    def form_token(self) -> str:
        """What the forms of this session send."""
        reader = Forms()
        reader.feed(self.get("/configurations").content.decode())
        return next(one.fields["form_token"] for one in reader.found if one.action == "/sign-out")

    def forms(self, path: str, act: str) -> list[Form]:
        """The forms of a page that do something."""
        reader = Forms()
        reader.feed(self.get(path).content.decode())
        return [one for one in reader.found if one.fields.get("act") == act]

    def send(self, path: str, act: str, **filled: str) -> Any:
        """Fill in the first form of a page that does something, and send it."""
        form = self.forms(path, act)[0]
        return self.post(path, {**form.fields, **filled})

    def post(self, path: str, fields: dict[str, str], origin: str = "http://localhost") -> Any:
        """Send fields as a form of a page of an origin."""
        return self.client.post(path, fields, headers={"Origin": origin, "Accept": "text/html"})
