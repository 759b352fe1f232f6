"""Paths of logs under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.logs.api import views as logs

urlpatterns: list[URLPattern] = [
    path("apps/<str:app>/environments/<str:env>/logs/", logs.logs, name="logs"),
]
