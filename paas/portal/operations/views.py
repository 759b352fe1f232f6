"""Deployments, logs and the timeline of an app."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from paas.portal.operations.logs import last_lines
from paas.portal.operations.presenters import show_work
from paas.portal.pages import find_app, find_environment, page, page_of, query_without_page
from provisioning.logs.query import parse_query
from provisioning.operations.models import Deployment
from tenants import access
from tenants.access import rows
from tenants.access.finding import get_visible
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.filters import narrowed
from tenants.audit.models import AuditEvent
from tenants.exceptions import InvalidInput

EVENT_FILTERS = ("actor", "action", "object", "since", "until")


LOG_PARAMETERS = ("tail", "since", "until", "container", "grep")


@page()
def deployment_list(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    shown = page_of(request, deployments_of(request, row))
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
    status, refusal, events = 200, "", events_of(request, row)
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


def deployments_of(request: HttpRequest, app: PluginApp) -> QuerySet[Deployment]:
    return access.restrict(deployments().filter(app=app), request.user, "deployment.view")


def events_of(request: HttpRequest, app: PluginApp) -> QuerySet[AuditEvent]:
    queryset = rows.timeline().filter(app=app).defer("release__variables")
    return access.restrict(queryset, request.user, "audit.view")
