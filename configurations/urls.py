"""Routes of `configurations`."""

from django.urls import path, register_converter

from configurations import changes, views
from configurations.checks import ID
from configurations.requests import kinds
from configurations.requests import views as requests


class _Id:
    regex = ID.pattern

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(_Id, "configuration")
kinds.register(changes.KINDS)

urlpatterns = [
    path("requests", requests.Requests.as_view()),
    path("requests/<int:number>", requests.OneRequest.as_view()),
    path("requests/<int:number>/content", requests.RequestedContent.as_view()),
    path("requests/<int:number>/confirm", requests.ConfirmRequest.as_view()),
    path("requests/<int:number>/refuse", requests.RefuseRequest.as_view()),
    path("requests/<int:number>/withdraw", requests.WithdrawRequest.as_view()),
    path("configurations", views.Configurations.as_view()),
    path(
        "configurations/validate",
        views.Validate.as_view(),
        kwargs={"configuration_id": "validate"},
    ),
    path("configurations/try", views.Try.as_view(), kwargs={"configuration_id": "try"}),
    path("configurations/<configuration:configuration_id>", views.OneConfiguration.as_view()),
    path("configurations/<configuration:configuration_id>/rollback", views.Rollback.as_view()),
    path("configurations/<configuration:configuration_id>/diff", views.Diff.as_view()),
    path(
        "configurations/<configuration:configuration_id>/explanation", views.Explanation.as_view()
    ),
    path("configurations/<configuration:configuration_id>/content", views.Content.as_view()),
    path("configurations/<configuration:configuration_id>/versions", views.Versions.as_view()),
    path(
        "configurations/<configuration:configuration_id>/versions/<int:number>",
        views.OneVersion.as_view(),
    ),
    path(
        "configurations/<configuration:configuration_id>/versions/<int:number>/content",
        views.VersionContent.as_view(),
    ),
]
