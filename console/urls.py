"""Paths of the console. The first one is the API's index for whoever does not ask for a page."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.cache import patch_vary_headers

from console.pages import configuration, configurations, overview, signin, trial
from keeptrusts.api import index

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
    path("sign-out", signin.SignOut.as_view()),
    path("configurations", configurations.Configurations.as_view()),
    path("configurations/<str:configuration_id>", configuration.OneConfiguration.as_view()),
    path("configurations/<str:configuration_id>/policy", configuration.Policy.as_view()),
    path("configurations/<str:configuration_id>/compare", configuration.Compare.as_view()),
    path("try", trial.Try.as_view()),
]
