"""The list of apps, and a new one."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from paas.portal.apps.forms import AppForm
from paas.portal.confirmation import Question, ask, is_confirmed
from paas.portal.names.presenters import edge_urls
from paas.portal.pages import find_app, page, page_of, person, put_refusal, query_without_page
from tenants import access
from tenants.access import rows
from tenants.apps.choices import AppState
from tenants.apps.filters import AppFilter
from tenants.apps.models.plugin_app import PluginApp
from tenants.apps.services.apps import app_create, app_retire
from tenants.exceptions import InvalidInput, TenantsError
from tenants.names.choices import OPEN_DOMAIN_STATES
from tenants.names.models.custom_domain import CustomDomain
from tenants.organizations.models.organization import Organization
from tenants.releases.choices import RELEASE_SOURCES, ReleaseState
from tenants.releases.models.release import Release

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


@page("GET", "HEAD", "POST")
def app_end(request: HttpRequest, app: str) -> HttpResponse:
    """The end of an app, once its slug is typed in."""
    row = find_app(request, app)
    question = _end_of(request, row)
    if not is_confirmed(request, question):
        return ask(request, question)
    try:
        app_retire(app=row, actor=person(request))
    except TenantsError as error:
        return ask(request, question, trouble=error.detail, status=error.status)
    messages.success(request, f"{row.public_id} is being retired.")
    return redirect("portal:app", row.public_id)


def _end_of(request: HttpRequest, app: PluginApp) -> Question:
    environments = access.restrict(rows.environments().filter(app=app), request.user, "environment.view")
    losses = []
    for environment in environments:
        names = ", ".join(subdomain.hostname for subdomain in environment.subdomains.all())
        live = environment.current_release
        losses.append(
            f"{environment.name}: {f'release {live.number} is live and stops' if live else 'nothing is live'}; "
            f"{names} answers no more, and is given to no other app."
        )
    open_releases = Release.objects.filter(app=app, state__in=RELEASE_SOURCES[ReleaseState.CANCELLED])
    cancelled = access.restrict(open_releases, request.user, "release.view").count()
    domains = CustomDomain.objects.filter(environment__app=app, state__in=OPEN_DOMAIN_STATES)
    named = [domain.hostname for domain in access.restrict(domains, request.user, "domain.view")]
    losses += [f"{cancelled} release{'s' if cancelled > 1 else ''} under way: cancelled."] if cancelled else []
    losses += [f"Domains of your own: {', '.join(named)}. They are held for the organization for a while."] * bool(
        named
    )
    losses.append("The repository takes no more pushes and no clones. An app that is retired can't be brought back.")
    return Question(
        title=f"Retire {app.name}?",
        losses=losses,
        button="Retire the app",
        back=reverse("portal:app", args=[app.public_id]),
        keep="Keep the app",
        phrase=app.slug,
        phrase_label="The app's slug",
    )
