"""Operations of evidence, as the API's document tells them."""

from evidence.api.shapes import EvidenceShape, LogShape
from keeptrusts.api.operations import Operation
from kt.evidence.statements import MEDIA_TYPE

_OCTETS, _TEXT = "application/octet-stream", "text/plain"
_UNSEALED = ("404 not_found", "429 busy")
_NOTE = "`kt evidence verify` verifies it without a network. Busy: the newest is not sealed yet."

GET_LOG = Operation(
    "getEvidenceLog", "Shows the log's public key.", data=LogShape, errors=_UNSEALED
)
GET_CHECKPOINT = Operation(
    "getEvidenceCheckpoint",
    "Shows the newest checkpoint of a tree, with the signatures of witnesses.",
    data=str,
    media=(_TEXT,),
    errors=("404 not_found",),
    note="A signed note, as C2SP's tlog-checkpoint has it.",
)
GET_TILE = Operation(
    "getEvidenceTile",
    "Shows hashes of a tree.",
    data=str,
    media=(_OCTETS,),
    errors=("404 not_found",),
    note="As C2SP's tlog-tiles has it.",
)
GET_ENTRIES = Operation(
    "getEvidenceEntries",
    "Shows leaves of a tree.",
    data=str,
    media=(_OCTETS,),
    errors=("404 not_found",),
    note="As C2SP's tlog-tiles has it, each with its length before it.",
)
GET_GATEWAY_EVIDENCE = Operation(
    "getGatewayEvidence",
    "Proves what a gateway was to enforce, was handed and ran at a time.",
    data=EvidenceShape,
    media=("application/json", MEDIA_TYPE),
    errors=_UNSEALED,
    note=_NOTE,
)
GET_CONFIGURATION_EVIDENCE = Operation(
    "getConfigurationEvidence",
    "Proves what was in force of a configuration at a time, and where it came from.",
    data=EvidenceShape,
    media=("application/json", MEDIA_TYPE),
    errors=_UNSEALED,
    note=_NOTE,
)
