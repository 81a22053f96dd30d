"""Operations of gateways, drift and decisions, as the API's document tells them."""

from gateways.api.serializers import (
    BindingInput,
    EnrolmentInput,
    EnrolmentTokenInput,
    GatewayEdit,
    GatewayInput,
)
from gateways.api.shapes import (
    AcceptedShape,
    BindingShape,
    ClientKeyListShape,
    DecisionRatesShape,
    DecisionShape,
    DriftShape,
    EnrolmentTokenShape,
    GatewayIdShape,
    GatewayShape,
    MadeEnrolmentTokenShape,
    RegisteredGatewayShape,
    ReportedShape,
    RevokedEnrolmentTokenShape,
    RolloutRowShape,
    RolloutShape,
)
from gateways.reports.inputs import DecisionsInput, ReportInput
from keeptrusts.api.fields import Input
from keeptrusts.api.operations import SECOND_PERSON, Operation
from keeptrusts.api.shapes import Count

_YAML = "application/yaml"
TOO_LARGE = "409 client_keys_too_large"
_KEY_AWAY = ("503 signing_key_lost", "503 signing_key_unreadable")
_TAKEN = ("409 id_reserved", "409 id_taken", TOO_LARGE, *_KEY_AWAY)
_SELF = ("410 gateway_deleted", *_KEY_AWAY)
_STATEMENT = (
    "Keeptrusts-Statement", "Keeptrusts-Signature", "Keeptrusts-Key", "Keeptrusts-Key-Chain",
)  # fmt: skip
_NEWS = ("Keeptrusts-Events", "Keeptrusts-Gateway-Url", "Keeptrusts-Client-Keys")

