"""Routes of `gitrepos`."""

from django.urls import path

from gitrepos import credential_views, views

urlpatterns = [
    path("git-credentials", credential_views.GitCredentials.as_view()),
    path("git-credentials/<uuid:credential_id>", credential_views.OneGitCredential.as_view()),
    path("git-repos", views.GitRepos.as_view()),
    path("git-repos/test", views.Test.as_view()),
    path("git-repos/summary", views.Summary.as_view()),
    path("git-repos/<uuid:repo_id>", views.OneGitRepo.as_view()),
    # Here and not with the other routes of a configuration: a release wakes the link that feeds it.
    path("configurations/<configuration:configuration_id>/pin", views.Pin.as_view()),
    path("git-repos/<uuid:repo_id>/sync", views.Sync.as_view()),
    path("git-repos/<uuid:repo_id>/webhook", views.Webhook.as_view()),
    path("git-repos/<uuid:repo_id>/confirm", views.Confirm.as_view()),
    path("git-repos/<uuid:repo_id>/syncs", views.Syncs.as_view()),
    path("git-repos/<uuid:repo_id>/files", views.Files.as_view()),
]
