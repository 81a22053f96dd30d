"""Operations of events and the audit log, as the API's document tells them."""

from events.shapes import AuditEntryShape, EventShape
from keeptrusts.api.operations import JSON, Operation

LIST_EVENTS = Operation("listEvents", "Lists what happened, newest first.", data=list[EventShape])
LIST_AUDIT_ENTRIES = Operation(
    "listAuditEntries",
    "Lists who changed what, newest first.",
    data=list[AuditEntryShape],
    media=(JSON, "application/x-ndjson"),
    note="With `lines` each entry is a line of JSON, and a header has the next cursor.",
    headers=("Keeptrusts-Next-Cursor",),
)
