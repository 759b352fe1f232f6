"""Paths of releases under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.releases.api import readings, views

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/environments/<str:env>/rollback/", views.RollbackView.as_view()),
    path("releases/<int:release>/diff/", readings.ReleaseDiffView.as_view()),
    path("releases/<int:release>/diff/file/", readings.ReleaseFileDiffView.as_view()),
    path("releases/<int:release>/files/", readings.ReleaseTreeView.as_view()),
    path("releases/<int:release>/files/content/", readings.ReleaseFileView.as_view()),
    path("releases/<int:release>/archive/", readings.ReleaseArchiveView.as_view()),
]
