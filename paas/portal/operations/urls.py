"""Pages of operations."""

from django.urls import URLPattern, path

from paas.portal.operations.views import deployment_list, deployment_page, deployment_progress, log_page, timeline

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/deployments/", deployment_list, name="app-deployments"),
    path("apps/<str:app>/timeline/", timeline, name="app-timeline"),
    path("apps/<str:app>/environments/<str:env>/logs/", log_page, name="logs"),
    path("deployments/<int:deployment>/", deployment_page, name="deployment"),
    path("deployments/<int:deployment>/progress/", deployment_progress, name="deployment-progress"),
]
