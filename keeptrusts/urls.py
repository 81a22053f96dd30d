"""Every route. No path ends in a slash and none redirects."""

from django.urls import include, path

from keeptrusts import health, scrape

urlpatterns = [
    path("healthz", health.Healthz.as_view()),
    path("readyz", health.Readyz.as_view()),
    path("metrics", scrape.Metrics.as_view()),
    path("v1/", include("access.urls")),
    path("v1/", include("configurations.urls")),
    path("v1/", include("events.urls")),
    path("v1/", include("gitrepos.urls")),
    path("v1/", include("gateways.urls")),
]
handler400 = "keeptrusts.errors.bad_request"
handler404 = "keeptrusts.errors.not_found"
handler500 = "keeptrusts.errors.server_error"
