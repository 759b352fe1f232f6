"""Paths of inventory under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.inventory.api.views import HostListView

urlpatterns: list[URLPattern] = [
    path("hosts/", HostListView.as_view()),
]
