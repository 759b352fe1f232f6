"""Paths of apps under /api/v1/."""

from django.urls import URLPattern, path

from tenants.apps.api import apps, environments

urlpatterns: list[URLPattern] = [
    path("apps/", apps.AppListView.as_view()),
    path("apps/<str:app>/", apps.AppView.as_view()),
    path("apps/<str:app>/environments/<str:env>/", environments.EnvironmentView.as_view()),
    path("apps/<str:app>/environments/<str:env>/fallback/", environments.FallbackView.as_view()),
    path("apps/<str:app>/environments/<str:env>/variables/<str:name>/", environments.VariableView.as_view()),
]
