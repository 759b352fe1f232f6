"""Asking for a release, reading it, taking it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.operations.presenters import show_work
from paas.portal.operations.views import deployments
from paas.portal.pages import asked_number, find_app, find_environment, find_release, page, person, put_refusal
from paas.portal.releases.differences import show_diff
from paas.portal.releases.forms import CancelForm, ReleaseForm
from provisioning.exceptions import ProvisioningError
from provisioning.releases.services.readings import diff_show
from tenants import access, validators
from tenants.apps.models.plugin_app import PluginApp
from tenants.exceptions import TenantsError
from tenants.releases.choices import RELEASE_SOURCES, ReleaseState
from tenants.releases.models.release import Release
from tenants.releases.services.releases import release_cancel, release_submit
from tenants.reviews.selectors import also_waiting, earlier_decisions

# While somebody may be about to decide, the difference is on the page; later it is there for who asks: it takes the
# forge some work.
_UNDECIDED = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
_EARLIER = 20
_MOVING = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.APPROVED, ReleaseState.DEPLOYING)


@page("GET", "HEAD", "POST")
def release_new(request: HttpRequest, app: str) -> HttpResponse:
    row = find_app(request, app)
    initial = {"environment": request.GET.get("environment", "test")}
    form = ReleaseForm(request.POST or None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                release = _submit(request, row, form.cleaned_data)
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, f"Release {release.number} is asked for.")
                return redirect("portal:release", release.pk)
    return render(request, "portal/release_new.html", {"app": row, "form": form}, status=status)


def _submit(request: HttpRequest, app: PluginApp, sent: dict[str, str]) -> Release:
    name, ref, notes = sent["environment"], sent["ref"], sent["notes"]
    validators.together(
        lambda: validators.environment_name(name),
        lambda: validators.ref(ref),
        lambda: validators.free_text(notes, field="notes"),
    )
    environment = find_environment(request, app.public_id, name)
    return release_submit(environment=environment, ref=ref, notes=notes, actor=person(request))


@page()
def release_page(request: HttpRequest, release: int) -> HttpResponse:
    row = find_release(request, release)
    is_asked = row.state in _UNDECIDED or "diff" in request.GET
    context = progress(request, row) | (
        read_diff(request, row) if is_asked else {"diff_is_left_out": bool(row.commit_sha)}
    )
    context |= contents_of(request, row)
    context["may_cancel"] = may_cancel(request, row)
    context["may_review"] = row.state == ReleaseState.AWAITING_REVIEW and any(
        access.may(request.user, action, row) for action in ("release.approve", "release.reject")
    )
    return render(request, "portal/release.html", context)


@page()
def release_progress(request: HttpRequest, release: int) -> HttpResponse:
    """The part of the release's page that changes by itself."""
    return render(request, "portal/_release_progress.html", progress(request, find_release(request, release)))


def progress(request: HttpRequest, release: Release) -> dict[str, Any]:
    queryset = access.restrict(deployments().filter(release=release), request.user, "deployment.view")
    return {
        "app": release.app,
        "release": release,
        "deployments": [show_work(row) for row in queryset[:3]],
        "is_busy": release.state in _MOVING,
        "error_summary": release.error.partition("\n")[0],
    }


def read_diff(request: HttpRequest, release: Release) -> dict[str, Any]:
    """One part of the difference, as shown to this person, or why it can't be shown."""
    if not release.commit_sha:
        return {"diff": None, "diff_notice": "There is no difference to show before the commit is known."}
    try:
        part, is_sent = asked_number(request, "part", 1), request.method != "HEAD"
        shown = diff_show(release, part=part, actor=person(request), is_sent=is_sent)
        return {"diff": show_diff(shown), "diff_notice": ""}
    except (ProvisioningError, TenantsError) as error:
        return {"diff": None, "diff_notice": f"The difference can't be shown right now: {error}"}


def contents_of(request: HttpRequest, release: Release) -> dict[str, Any]:
    """How to read all of the commit, and what was decided on it before."""
    return {
        "clone_url": request.build_absolute_uri(f"/code/releases/{release.pk}.git") if release.commit_sha else "",
        "earlier": list(earlier_decisions(release, request.user)[:_EARLIER]),
        "also_waiting": list(also_waiting(release, request.user)[:_EARLIER]),
    }


def may_cancel(request: HttpRequest, release: Release) -> bool:
    is_open = release.state in RELEASE_SOURCES[ReleaseState.CANCELLED]
    return is_open and access.may(request.user, "release.cancel", release)


@page("GET", "HEAD", "POST")
def cancel(request: HttpRequest, release: int) -> HttpResponse:
    row = find_release(request, release)
    form = CancelForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                release_cancel(release=row, comment=form.cleaned_data["comment"], actor=person(request))
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, f"Release {row.number} is cancelled.")
                return redirect("portal:release", row.pk)
    return render(request, "portal/cancel.html", {"app": row.app, "release": row, "form": form}, status=status)
