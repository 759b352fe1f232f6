"""Putting an earlier release back, after a look at what that means."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.forms import RollbackForm
from paas.portal.pages import find_environment, page, person, put_refusal
from provisioning.services.rollbacks import rollback_request
from tenants import access
from tenants.choices import ReleaseState
from tenants.exceptions import TenantsError
from tenants.models import Environment, Release

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
    context = {
        "app": environment.app,
        "environment": environment,
        "form": form,
        "candidates": _candidates(request, environment),
        "chosen": request.POST.get("release", request.GET.get("release", "")),
    }
    return render(request, "portal/rollback.html", context, status=status)


def _candidates(request: HttpRequest, environment: Environment) -> list[Release]:
    """What was live here before, the last one first."""
    earlier = Release.objects.filter(environment=environment, went_live_at__isnull=False).exclude(
        state=ReleaseState.LIVE
    )
    visible = access.restrict(earlier.defer("variables"), request.user, "release.view")
    return list(visible.order_by("-went_live_at")[:_LISTED])