LIST_GATEWAYS = Operation("listGateways", "Lists gateways by id.", data=list[GatewayShape])
REGISTER_GATEWAY = Operation(
    "registerGateway",
    "Registers a gateway. Its token is shown in this answer and never again.",
    body=GatewayInput,
    example={"id": "edge-1", "labels": {"region": "eu"}},
    data=RegisteredGatewayShape,
    status=(201,),
    errors=_TAKEN,
)
GET_GATEWAY = Operation("getGateway", "Shows a gateway.", data=GatewayShape, cached=True)
EDIT_GATEWAY = Operation(
    "editGateway",
    "Changes a gateway, or binds it.",
    body=GatewayEdit,
    example={"configuration": "support-bot"},
    data=GatewayShape,
    errors=(TOO_LARGE, SECOND_PERSON, "403 narrowed"),
    note="All but `configuration` is `gateways.edit`, and an admin's.",
)
DELETE_GATEWAY = Operation(
    "deleteGateway", "Deletes a gateway and revokes its token.", data=GatewayShape
)
RELEASE_GATEWAY_ID = Operation(
    "releaseGatewayId",
    "Lets the id of a deleted gateway be registered again.",
    body=Input,
    data=GatewayIdShape,
    errors=("409 id_taken",),
)
REISSUE = Operation(
    "reissueGateway",
    "Says a gateway's policy and client keys again, above what it has from before a restore.",
    body=Input,
    data=GatewayIdShape,
    errors=("409 gateway_ahead",),
)
ROTATE_GATEWAY_TOKEN = Operation(
    "rotateGatewayToken",
    "Gives a gateway a new token, shown in this answer and never again.",
    body=Input,
    data=RegisteredGatewayShape,
    errors=_KEY_AWAY,
    headers=("Location",),
)
LIST_ENROLMENT_TOKENS = Operation(
    "listEnrolmentTokens", "Lists enrolment tokens.", data=list[EnrolmentTokenShape]
)
CREATE_ENROLMENT_TOKEN = Operation(
    "createEnrolmentToken",
    "Makes a token by which gateways register themselves, shown in this answer and never again.",
    body=EnrolmentTokenInput,
    example={"name": "edge of the EU", "labels": {"region": "eu"}, "max_uses": 100},
    data=MadeEnrolmentTokenShape,
    status=(201,),
)
GET_ENROLMENT_TOKEN = Operation(
    "getEnrolmentToken", "Shows an enrolment token.", data=EnrolmentTokenShape, headers=("ETag",)
)
REVOKE_ENROLMENT_TOKEN = Operation(
    "revokeEnrolmentToken", "Revokes an enrolment token.", data=RevokedEnrolmentTokenShape
)
LIST_BINDINGS = Operation("listGatewayBindings", "Lists selectors.", data=list[BindingShape])
CREATE_BINDING = Operation(
    "createGatewayBinding",
    "Binds the gateways that have all labels of a selector.",
    body=BindingInput,
    example={"configuration": "support-bot", "selector": {"region": "eu"}},
    data=BindingShape,
    status=(201,),
    errors=("409 already_bound", SECOND_PERSON),
)
GET_BINDING = Operation("getGatewayBinding", "Shows a selector.", data=BindingShape, cached=True)
DELETE_BINDING = Operation(
    "deleteGatewayBinding", "Removes a selector.", data=BindingShape, errors=(SECOND_PERSON,)
)
ENROL = Operation(
    "enrolGateway",
    "Registers a gateway by an enrolment token, which says its labels and its configuration.",
    body=EnrolmentInput,
    data=RegisteredGatewayShape,
    status=(201,),
    errors=(*_TAKEN, "409 enrolment_ended", "409 enrolment_used_up", "429 enrolment_paced"),
)
PULL = Operation(
    "pullConfiguration",
    "The exact bytes that the gateway is to enforce, with their signed statement in headers.",
    data=str,
    media=(_YAML,),
    cached=True,
    errors=("404 not_bound", *_SELF),
    headers=(*_STATEMENT, *_NEWS),
)
PULL_CLIENT_KEYS = Operation(
    "pullClientKeys",
    "The gateway's list of client keys, with its signed statement in headers.",
    whole={200: ClientKeyListShape},
    cached=True,
    errors=("404 no_client_keys", *_SELF),
    headers=_STATEMENT,
)
REPORT = Operation(
    "reportGateway",
    "Takes a report of what the gateway runs, and of its health.",
    body=ReportInput,
    data=ReportedShape,
    errors=_SELF,
)
SEND_DECISIONS = Operation(
    "sendDecisions",
    "Takes a batch of decisions; one that comes twice is stored once.",
    body=DecisionsInput,
    data=AcceptedShape,
    status=(202,),
    errors=("429 busy", "429 decision_budget_spent", *_SELF),
)
LIST_DRIFT = Operation(
    "listDrift",
    "Shows git against what is in force, handed out and running, a row for each gateway.",
    data=list[DriftShape],
    beside={"summary": dict[str, Count], "gateways": dict[str, Count]},
)
LIST_DECISIONS = Operation(
    "listDecisions", "Lists decisions of gateways, newest first.", data=list[DecisionShape]
)
GET_DECISION_RATES = Operation(
    "getDecisionRates",
    "Counts decisions by minute and verdict, as far as gateways sent them; the oldest first.",
    data=DecisionRatesShape,
)
LIST_ROLLOUTS = Operation(
    "listRollouts",
    "Lists configurations in force with how many gateways run what they should.",
    data=list[RolloutRowShape],
)
GET_ROLLOUT = Operation(
    "getRollout", "Shows how far the version in force has come.", data=RolloutShape
)
HOLD_STREAM = Operation(
    "holdEventStream",
    "Tells a gateway what it is to enforce, now and at each change, as server-sent events.",
    data=str,
    media=("text/event-stream",),
    errors=_SELF,
)
PULL_BYTES = Operation(
    "pullBytes",
    "The bytes with a hash, of what the gateway is to enforce or of its list of client keys.",
    whole={200: ClientKeyListShape},
    media=(_YAML, "application/json"),
    errors=_SELF,
)
