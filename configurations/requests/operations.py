"""Operations of requests, as the API's document tells them."""

from configurations.requests.forms import RefusalInput, RequestInput, ShownInput
from configurations.requests.rule import OBJECTIONS
from configurations.requests.shapes import ChangeRequestShape
from keeptrusts.api.fields import Input
from keeptrusts.api.operations import JUDGED, Operation

# Of the changes that requests ask for, as their own endpoints answer.
_OF_CHANGES = (
    "400 policy_invalid", "404 not_found", "409 already_bound", "409 already_linked",
    "409 archived", "409 busy", "409 client_keys_too_large", "409 git_owned", "409 held_changed",
    "409 not_held", "409 not_pinned", "409 pinned", "409 suspended", *JUDGED,
)  # fmt: skip
OBJECTED = tuple(f"403 {code}" for code in OBJECTIONS)
_OVER = "409 request_over"

LIST_REQUESTS = Operation(
    "listRequests",
    "Lists what waits for a second person, or was made without one, newest first.",
    data=list[ChangeRequestShape],
)
ASK = Operation(
    "askForChange",
    "Asks for a change that a second person confirms.",
    body=RequestInput,
    example={
        "kind": "configuration.archive",
        "target": "support-bot",
        "reason": "It is not used any more.",
    },
    data=ChangeRequestShape,
    status=(200, 202),
    errors=(*_OF_CHANGES, "409 not_guarded", "409 too_many"),
    headers=("Location",),
    note="The role must also do what the change is. 202: it waits; 200: the glass was broken.",
)
GET_REQUEST = Operation(
    "getRequest", "Shows a request with what it would change.", data=ChangeRequestShape, cached=True
)
GET_REQUEST_CONTENT = Operation(
    "getRequestContent",
    "The exact bytes that a request would put in force.",
    data=str,
    media=("application/yaml",),
    cached=True,
)
CONFIRM = Operation(
    "confirmRequest",
    "Confirms a request exactly as it was shown, which makes its change.",
    body=ShownInput,
    data=ChangeRequestShape,
    errors=(*_OF_CHANGES, *OBJECTED, "409 not_what_was_shown", _OVER, "409 request_void"),
    note="The role must also do what the change is.",
)
REFUSE = Operation(
    "refuseRequest",
    "Refuses a request.",
    body=RefusalInput,
    example={"reason": "It is used after all."},
    data=ChangeRequestShape,
    errors=("409 glass_is_broken", _OVER),
)
WITHDRAW = Operation(
    "withdrawRequest",
    "Takes back a request of one's own.",
    body=Input,
    data=ChangeRequestShape,
    errors=("403 not_the_asker", "409 glass_is_broken", _OVER),
)
