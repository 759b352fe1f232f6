"""Paths of releases under /api/v1/."""

from django.urls import URLPattern, path

from tenants.releases.api import views as releases

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/releases/", releases.AppReleaseListView.as_view()),
    path("releases/", releases.ReleaseListView.as_view()),
    path("releases/<int:release>/", releases.ReleaseView.as_view()),
    path("releases/<int:release>/cancel/", releases.CancelView.as_view()),
]
