"""Routes of `gateways`."""

from django.urls import path

from gateways import machine, views

_ONE = "gateways/<configuration:gateway_id>"

urlpatterns = [
    path("gateways", views.Gateways.as_view()),
    path("gateways/enrol", machine.Enrol.as_view()),
    path(_ONE, views.OneGateway.as_view()),
    path(f"{_ONE}/rotate-token", views.RotateToken.as_view()),
    path(f"{_ONE}/configuration", machine.Configuration.as_view()),
    path("enrolment-tokens", views.EnrolmentTokens.as_view()),
    path("enrolment-tokens/<uuid:token_id>", views.OneEnrolmentToken.as_view()),
    path("gateway-bindings", views.Bindings.as_view()),
    path("gateway-bindings/<uuid:binding_id>", views.OneBinding.as_view()),
]
