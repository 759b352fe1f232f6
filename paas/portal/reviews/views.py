"""The reviewers' desk: what awaits a decision, and the decision."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.pages import find_release, page, page_of, person, put_refusal
from paas.portal.releases.views import contents_of, read_diff
from paas.portal.reviews.forms import DecisionForm
from tenants import access
from tenants.access import rows
from tenants.exceptions import TenantsError
from tenants.names.selectors.domains import flagged
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.reviews.services.readings import NOT_SAID
from tenants.reviews.services.reviews import release_approve, release_reject

_DECISIONS = {"approve": release_approve, "reject": release_reject}


@page()
def review_queue(request: HttpRequest) -> HttpResponse:
    """Releases that this reviewer may decide on, the oldest first."""
    actions = ("release.approve", "release.reject")
    if not any(access.may_ever(request.user, action) for action in actions):
        raise Http404
    waiting = rows.releases().filter(state=ReleaseState.AWAITING_REVIEW).defer("variables").order_by("pk")
    may_approve, may_reject = (access.restrict(waiting, request.user, action) for action in actions)
    shown = page_of(request, may_approve | may_reject)
    return render(request, "portal/reviews.html", {"page": shown, "releases": shown.object_list})


@page("GET", "HEAD", "POST")
def review(request: HttpRequest, release: int) -> HttpResponse:
    """The decision is bound to the digest that stands in the form: the one of the release as it was shown.

    A refused comment stays in the form, also if somebody else has decided first.
    """
    row = find_release(request, release)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 400
        decide = _DECISIONS.get(request.POST.get("decision", ""))
        if decide is None:
            form.add_error(None, "Choose to approve or to reject.")
        elif form.is_valid():
            try:
                digest, comment = request.POST.get("digest", ""), form.cleaned_data["comment"]
                more = _read_as(request) if decide is release_approve else {}
                decide(release=row, digest=digest, comment=comment, actor=person(request), **more)
            except TenantsError as error:
                status = put_refusal(form, error)
                row = find_release(request, release)
            else:
                messages.success(request, f"Release {row.number} of {row.app.public_id} is {row.state}.")
                return redirect("portal:reviews")
    context = {
        "app": row.app,
        "release": row,
        "form": form,
        "is_open": row.state == ReleaseState.AWAITING_REVIEW,
        **_permissions(request, row),
        "flagged": access.restrict(flagged(row.environment), request.user, "domain.view"),
        **contents_of(request, row),
        **(read_diff(request, row) if row.state == ReleaseState.AWAITING_REVIEW else {}),
        "acknowledged": request.POST.getlist("acknowledged"),
    }
    return render(request, "portal/review.html", context, status=status)


def _read_as(request: HttpRequest) -> dict[str, Any]:
    """The base of the difference on the page, and the paths that the reviewer acknowledges."""
    text = request.POST.get("base_release", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    base = None if text == "none" else int(text) if is_number else NOT_SAID
    return {"base_release": base, "acknowledged": request.POST.getlist("acknowledged")}


def _permissions(request: HttpRequest, release: Release) -> dict[str, Any]:
    """May this person approve, and reject? Reasons stand against what is denied: a freeze denies approvals alone."""
    if release.state != ReleaseState.AWAITING_REVIEW:
        reason = f"This release is {release.get_state_display().lower()}: there is nothing to decide."
        return {"may_approve": False, "may_reject": False, "reasons": [reason]}
    decisions = {verb: access.decide(request.user, f"release.{verb}", release) for verb in _DECISIONS}
    denied = {verb: decision.reason for verb, decision in decisions.items() if not decision}
    if len(set(denied.values())) == 1 and len(denied) == len(decisions):
        reasons = [f"You can't decide on this release: {denied['approve']}."]
    else:
        reasons = [f"You can't {verb} this release: {reason}." for verb, reason in denied.items()]
    return {"may_approve": "approve" not in denied, "may_reject": "reject" not in denied, "reasons": reasons}
