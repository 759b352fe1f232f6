"""Paths under /api/v1/: the rooms' own, one after another."""

from django.urls import URLPattern

from provisioning.certificates.api import urls as certificates
from provisioning.dns.api import urls as dns
from provisioning.inventory.api import urls as inventory
from provisioning.logs.api import urls as logs
from provisioning.operations.api import urls as operations
from provisioning.releases.api import urls as releases
from provisioning.repositories.api import urls as repositories

urlpatterns: list[URLPattern] = [
    *repositories.urlpatterns,
    *operations.urlpatterns,
    *releases.urlpatterns,
    *certificates.urlpatterns,
    *inventory.urlpatterns,
    *logs.urlpatterns,
    *dns.urlpatterns,
]
