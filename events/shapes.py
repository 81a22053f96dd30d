"""Shapes of events and of the audit log."""

from typing import Annotated, Any

from events.audit import ACTIONS
from events.models import Event
from keeptrusts.api.shapes import Positive, Shape, Time, about, one_of

_Number = Annotated[Positive, about("Grows; null for a narrowed credential.")] | None


class EventShape(Shape):
    """Something that happened."""

    id: _Number
    kind: Annotated[str, one_of(Event.Kind.values)]
    git_repo: Annotated[str, about("The id of a link, empty where it is about none.")]
    configuration: Annotated[str, about("An id, empty where it is about none.")]
    message: str
    details: Annotated[dict[str, Any], about("By kind.")]
    created_at: Time


class ActorShape(Shape):
    """Who did something. `id` is empty for a command and for the control plane itself."""

    kind: str
    id: str
    name: str


class AuditEntryShape(Shape):
    """A change that somebody made, with the fields that differ and never a secret."""

    id: _Number
    at: Time
    actor: ActorShape
    action: Annotated[str, one_of(ACTIONS)]
    target: Annotated[str, about("The id of what was changed.")]
    before: Annotated[dict[str, Any], about("Null for what was made.")] | None
    after: Annotated[dict[str, Any], about("Null for what was removed.")] | None
    trace_id: Annotated[str, about("Of the push or request that led to it; in logs, too.")]
