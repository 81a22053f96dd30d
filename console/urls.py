"""Paths of the console. The first one is the API's index for whoever does not ask for a page."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.cache import patch_vary_headers

from console.pages import (
    access,
    configuration,
    configurations,
    events,
    notifications,
    overview,
    requests,
    signin,
    trial,
)
from console.pages.gateways import coming, past
from console.pages.gateways import listing as gateways
from console.pages.repositories import credentials, linking, listing, one
from keeptrusts.api import index

_LINK = "repositories/<uuid:link_id>"
_overview, _index = overview.Overview.as_view(), index.Root.as_view()


def front(request: HttpRequest, **names: Any) -> HttpResponseBase:
    """The overview for a browser, the index of the API for others."""
    is_page = request.method == "POST" or "text/html" in request.headers.get("Accept", "")
    answer = (_overview if is_page else _index)(request, **names)
    patch_vary_headers(answer, ["Accept"])
    return answer


front.view_class = index.Root  # type: ignore[attr-defined]

urlpatterns = [
    path("", front),
    path("sign-in", signin.SignIn.as_view()),
    path("sign-in/oidc", signin.SignInByProvider.as_view()),
    path("sign-in/oidc/callback", signin.Callback.as_view()),
    path("sign-out", signin.SignOut.as_view()),
    path("events", events.Events.as_view()),
    path("events/file", events.EventsFile.as_view()),
    path("notifications", notifications.Notifications.as_view()),
    path("audit", events.Audit.as_view()),
    path("audit/file", events.AuditFile.as_view()),
    path("access", access.Access.as_view()),
    path("requests", requests.Requests.as_view()),
    path("requests/<int:number>", requests.OneRequest.as_view()),
    path("configurations", configurations.Configurations.as_view()),
    path("configurations/<str:configuration_id>", configuration.OneConfiguration.as_view()),
    path("configurations/<str:configuration_id>/policy", configuration.Policy.as_view()),
    path("configurations/<str:configuration_id>/compare", configuration.Compare.as_view()),
    path("configurations/<str:configuration_id>/evidence", past.ConfigurationPast.as_view()),
    path("try", trial.Try.as_view()),
    path("repositories", listing.Repositories.as_view()),
    path("repositories/new", linking.NewRepository.as_view()),
    path("repositories/credentials", credentials.Credentials.as_view()),
    path("repositories/credentials/new", credentials.NewCredential.as_view()),
    path("repositories/credentials/<uuid:credential_id>", credentials.OneCredential.as_view()),
    path(_LINK, one.OneRepository.as_view()),
    path(f"{_LINK}/files", one.Files.as_view()),
    path(f"{_LINK}/syncs", one.Syncs.as_view()),
    path(f"{_LINK}/edit", one.Edit.as_view()),
    path(f"{_LINK}/webhook", one.Webhook.as_view()),
    path("gateways", gateways.Gateways.as_view()),
    # No gateway is called so: the API reserves this id.
    path("gateways/enrol", coming.Enrol.as_view()),
    path("gateways/enrol/<uuid:token_id>", coming.OneEnrolment.as_view()),
    path("gateways/<str:gateway_id>", gateways.OneGateway.as_view()),
    path("gateways/<str:gateway_id>/decisions", gateways.Decisions.as_view()),
    path("gateways/<str:gateway_id>/evidence", past.GatewayPast.as_view()),
    path("gateway-bindings", coming.Bindings.as_view()),
]
