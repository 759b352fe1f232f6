"""The portal's pages, at the root of the site: the rooms' own, one after another."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from paas.portal.account import urls as account
from paas.portal.apps import urls as apps
from paas.portal.names import urls as names
from paas.portal.operations import urls as operations
from paas.portal.organizations import urls as organizations
from paas.portal.releases import urls as releases
from paas.portal.reviews import urls as reviews

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="portal:apps"), name="home"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    *account.urlpatterns,
    *apps.urlpatterns,
    *releases.urlpatterns,
    *operations.urlpatterns,
    *names.urlpatterns,
    *organizations.urlpatterns,
    *reviews.urlpatterns,
]
