"""Domains of a customer's own: what is claimed for an environment, what is to be set, and what name servers say."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from paas.portal.confirmation import Question, ask, is_confirmed
from paas.portal.names.forms import DomainForm
from paas.portal.names.presenters import show_domain
from paas.portal.pages import find_environment, page, person, put_refusal
from tenants import access
from tenants.access.finding import get_visible
from tenants.apps.models.environment import Environment
from tenants.exceptions import TenantsError, TooManyAttempts
from tenants.names.custom_names import in_unicode
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors import domains as selectors
from tenants.names.services.domains import domain_add, domain_check_request, domain_remove


@page("GET", "HEAD", "POST")
def domain_page(request: HttpRequest, app: str, env: str) -> HttpResponse:
    environment = find_environment(request, app, env)
    if request.method != "POST":
        return _shown(request, environment, DomainForm())
    form = DomainForm(request.POST)
    if not form.is_valid():
        return _shown(request, environment, form, status=400)
    try:
        domain = domain_add(environment=environment, hostname=form.cleaned_data["hostname"], actor=person(request))
    except TenantsError as error:
        return _shown(request, environment, form, status=put_refusal(form, error))
    messages.success(request, f"{domain} was added: set the records below at its DNS provider.")
    return redirect("portal:domains", app, env)


@page()
def domain_progress(request: HttpRequest, app: str, env: str) -> HttpResponse:
    """The part of the page that changes with each check."""
    return render(request, "portal/_domain_list.html", _listed(request, find_environment(request, app, env)))


@page("POST")
def domain_check(request: HttpRequest, app: str, env: str, domain: int) -> HttpResponse:
    environment = find_environment(request, app, env)
    row = _find(request, environment, domain)
    try:
        domain_check_request(domain=row, actor=person(request))
    except TenantsError as error:
        answer = _shown(request, environment, DomainForm(), status=error.status, trouble=error.detail)
        if isinstance(error, TooManyAttempts):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    messages.success(request, f"{row} is looked at now.")
    return redirect("portal:domains", app, env)


@page("GET", "HEAD", "POST")
def domain_end(request: HttpRequest, app: str, env: str, domain: int) -> HttpResponse:
    environment = find_environment(request, app, env)
    row = _find(request, environment, domain)
    name = in_unicode(row.hostname)
    losses = [f"It is no more a domain of {environment.name} of {environment.app.name}."]
    if row.is_served:
        losses = [
            f"Visitors of {name} get nothing from then on.",
            f"The name is held for {environment.app.organization.name} for a while: nobody else can take it over.",
        ]
    question = Question(
        title=f"Remove {name}?",
        losses=losses,
        button=f"Remove {name}",
        back=reverse("portal:domains", args=[app, env]),
    )
    if not is_confirmed(request, question):
        return ask(request, question)
    try:
        domain_remove(domain=row, actor=person(request))
    except TenantsError as error:
        return _shown(request, environment, DomainForm(), status=error.status, trouble=error.detail)
    messages.success(request, f"{row} is removed.")
    return redirect("portal:domains", app, env)


def _find(request: HttpRequest, environment: Environment, pk: int) -> CustomDomain:
    return get_visible(_domains(environment), user=request.user, action="domain.view", pk=pk)


def _domains(environment: Environment) -> QuerySet[CustomDomain]:
    return selectors.domains().filter(environment=environment).order_by("pk")


def _listed(request: HttpRequest, environment: Environment) -> dict[str, Any]:
    rows = list(access.restrict(_domains(environment), request.user, "domain.view"))
    now = timezone.now()
    return {
        "app": environment.app,
        "environment": environment,
        "domains": [
            (
                show_domain(row),
                access.may(request.user, "domain.check", row),
                access.may(request.user, "domain.remove", row),
            )
            for row in rows
        ],
        "is_busy": any(
            row.next_check_at is not None and row.next_check_at <= now and not selectors.is_waiting(row) for row in rows
        ),
    }


def _shown(
    request: HttpRequest, environment: Environment, form: Form, *, status: int = 200, **context: Any
) -> HttpResponse:
    asked_for = CustomDomain(environment=environment, created_by=person(request))
    context |= _listed(request, environment) | {
        "form": form,
        "may_add": access.may(request.user, "domain.create", asked_for),
    }
    return render(request, "portal/domains.html", context, status=status)
