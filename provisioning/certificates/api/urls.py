"""Paths of certificates under /api/v1/."""

from django.urls import URLPattern, path

from provisioning.certificates.api.views import CertificateListView

urlpatterns: list[URLPattern] = [
    path("certificates/", CertificateListView.as_view()),
]
