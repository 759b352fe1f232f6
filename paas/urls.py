"""Where each room is reached."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []

if settings.EMBEDDED_FORGE:
    urlpatterns.append(path("forge/", include("provisioning.forge.embedded.urls")))
