"""Paths of operations under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.operations.api.views import DeploymentListView, DeploymentView

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/deployments/", DeploymentListView.as_view()),
    path("deployments/<int:deployment>/", DeploymentView.as_view()),
]
