"""Routes of `gateways`."""

from django.urls import path

from configurations.requests import kinds
from events.views import AuditLog, Events
from evidence.api.views import ConfigurationEvidence, GatewayEvidence
from gateways.api import changes, clientkeys, fleet, logs, machine, reading, streams
from gateways.feed import views

kinds.register(changes.KINDS)

_ONE = "gateways/<configuration:gateway_id>"
_KEY = "client-keys/<configuration:name>"

urlpatterns = [
    path("gateways", fleet.Gateways.as_view()),
    path("gateways/enrol", machine.Enrol.as_view()),
    path(_ONE, fleet.OneGateway.as_view()),
    path(f"{_ONE}/rotate-token", fleet.RotateToken.as_view()),
    path(f"{_ONE}/reissue", fleet.Reissue.as_view()),
    path(f"{_ONE}/release", fleet.ReleaseId.as_view()),
    path(f"{_ONE}/configuration", machine.Configuration.as_view()),
    path(f"{_ONE}/events", streams.GatewayEvents.as_view()),
    path(f"{_ONE}/contents/<str:content_hash>", streams.GatewayContent.as_view()),
    path(f"{_ONE}/client-keys", machine.OwnClientKeys.as_view()),
    path(f"{_ONE}/report", machine.Report.as_view()),
    path(f"{_ONE}/decisions", machine.DecisionIntake.as_view()),
    path(f"{_ONE}/evidence", GatewayEvidence.as_view()),
    path("stream", views.ChangeFeed.as_view()),
    path("drift", reading.Drift.as_view()),
    path("rollouts", reading.Rollouts.as_view()),
    path("decisions", reading.Decisions.as_view()),
    path("decisions/rates", reading.DecisionRates.as_view()),
    path("configurations/<configuration:configuration_id>/rollout", reading.Rollout.as_view()),
    path(
        "configurations/<configuration:configuration_id>/evidence", ConfigurationEvidence.as_view()
    ),
    # Here, where all is known that decides what of them is seen.
    path("events", Events.as_view(part=logs.events)),
    path("audit-log", AuditLog.as_view(part=logs.entries)),
    path("enrolment-tokens", fleet.EnrolmentTokens.as_view()),
    path("enrolment-tokens/<uuid:token_id>", fleet.OneEnrolmentToken.as_view()),
    path("client-keys", clientkeys.ClientKeys.as_view()),
    path(_KEY, clientkeys.OneClientKey.as_view()),
    path(f"{_KEY}/rotate", clientkeys.RotateClientKey.as_view()),
    path(f"{_KEY}/previous", clientkeys.PreviousClientKey.as_view()),
    path("gateway-bindings", fleet.Bindings.as_view()),
    path("gateway-bindings/<uuid:binding_id>", fleet.OneBinding.as_view()),
]
