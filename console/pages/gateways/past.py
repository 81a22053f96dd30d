"""Pages of what was in force at a time, of a gateway or a configuration, with the file of proof."""

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from console import inside
from console.inside import RefusedError
from console.pages.base import Context, Page, wrong
from kt.evidence import proofs, verdict

# Nothing is known of it at that time, or not yet.
_NO_ANSWER = (404, 429)


class Past(Page):
    """The page of one thing; `?as=file` is the file of evidence.

    `of` is the path of its evidence in the API, `named` the name in the page's path, and `listed`
    the list that it is in.
    """

    template = "console/evidence.html"
    of = ""
    named = ""
    listed = ""

    def read(self, **names: Any) -> Context:
        at = _moment(self.request.GET.get("at", ""))
        context = {"id": names[self.named], "listed": self.listed, "at": at}
        try:
            file = self.api.get(inside.path(self.of, **names), at=f"{at}Z" if at else "")
        except RefusedError as exc:
            if exc.status not in _NO_ANSWER:
                raise
            return {**context, "refusal": exc.error}
        witnesses = [one.key for one in settings.ENV.witnesses]
        found = proofs.read(json.dumps(file).encode(), witnesses=witnesses)
        seen = {name: moment for tree in found.trees for name, moment in tree.seen.items()}
        return {
            **context,
            "file": file,
            "told": verdict.told(found),
            "seen": [
                (name, f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}")
                for name, moment in seen.items()
            ],
        }

    def shown(self, context: Context, *, status: int = 200) -> HttpResponse:
        """The page, or the file."""
        if self.request.GET.get("as") != "file" or "file" not in context:
            return super().shown(context, status=status)
        content = json.dumps({"data": context["file"]})
        response = HttpResponse(content, content_type="application/json", status=status)
        response["Content-Disposition"] = 'attachment; filename="evidence.json"'
        return response


class GatewayPast(Past):
    """What a gateway was to enforce, was handed and ran."""

    of = "/v1/gateways/{gateway_id}/evidence"
    named = "gateway_id"
    listed = "gateways"


class ConfigurationPast(Past):
    """What was in force of a configuration."""

    of = "/v1/configurations/{configuration_id}/evidence"
    named = "configuration_id"
    listed = "configurations"


def _moment(text: str) -> str:
    """A time as a field of a form has it, in UTC.

    Raises:
        RefusedError: it is none.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None).isoformat() if text else ""
    except ValueError as exc:
        raise wrong("at", "must be a time, such as 2026-01-31T12:00") from exc
