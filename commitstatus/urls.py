"""The routes of `commitstatus`."""

from django.urls import path

from commitstatus.api import views

urlpatterns = [
    path("forge-credentials", views.ForgeCredentials.as_view()),
    path("forge-credentials/<uuid:forge_credential_id>", views.OneForgeCredential.as_view()),
    path("commit-statuses", views.CommitStatuses.as_view()),
    path("git-repos/<uuid:link_id>/commit-status", views.OneCommitStatus.as_view()),
]
