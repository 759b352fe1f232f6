"""The list of apps, and a new one."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.forms import AppForm
from paas.portal.pages import page, page_of, person, put_refusal, query_without_page
from paas.portal.presenters import edge_urls
from tenants import access
from tenants.api.filters import AppFilter
from tenants.choices import AppState
from tenants.exceptions import InvalidInput, TenantsError
from tenants.models import Organization, PluginApp
from tenants.selectors import rows
from tenants.services.apps import app_create

# So many organizations stand in the filter's list: more are found by the search.
_LISTED_ORGANIZATIONS = 200


@page()
def app_list(request: HttpRequest) -> HttpResponse:
    visible = access.restrict(rows.apps(), request.user, "app.view")
    found = AppFilter(request.GET, queryset=visible)
    shown = page_of(request, found.qs.order_by("-number"))
    apps = [
        (app, [(environment, edge_urls(environment)) for environment in app.environments.all()])
        for app in shown.object_list
    ]
    organizations = _visible_organizations(request)[:_LISTED_ORGANIZATIONS]
    context = {
        "page": shown,
        "apps": apps,
        "query": query_without_page(request),
        "is_filtered": any(request.GET.get(name) for name in ("search", "organization", "state")),
        "organizations": organizations,
        "states": AppState.choices,
        "search": request.GET.get("search", ""),
        "organization": request.GET.get("organization", ""),
        "state": request.GET.get("state", ""),
    }
    return render(request, "portal/apps.html", context)


@page("GET", "HEAD", "POST")
def app_new(request: HttpRequest) -> HttpResponse:
    user = person(request)
    organizations = [
        (row.slug, f"{row.name} ({row.slug})")
        for row in _visible_organizations(request).filter(members=user)
        if access.may(user, "app.create", PluginApp(organization=row))
    ]
    initial = {"organization": request.GET.get("organization", "")}
    form = AppForm(request.POST or None, organizations=organizations, initial=initial)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                app = _create(request, form)
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(
                    request, f"{app.public_id} is being set up: its repository and hostnames are made now."
                )
                return redirect("portal:app", app.public_id)
    context = {"form": form, "may_create": bool(organizations)}
    return render(request, "portal/app_new.html", context, status=status)


def _create(request: HttpRequest, form: AppForm) -> PluginApp:
    fields = dict(form.cleaned_data)
    organization = _visible_organizations(request).filter(slug=fields.pop("organization")).first()
    if organization is None:
        raise InvalidInput.field("organization", "is none that you can see: name the slug of yours")
    return app_create(organization=organization, **fields, actor=person(request))


def _visible_organizations(request: HttpRequest) -> QuerySet[Organization]:
    return access.restrict(rows.organizations(), request.user, "organization.view")
