"""One app: what is live, what is under way, and what happened."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from paas.portal.apps.environments import show_settings
from paas.portal.names.presenters import edge_urls
from paas.portal.operations.logs import ShownLogs, last_lines
from paas.portal.operations.presenters import ShownWork, show_work
from paas.portal.operations.views import deployments_of, events_of
from paas.portal.pages import find_app, page, person
from paas.portal.releases.lists import releases_of
from provisioning.logs.query import LogQuery
from provisioning.operations.choices import UNFINISHED, OperationKind
from provisioning.operations.models import Operation
from tenants import access
from tenants.apps.choices import APP_SOURCES, AppState, EnvironmentName
from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.names.selectors.domains import with_served_hostnames
from tenants.releases.models.release import Release

NEWEST = 5
LOG_LINES = 30
_LIFE = (OperationKind.PROVISION_APP, OperationKind.RETIRE_APP)


@page()
def app_page(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    environments = list(_environments(request, row))
    readable = [environment for environment in environments if access.may(request.user, "logs.read", environment)]
    context = _progress(request, row) | {
        "environments": [(row, edge_urls(row), show_settings(row)) for row in environments],
        "releases": releases_of(request, row)[:NEWEST],
        "deployments": [
            show_work(ended) for ended in deployments_of(request, row).exclude(state__in=UNFINISHED)[:NEWEST]
        ],
        "events": events_of(request, row)[: 2 * NEWEST],
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
    busy = deployments_of(request, app).filter(state__in=UNFINISHED)
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
