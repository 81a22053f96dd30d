"""Routes of the log; those of gateways and configurations stand with theirs."""

from django.urls import path

from evidence.api import views

_TREE = "evidence/<int:epoch>"

urlpatterns = [
    path("evidence", views.Log.as_view()),
    path(f"{_TREE}/checkpoint", views.Checkpoint.as_view()),
    path(f"{_TREE}/tile/entries/<path:place>", views.EntryTile.as_view()),
    path(f"{_TREE}/tile/<str:level>/<path:place>", views.HashTile.as_view()),
]
