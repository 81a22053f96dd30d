"""Routes of `events`."""

from django.urls import path

from events import views

urlpatterns = [
    path("events", views.Events.as_view()),
    path("audit-log", views.AuditLog.as_view()),
]
