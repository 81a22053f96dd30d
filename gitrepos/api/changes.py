"""Changes of links and pins, as bodies of the API ask for them: checked first, then written."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings

from configurations import changes
from configurations.requests.kinds import Caller, Kind
from gitrepos.api.link_serializers import Asked, Confirmation
from gitrepos.links import four_eyes, links
from keeptrusts.api.errors import FieldError, NotFoundError
from keeptrusts.api.fields import Input, valid

_SECRETS = ("access_token", "webhook_secret")


def fields(form: type[Asked], body: Any) -> tuple[dict[str, Any], list[str]]:
    """The checked body of a link, and notices of what was changed in it."""
    given, notices = valid(form, body), []
    floor = settings.ENV.min_poll_interval_seconds
    asked = given.get("poll_interval_seconds")
    if asked is not None and asked < floor:
        given["poll_interval_seconds"] = floor
        notices.append(
            f"poll_interval_seconds was raised from {asked} to {floor}, the least that"
            " KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS allows here."
        )
    return given, notices


def edit(link_id: UUID, given: dict[str, Any]) -> None:
    """Edit a link by checked fields."""
    links.edit(
        link_id,
        url=given.pop("url", None),
        token=given.pop("access_token", None),
        credential=given.pop("credential", None),
        fields=given,
    )


def _edit(target: str, body: Any, _caller: Caller) -> Callable[[], object]:
    if secret := next((name for name in _SECRETS if name in body), None):
        message = "is a secret, which no request keeps; send it in an edit of its own"
        raise FieldError(f"change.{secret}", message)
    link_id, given = _id(target), fields(Asked, body)[0]
    return lambda: edit(link_id, given)


def _remove(target: str, body: Any, _caller: Caller) -> Callable[[], object]:
    link_id = _id(target)
    valid(Input, body)
    return lambda: links.delete(link_id)


def _confirm(target: str, body: Any, caller: Caller) -> Callable[[], object]:
    link_id, commit = _id(target), valid(Confirmation, body)["commit"]
    return lambda: links.confirm(link_id, commit=commit, actor=caller.name)


def _unpin(target: str, body: Any, caller: Caller) -> Callable[[], object]:
    valid(Input, body)
    return lambda: links.release_pin(target, actor=caller.name)


def _id(target: str) -> UUID:
    try:
        return UUID(target)
    except ValueError as exc:
        raise NotFoundError("git repo with this id") from exc


KINDS = {
    four_eyes.CONFIRM: Kind("links.confirm", _confirm, four_eyes.held_standings),
    four_eyes.EDIT: Kind("links.edit", _edit, four_eyes.standings),
    four_eyes.REMOVE: Kind("links.edit", _remove, four_eyes.standings),
    # A release wakes the link that feeds the configuration.
    "configuration.unpin": Kind("configurations.pin", _unpin, changes.standings),
}
