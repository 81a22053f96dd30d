"""The routes of `gitrepos`."""

from django.urls import path

from configurations.requests import kinds
from gitrepos.api import changes, credentials, links

kinds.register(changes.KINDS)

urlpatterns = [
    path("git-credentials", credentials.GitCredentials.as_view()),
    path("git-credentials/<uuid:credential_id>", credentials.OneGitCredential.as_view()),
    path("git-repos", links.GitRepos.as_view()),
    path("git-repos/test", links.Test.as_view()),
    path("git-repos/summary", links.Summary.as_view()),
    path("git-repos/<uuid:link_id>", links.OneGitRepo.as_view()),
    # Here and not with the other routes of a configuration: a release wakes the link that feeds it.
    path("configurations/<configuration:configuration_id>/pin", links.Pin.as_view()),
    path("git-repos/<uuid:link_id>/sync", links.Sync.as_view()),
    path("git-repos/<uuid:link_id>/webhook", links.Webhook.as_view()),
    path("git-repos/<uuid:link_id>/confirm", links.Confirm.as_view()),
    path("git-repos/<uuid:link_id>/syncs", links.Syncs.as_view()),
    path("git-repos/<uuid:link_id>/files", links.Files.as_view()),
]
