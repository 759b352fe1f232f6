"""Paths under /api/v1/: the rooms' own, one after another."""

from django.urls import URLPattern

from tenants.apps.api import urls as apps
from tenants.audit.api import urls as audit
from tenants.names.api import urls as names
from tenants.organizations.api import urls as organizations
from tenants.people.api import urls as people
from tenants.policies.api import urls as policies
from tenants.releases.api import urls as releases
from tenants.reviews.api import urls as reviews

urlpatterns: list[URLPattern] = [
    *people.urlpatterns,
    *organizations.urlpatterns,
    *apps.urlpatterns,
    *policies.urlpatterns,
    *audit.urlpatterns,
    *names.urlpatterns,
    *releases.urlpatterns,
    *reviews.urlpatterns,
]
