"""New gateways: one by one, many with an enrolment token, and bound by their labels."""

from typing import Any, ClassVar

from console import cookies, inside, paging
from console.pages import eyes
from console.pages.base import Context, Page
from console.pages.gateways import acts
from console.pages.gateways.listing import known

_SHOWN = 200


class Enrol(Page):
    """Forms for one gateway and for many, and the enrolment tokens that there are."""

    template = "console/gateways/enrol.html"
    acts: ClassVar = {"register": acts.REGISTER, "enrol": acts.ENROL}

    def read(self, **_: Any) -> Context:
        listed = None
        if self.api.may("GET", "/v1/enrolment-tokens"):
            listed = paging.rows(
                self.api, "/v1/enrolment-tokens", self.request.GET, known=("revoked",)
            )
        return {"list": listed, "known": known(self.api), "api_url": cookies.origin(self.request)}


class OneEnrolment(Page):
    """An enrolment token, and the gateways that came with it."""

    template = "console/gateways/enrolment.html"
    acts: ClassVar = {"revoke": acts.REVOKE, "revoke_all": acts.REVOKE_ALL}

    def read(self, **names: Any) -> Context:
        answer = self.api.answer(inside.path("/v1/enrolment-tokens/{token_id}", **names))
        row = answer.body["data"]
        listed = paging.rows(
            self.api, "/v1/gateways", self.request.GET, known=(),
            enrolled_by=str(names["token_id"]),
        )  # fmt: skip
        return {"row": row, "etag": answer.etag, "list": listed,
                "states": self._states(row["labels"])}  # fmt: skip

    def _states(self, labels: dict[str, str]) -> dict[str, Any]:
        """How gateways with the token's labels stand, the newest report first, by id."""
        written = ",".join(f"{name}={value}" for name, value in labels.items())
        rows = self.api.get(
            "/v1/drift", labels=written, sort="-last_seen_at", limit=_SHOWN,
            fields="gateway,state,why,last_seen_at",
        )  # fmt: skip
        return {row["gateway"]: row for row in rows if row["gateway"]}


class Bindings(Page):
    """Configurations bound to labels, for every gateway that has them."""

    template = "console/gateways/bindings.html"
    under = "/gateways"
    acts: ClassVar = {
        "bind_labels": acts.BIND_LABELS, "unbind_labels": acts.UNBIND_LABELS, **eyes.ACTS,
    }  # fmt: skip

    def read(self, **_: Any) -> Context:
        listed = paging.rows(
            self.api, "/v1/gateway-bindings", self.request.GET, known=("configuration",)
        )
        kinds = ("gateway_binding.create", "gateway_binding.delete")
        waiting = [one for kind in kinds for one in eyes.waiting(self.api, kind=kind)]
        return {"list": listed, "known": known(self.api), "waiting": waiting}
