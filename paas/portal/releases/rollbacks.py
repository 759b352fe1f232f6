"""Putting an earlier release back, after a look at what that means."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.pages import find_environment, page, person, put_refusal
from paas.portal.releases.forms import RollbackForm
from provisioning.releases.selectors.rollbacks import rollback_candidates, rollback_default
from provisioning.releases.services.rollbacks import rollback_request
from tenants import access
from tenants.apps.models.environment import Environment
from tenants.exceptions import TenantsError
from tenants.releases.models.release import Release

_LISTED = 20


@page("GET", "HEAD", "POST")
def rollback(request: HttpRequest, app: str, env: str) -> HttpResponse:
    environment = find_environment(request, app, env)
    form = RollbackForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                number = form.cleaned_data["release"]
                deployment = rollback_request(environment=environment, number=number, actor=person(request))
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, "The earlier release is being put back.")
                return redirect("portal:deployment", deployment.pk)
    candidates, chosen = _candidates(request, environment)
    context = {
        "app": environment.app,
        "environment": environment,
        "form": form,
        "candidates": candidates,
        "chosen": request.POST.get("release", request.GET.get("release", chosen)),
    }
    return render(request, "portal/rollback.html", context, status=status)


def _candidates(request: HttpRequest, environment: Environment) -> tuple[list[Release], str]:
    """The earlier releases, the last one first, and the number that is chosen until somebody chooses.

    That is the one which the API takes by itself: never a release that was just rolled back from.
    """
    earlier = rollback_candidates(environment).defer("variables")
    visible = access.restrict(earlier, request.user, "release.view")
    default = rollback_default(environment)
    listed = list(visible[:_LISTED])
    if default is not None and default not in listed:
        listed += visible.filter(pk=default.pk)
    return listed, str(default.number) if default in listed and default is not None else ""
