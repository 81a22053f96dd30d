"""Routes of the document."""

from django.urls import path

from openapi import views

urlpatterns = [
    path("openapi.json", views.Document.as_view()),
    path("docs", views.Page.as_view()),
    path("docs/<str:name>", views.PageFile.as_view()),
]
