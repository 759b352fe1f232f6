"""The releases of an app."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from paas.portal.pages import find_app, page, page_of
from tenants import access
from tenants.access import rows
from tenants.apps.models.plugin_app import PluginApp
from tenants.releases.models.release import Release


@page()
def release_list(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    shown = page_of(request, releases_of(request, row))
    return render(request, "portal/releases.html", {"app": row, "page": shown, "releases": shown.object_list})


def releases_of(request: HttpRequest, app: PluginApp) -> QuerySet[Release]:
    queryset = rows.releases().filter(app=app).defer("variables")
    return access.restrict(queryset, request.user, "release.view")
