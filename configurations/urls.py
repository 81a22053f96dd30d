"""Routes of `configurations`."""

from django.urls import path

from configurations import views

urlpatterns = [
    path("configurations", views.Configurations.as_view()),
    path("configurations/<str:configuration_id>", views.OneConfiguration.as_view()),
    path("configurations/<str:configuration_id>/content", views.Content.as_view()),
    path("configurations/<str:configuration_id>/versions", views.Versions.as_view()),
    path("configurations/<str:configuration_id>/versions/<int:number>", views.OneVersion.as_view()),
    path(
        "configurations/<str:configuration_id>/versions/<int:number>/content",
        views.Content.as_view(),
    ),
]
