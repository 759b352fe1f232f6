"""Paths under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.dns.api.views import zones_urls
from provisioning.logs.api.views import logs_urls
from provisioning.releases.api import readings, views

urlpatterns: list[URLPattern] = [
    path("me/git-token/", views.GitTokenView.as_view()),
    path("me/git-token/<int:git_token>/", views.OneGitTokenView.as_view()),
    path("apps/<str:app>/deployments/", views.DeploymentListView.as_view()),
    path("apps/<str:app>/environments/<str:env>/rollback/", views.RollbackView.as_view()),
    path("deployments/<int:deployment>/", views.DeploymentView.as_view()),
    path("releases/<int:release>/diff/", readings.ReleaseDiffView.as_view()),
    path("releases/<int:release>/diff/file/", readings.ReleaseFileDiffView.as_view()),
    path("releases/<int:release>/files/", readings.ReleaseTreeView.as_view()),
    path("releases/<int:release>/files/content/", readings.ReleaseFileView.as_view()),
    path("releases/<int:release>/archive/", readings.ReleaseArchiveView.as_view()),
    path("certificates/", views.CertificateListView.as_view()),
    path("hosts/", views.HostListView.as_view()),
    *logs_urls,
    *zones_urls,
]
