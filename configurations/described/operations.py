"""Operations of configurations, as the API's document tells them."""

from configurations.described.shapes import (
    ConfigurationShape,
    DiffShape,
    ExplanationShape,
    JudgementShape,
    TrialShape,
    VersionShape,
)
from configurations.serializers import (
    ConfigurationEdit,
    ConfigurationInput,
    PinInput,
    RollbackInput,
    TrialInput,
    ValidationInput,
)
from keeptrusts.api.operations import JUDGED, SECOND_PERSON, Operation

_YAML = ("application/yaml",)
_INVALID = "400 policy_invalid"
_POLICY = (
    "{pack: {id: support-bot, name: Support bot, version: 1.0.0, enabled: true},"
    " policies: {chain: [safety-filter]}}"
)

LIST_CONFIGURATIONS = Operation(
    "listConfigurations",
    "Lists configurations by id.",
    data=list[ConfigurationShape],
    cached=True,
    note="Without `status`: every active one, and an archived one that a gateway is bound to.",
)
CREATE_CONFIGURATION = Operation(
    "createConfiguration",
    "Makes a configuration of a policy's content.",
    body=ConfigurationInput,
    example={"content": _POLICY, "labels": {"team": "support"}, "note": "the first"},
    data=ConfigurationShape,
    status=(201,),
    errors=(_INVALID, "403 narrowed", "409 id_taken", *JUDGED),
)
GET_CONFIGURATION = Operation(
    "getConfiguration", "Shows a configuration.", data=ConfigurationShape, cached=True
)
EDIT_CONFIGURATION = Operation(
    "editConfiguration",
    "Changes a configuration, and its content by a new version; restores an archived one.",
    body=ConfigurationEdit,
    example={"description": "What the support bot may say."},
    data=ConfigurationShape,
    errors=(
        _INVALID, "403 narrowed", "409 archived", "409 git_owned", "409 pinned", SECOND_PERSON,
        *JUDGED,
    ),
)  # fmt: skip
ARCHIVE_CONFIGURATION = Operation(
    "archiveConfiguration",
    "Takes a configuration out of force. Its id stays reserved.",
    data=ConfigurationShape,
    errors=("409 git_owned", "409 pinned", SECOND_PERSON),
)
VALIDATE_CONTENT = Operation(
    "validateContent",
    "Says what lint and a content's own tests say of it, and stores nothing.",
    body=ValidationInput,
    example={"content": _POLICY},
    data=JudgementShape,
    errors=JUDGED,
)
TRY_TEXT = Operation(
    "tryText",
    "Says what a policy decides about a text. Neither is stored, nor logged.",
    body=TrialInput,
    example={"content": _POLICY, "text": "Hello"},
    data=TrialShape,
    errors=(_INVALID, "404 not_found", "409 too_costly", *JUDGED),
    note="A configuration that a narrowed credential does not see is not there for it.",
)
ROLL_BACK = Operation(
    "rollBackConfiguration",
    "Makes the content of an earlier version the next one.",
    body=RollbackInput,
    example={"version": 1},
    data=ConfigurationShape,
    errors=("409 archived", "409 pinned", SECOND_PERSON),
)
DIFF = Operation(
    "diffVersions",
    "Says what one version changes in enforcement since another.",
    data=DiffShape,
    errors=("409 not_comparable", "409 too_costly", *JUDGED),
)
EXPLAIN = Operation(
    "explainVersion",
    "Says in words what a version enforces, and what lint says of it now.",
    data=ExplanationShape,
    errors=("409 too_costly", *JUDGED),
)
GET_CONTENT = Operation(
    "getContent", "The exact bytes in force.", data=str, media=_YAML, cached=True
)
LIST_VERSIONS = Operation(
    "listVersions", "Lists the versions of a configuration, newest first.", data=list[VersionShape]
)
GET_VERSION = Operation(
    "getVersion", "Shows a version without its content.", data=VersionShape, cached=True
)
GET_VERSION_CONTENT = Operation(
    "getVersionContent", "The exact bytes of a version.", data=str, media=_YAML, cached=True
)
PIN = Operation(
    "pinConfiguration",
    "Keeps a version in force whatever git says.",
    body=PinInput,
    example={"reason": "an audit"},
    data=ConfigurationShape,
    errors=("409 archived", SECOND_PERSON),
)
UNPIN = Operation(
    "unpinConfiguration",
    "Releases a pin; the file in git comes into force with the next sync.",
    data=ConfigurationShape,
    errors=("409 not_pinned", SECOND_PERSON),
)
