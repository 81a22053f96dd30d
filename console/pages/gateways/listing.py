"""Gateways: what each enforces and should enforce, since when, and whether it is there."""

from typing import Any, ClassVar

from console import inside, paging
from console.pages import eyes
from console.pages.base import Context, Page
from console.pages.gateways import acts, standing

STATES = ("drifted", "offline", "stale", "rolling_out", "orphaned", "quarantined", "overridden",
          "in_sync")  # fmt: skip
VERDICTS = ("block", "escalate", "redact", "allow")
_FILTERS = ("state", "labels", "configuration", "configuration_state", "gateway")


class Gateways(Page):
    """The list, by the one call that compares git, control plane and gateways."""

    template = "console/gateways/list.html"
    acts: ClassVar = {"delete": acts.DELETE, "release": acts.RELEASE}

    def read(self, **_: Any) -> Context:
        # By a configuration everything about it is asked for, also that no gateway enforces it.
        has_gateway = "" if self.request.GET.get("configuration") else "true"
        listed = paging.rows(
            self.api, "/v1/drift", self.request.GET, known=_FILTERS, has_gateway=has_gateway
        )
        rows = [standing.helped(row) for row in listed.rows]
        counts = [(one, listed.summary[one]) for one in STATES if listed.summary.get(one)]
        return {"list": listed, "rows": rows, "states": STATES, "counts": counts,
                "gone": self.request.GET.get("gone", "")}  # fmt: skip


class OneGateway(Page):
    """A gateway as it stands, and what may be done with it."""

    template = "console/gateways/one.html"
    acts: ClassVar = {
        "edit": acts.EDIT, "bind": acts.BIND, "rotate": acts.ROTATE, "reissue": acts.REISSUE,
        "delete": acts.DELETE, **eyes.ACTS,
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        gateway_id = names["gateway_id"]
        answer = self.api.answer(inside.path("/v1/gateways/{gateway_id}", **names))
        drift = self.api.get("/v1/drift", gateway=gateway_id)
        keys = self.api.get("/v1/client-keys", gateway=gateway_id, revoked="false", limit=50)
        return {
            "row": answer.body["data"], "etag": answer.etag, "keys": keys,
            "drift": standing.helped(drift[0]) if drift else None,
            "here": f"/gateways/{gateway_id}", "waiting": eyes.waiting(self.api, target=gateway_id),
            "known": known(self.api) if self.api.bearer.may("gateways.bind") else [],
        }  # fmt: skip


class Decisions(Page):
    """What a gateway decided, and never a text."""

    template = "console/gateways/decisions.html"

    def read(self, **names: Any) -> Context:
        gateway_id = names["gateway_id"]
        row = self.api.get(inside.path("/v1/gateways/{gateway_id}", **names))
        known = ("verdict", "policy", "configuration", "since", "until")
        listed = paging.rows(
            self.api, "/v1/decisions", self.request.GET, known=known, gateway=gateway_id
        )
        return {"row": row, "list": listed, "verdicts": VERDICTS,
                "here": f"/gateways/{gateway_id}"}  # fmt: skip


def known(api: inside.API) -> list[str]:
    """Ids of configurations to choose from; of very many the first."""
    return [row["id"] for row in api.get("/v1/configurations", fields="id", limit=200)]
