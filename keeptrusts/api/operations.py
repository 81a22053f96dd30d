"""Operations as the API's document tells them: what a method of an endpoint takes and answers.

Views declare them beside their handlers, and `openapi` makes the document from that and from what
else a view declares: its query, its actions, how it answers narrowed credentials.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of an endpoint.

    `id` is its name in generated clients, and never changes. `does` says in a line what it does,
    `note` what else is to be known. `body` is the serializer of its body, `example` a body that
    works. Of its answer, `data` is the type of what stands under `data`, None for an answer without
    a body, several in a tuple; `beside` has the types of the members beside that, `sometimes` of
    those that are not always there, `status` its statuses. An answer that
    is no JSON has the media type `media`. `errors` are the codes of its own, each behind its
    status, as "409 id_taken"; what comes of the credential, the query, the body and the servers
    goes without saying. `cached` says that it answers `If-None-Match`; `headers` are those of the
    answer besides. `whole` has the types of whole bodies by status: JSON without `data`.
    """

    id: str
    does: str
    data: Any = None
    body: Any = None
    example: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    sometimes: Mapping[str, Any] = field(default_factory=dict)
    status: tuple[int, ...] = (200,)
    media: tuple[str, ...] = (JSON,)
    errors: tuple[str, ...] = ()
    note: str = ""
    cached: bool = False
    headers: tuple[str, ...] = ()
    whole: Mapping[int, Any] = field(default_factory=dict)


# Of what waits for a judge, and of what is found only with a second person.
JUDGED = ("429 busy", "503 busy")
SECOND_PERSON = "409 second_person_needed"
