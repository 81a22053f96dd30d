"""Shapes of answers about requests."""

from typing import Annotated, Any

from configurations.requests.queries import STATES
from keeptrusts.api.shapes import MISSING, Missing, Positive, Shape, Time, about, one_of


class RequesterShape(Shape):
    """Who asked for a change, or decided about it."""

    kind: str
    id: str
    name: str


class ChangeRequestShape(Shape):
    """A change that waits for a second person, or was made without one."""

    id: Positive
    kind: str
    target: Annotated[str, about("The id of what it changes.")]
    state: Annotated[str, one_of(STATES)]
    break_glass: Annotated[bool, about("An admin made the change alone.")]
    reason: str
    shows: Annotated[dict[str, str], about("What a confirmation names, exactly.")]
    details: Annotated[dict[str, Any], about("What else a person looks at.")]
    asker: RequesterShape
    created_at: Time
    expires_at: Time | None
    decided_by: RequesterShape | None
    decided_at: Time | None
    change: (
        Annotated[dict[str, Any], about("The body that was asked for, but for its content.")]
        | Missing
    ) = MISSING
