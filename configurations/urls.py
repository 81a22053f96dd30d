"""Routes of `configurations`."""

from django.urls import path, register_converter

from configurations import views
from configurations.checks import ID


class _Id:
    regex = ID.pattern

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(_Id, "configuration")

urlpatterns = [
    path("configurations", views.Configurations.as_view()),
    path(
        "configurations/validate",
        views.Validate.as_view(),
        kwargs={"configuration_id": "validate"},
    ),
    path("configurations/<configuration:configuration_id>", views.OneConfiguration.as_view()),
    path("configurations/<configuration:configuration_id>/rollback", views.Rollback.as_view()),
    path("configurations/<configuration:configuration_id>/diff", views.Diff.as_view()),
    path("configurations/<configuration:configuration_id>/content", views.Content.as_view()),
    path("configurations/<configuration:configuration_id>/versions", views.Versions.as_view()),
    path(
        "configurations/<configuration:configuration_id>/versions/<int:number>",
        views.OneVersion.as_view(),
    ),
    path(
        "configurations/<configuration:configuration_id>/versions/<int:number>/content",
        views.Content.as_view(),
    ),
]
