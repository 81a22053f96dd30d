"""Routes of `gateways`."""

from django.urls import path

from gateways import machine, reading, views

_ONE = "gateways/<configuration:gateway_id>"

urlpatterns = [
    path("gateways", views.Gateways.as_view()),
    path("gateways/enrol", machine.Enrol.as_view()),
    path(_ONE, views.OneGateway.as_view()),
    path(f"{_ONE}/rotate-token", views.RotateToken.as_view()),
    path(f"{_ONE}/configuration", machine.Configuration.as_view()),
    path(f"{_ONE}/report", machine.Report.as_view()),
    path(f"{_ONE}/decisions", machine.Decisions.as_view()),
    path("drift", reading.Drift.as_view()),
    path("decisions", reading.Decisions.as_view()),
    path("configurations/<configuration:configuration_id>/rollout", reading.Rollout.as_view()),
    path("enrolment-tokens", views.EnrolmentTokens.as_view()),
    path("enrolment-tokens/<uuid:token_id>", views.OneEnrolmentToken.as_view()),
    path("gateway-bindings", views.Bindings.as_view()),
    path("gateway-bindings/<uuid:binding_id>", views.OneBinding.as_view()),
]
