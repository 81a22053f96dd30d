"""Shared credentials for git: whose they are for and until when, and never a secret of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from console import inside, paging
from console.pages.base import Act, Context, Page, Reads
from console.pages.reading import lines, moment

_KINDS = ("token", "basic", "ssh", "tls", "app")
_LIST = "/repositories/credentials"
_FIELDS: Mapping[str, Reads] = {
    "name": str, "hosts": lines, "username": str, "authorization": str, "token": str,
    "password": str, "private_key": str, "passphrase": str, "known_hosts": str,
    "client_certificate": str, "client_key": str, "api_url": str, "app_id": str,
    "installation_id": str, "expires_at": moment,
}  # fmt: skip
_MAKE = Act(
    "POST", "/v1/git-credentials", "The credential is kept.", {"kind": str, **_FIELDS},
    leads_to=_LIST,
)  # fmt: skip
_DELETE = Act(
    "DELETE", "/v1/git-credentials/{credential_id}", "The credential is deleted.", leads_to=_LIST
)


class Credentials(Page):
    """The list of shared credentials."""

    template = "console/repositories/credentials.html"
    acts: ClassVar = {"make": _MAKE, "delete": _DELETE}

    def read(self, **_: Any) -> Context:
        listed = paging.rows(self.api, "/v1/git-credentials", self.request.GET, known=("kind",))
        return {"list": listed, "kinds": _KINDS}


class NewCredential(Page):
    """The form of a new one, of the kind that the URL names."""

    template = "console/repositories/new_credential.html"
    acts: ClassVar = {"make": _MAKE}

    def read(self, **_: Any) -> Context:
        asked = self.request.POST.get("kind") or self.request.GET.get("kind", "")
        return {"kind": asked if asked in _KINDS else _KINDS[0], "kinds": _KINDS}


class OneCredential(Page):
    """One: what is known of it, and a form that changes it."""

    template = "console/repositories/credential.html"
    acts: ClassVar = {
        "edit": Act(
            "PATCH", "/v1/git-credentials/{credential_id}",
            "The credential is changed: each link that uses it is looked at anew.", _FIELDS,
            {"expires_at": None, "username": ""},
        ),
        "delete": _DELETE,
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        answer = self.api.answer(inside.path("/v1/git-credentials/{credential_id}", **names))
        row = answer.body["data"]
        used = self.api.get(
            "/v1/git-repos", credential=row["name"], limit=20, fields="id,url,status"
        )
        return {"row": row, "etag": answer.etag, "used_by": used}
