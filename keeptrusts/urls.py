"""Every route. No path ends in a slash and none redirects."""

from django.urls import include, path

from keeptrusts.api import health, index, metrics_page

urlpatterns = [
    path("v1", index.Index.as_view()),
    path("healthz", health.Healthz.as_view()),
    path("readyz", health.Readyz.as_view()),
    path("metrics", metrics_page.Metrics.as_view()),
    path("v1/", include("access.urls")),
    path("v1/", include("configurations.urls")),
    path("v1/", include("gitrepos.urls")),
    path("v1/", include("gateways.urls")),
    path("v1/", include("notifications.urls")),
    path("v1/", include("commitstatus.urls")),
    path("v1/", include("evidence.urls")),
    path("v1/", include("openapi.urls")),
    path("", include("console.urls")),
]
handler400 = "keeptrusts.api.errors.bad_request"
handler404 = "console.pages.missing.not_found"
handler500 = "console.pages.missing.server_error"
