"""Routes of `notifications`."""

from django.urls import path

from notifications.api import views

_ENDPOINT = "notification-endpoints/<uuid:endpoint_id>"
_NOTIFICATION = "notifications/<uuid:notification_id>"

urlpatterns = [
    path("notification-endpoints", views.Endpoints.as_view()),
    path(_ENDPOINT, views.OneEndpoint.as_view()),
    path(f"{_ENDPOINT}/rotate-secret", views.RotateSecret.as_view()),
    path(f"{_ENDPOINT}/test", views.TestEndpoint.as_view()),
    path(f"{_ENDPOINT}/replay", views.ReplayEndpoint.as_view()),
    path("notifications", views.Notifications.as_view()),
    path(_NOTIFICATION, views.OneNotification.as_view()),
    path(f"{_NOTIFICATION}/replay", views.ReplayNotification.as_view()),
]
