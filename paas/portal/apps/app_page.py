"""One app: what is live, what is under way, and what happened."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from paas.portal.apps.environments import show_settings
from paas.portal.operations.logs import ShownLogs, last_lines
from paas.portal.pages import find_app, find_environment, page, page_of, person, query_without_page
from paas.portal.presenters import ShownWork, edge_urls, show_work
from provisioning.logs.query import LogQuery, parse_query
from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Deployment, Operation
from tenants import access
from tenants.access import rows
from tenants.apps.choices import APP_SOURCES, AppState, EnvironmentName
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.api.filters import narrowed
from tenants.audit.models import AuditEvent
from tenants.exceptions import InvalidInput
from tenants.names.selectors.domains import with_served_hostnames
from tenants.releases.models.release import Release
from tenants.rest.base import get_visible

NEWEST = 5
LOG_LINES = 30
EVENT_FILTERS = ("actor", "action", "object", "since", "until")
LOG_PARAMETERS = ("tail", "since", "until", "container", "grep")
_LIFE = (OperationKind.PROVISION_APP, OperationKind.RETIRE_APP)


@page()
def app_page(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    environments = list(_environments(request, row))
    readable = [environment for environment in environments if access.may(request.user, "logs.read", environment)]
    context = _progress(request, row) | {
        "environments": [(row, edge_urls(row), show_settings(row)) for row in environments],
        "releases": _releases(request, row)[:NEWEST],
        "deployments": [
            show_work(ended) for ended in _deployments(request, row).exclude(state__in=UNFINISHED)[:NEWEST]
        ],
        "events": _events(request, row)[: 2 * NEWEST],
        "is_member": row.organization.memberships.filter(user=person(request)).exists(),
        "may_read_logs": bool(readable),
        "logs": _logs_of(readable),
        "may_retire": row.state in APP_SOURCES[AppState.RETIRING] and access.may(request.user, "app.retire", row),
        "may_submit": any(_may_submit(request, row, environment) for environment in environments),
    }
    return render(request, "portal/app.html", context)


@page()
def app_progress(request: HttpRequest, app: str) -> HttpResponse:
    """The part of the app's page that changes while something is under way."""
    return render(request, "portal/_app_progress.html", _progress(request, find_app(request, app)))


def _progress(request: HttpRequest, app: PluginApp) -> dict[str, Any]:
    work: list[ShownWork] = []
    if app.state not in (AppState.ACTIVE, AppState.RETIRED):
        life = Operation.objects.filter(app=app, kind__in=_LIFE).prefetch_related("steps")
        work += [show_work(row) for row in access.restrict(life, request.user, "deployment.view")[:1]]
    busy = _deployments(request, app).filter(state__in=UNFINISHED)
    deploying = [show_work(row) for row in busy]
    is_busy = bool(deploying) or app.state in (AppState.PROVISIONING, AppState.RETIRING)
    return {"app": app, "life": work, "deploying": deploying, "is_busy": is_busy}


def _may_submit(request: HttpRequest, app: PluginApp, environment: Environment) -> bool:
    asked_for = Release(app=app, environment=environment, submitted_by=person(request))
    return access.may(request.user, "release.submit", asked_for)


def _logs_of(environments: list[Environment]) -> tuple[Environment, ShownLogs] | None:
    """The last lines of what is live: production's, or else the other environment's."""
    live = [environment for environment in environments if environment.current_release_id]
    live.sort(key=lambda environment: environment.name != EnvironmentName.PRODUCTION)
    return (live[0], last_lines(live[0], LogQuery(tail=LOG_LINES))) if live else None


@page()
def release_list(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    shown = page_of(request, _releases(request, row))
    return render(request, "portal/releases.html", {"app": row, "page": shown, "releases": shown.object_list})


@page()
def deployment_list(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    shown = page_of(request, _deployments(request, row))
    deployments = [show_work(deployment) for deployment in shown.object_list]
    return render(request, "portal/deployments.html", {"app": row, "page": shown, "deployments": deployments})


@page()
def deployment_page(request: HttpRequest, deployment: int) -> HttpResponse:
    return render(request, "portal/deployment.html", _one_deployment(request, deployment))


@page()
def deployment_progress(request: HttpRequest, deployment: int) -> HttpResponse:
    return render(request, "portal/_deployment_progress.html", _one_deployment(request, deployment))


def _one_deployment(request: HttpRequest, pk: int) -> dict[str, Any]:
    row = get_visible(deployments(), user=request.user, action="deployment.view", pk=pk)
    work = show_work(row)
    return {"app": row.app, "deployment": work, "is_busy": work.is_busy}


@page()
def timeline(request: HttpRequest, app: str) -> HttpResponse:
    """Events by `actor`, `action`, `object`, `since` and `until`, as the API takes them."""
    row = find_app(request, app)
    sent = {name: request.GET.get(name, "").strip() for name in EVENT_FILTERS}
    status, refusal, events = 200, "", _events(request, row)
    try:
        events = narrowed(events, sent)
    except InvalidInput as error:
        status, refusal, events = error.status, error.detail, events.none()
    shown = page_of(request, events)
    export = urlencode({name: value for name, value in sent.items() if value} | {"app": row.public_id})
    context = {
        "app": row,
        "page": shown,
        "events": shown.object_list,
        "query": query_without_page(request),
        "refusal": refusal,
        "sent": sent,
        "export": f"/api/v1/audit/export/?{export}",
    }
    return render(request, "portal/timeline.html", context, status=status)


@page()
def log_page(request: HttpRequest, app: str, env: str) -> HttpResponse:
    """Lines by `tail`, `since`, `until`, `container` and `grep`, as the API takes them."""
    environment = find_environment(request, app, env)
    if not access.may(request.user, "logs.read", environment):
        raise Http404
    sent = {name: request.GET.get(name, "") for name in LOG_PARAMETERS if request.GET.get(name)}
    status, refusal, shown = 200, "", None
    try:
        shown = last_lines(environment, parse_query(sent))
    except InvalidInput as error:
        status, refusal = error.status, error.detail
    context = {
        "app": environment.app,
        "environment": environment,
        "logs": shown,
        "refusal": refusal,
        "sent": {name: sent.get(name, "") for name in LOG_PARAMETERS},
    }
    return render(request, "portal/logs.html", context, status=status)


def deployments() -> QuerySet[Deployment]:
    related = ("app__organization", "environment", "release", "requested_by")
    return Deployment.objects.select_related(*related).defer("release__variables").prefetch_related("steps")


def _deployments(request: HttpRequest, app: PluginApp) -> QuerySet[Deployment]:
    return access.restrict(deployments().filter(app=app), request.user, "deployment.view")


def _releases(request: HttpRequest, app: PluginApp) -> QuerySet[Release]:
    queryset = rows.releases().filter(app=app).defer("variables")
    return access.restrict(queryset, request.user, "release.view")


def _events(request: HttpRequest, app: PluginApp) -> QuerySet[AuditEvent]:
    queryset = rows.timeline().filter(app=app).defer("release__variables")
    return access.restrict(queryset, request.user, "audit.view")


def _environments(request: HttpRequest, app: PluginApp) -> QuerySet[Environment]:
    # Values are compared with those that are live, and go no further.
    variables = ConfigVariable.objects.select_related("updated_by")
    queryset = (
        Environment.objects.filter(app=app)
        .select_related("app", "current_release")
        .prefetch_related(Prefetch("variables", queryset=variables), "subdomains")
    )
    queryset = with_served_hostnames(queryset)
    return access.restrict(queryset, request.user, "environment.view")
