"""Who joins an organization, with which role, and who leaves."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from paas.portal.forms import InvitationForm
from paas.portal.pages import find_organization, page, person, put_refusal
from paas.portal.views.organizations import attempt, show_list, show_organization
from tenants.api.base import get_visible
from tenants.exceptions import TenantsError
from tenants.models import Invitation, Membership, Organization
from tenants.selectors import rows
from tenants.services.invitations import (
    invitation_accept,
    invitation_create,
    invitation_decline,
    invitation_revoke,
)
from tenants.services.memberships import membership_change, membership_remove


@page("POST")
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    organization = find_organization(request, slug)
    form = InvitationForm(request.POST, auto_id="invitation_%s")
    status = 400
    if form.is_valid():
        try:
            invitation = invitation_create(organization=organization, **form.cleaned_data, actor=person(request))
        except TenantsError as error:
            status = put_refusal(form, error)
        else:
            messages.success(request, f"{invitation.invitee} is invited, and becomes a member by accepting.")
            return redirect("portal:organization", slug)
    return show_organization(request, organization, status=status, invitation_form=form)


@page("POST")
def revoke(request: HttpRequest, slug: str, invitation: int) -> HttpResponse:
    organization = find_organization(request, slug)
    row = _invitation(request, pk=invitation, organization=organization)
    service = partial(invitation_revoke, invitation=row, actor=person(request))
    return attempt(request, organization, service, done=f"The invitation of {row.invitee} is revoked.")


@page("POST")
def change_role(request: HttpRequest, slug: str, username: str) -> HttpResponse:
    organization = find_organization(request, slug)
    member = _member(request, organization, username)
    service = partial(
        membership_change,
        organization=organization,
        username=member.user.username,
        role=request.POST.get("role", ""),
        actor=person(request),
    )
    return attempt(request, organization, service, done=f"{member.user} has another role now.")


@page("POST")
def remove(request: HttpRequest, slug: str, username: str) -> HttpResponse:
    """Somebody else, or oneself: then the organization is out of sight."""
    organization = find_organization(request, slug)
    member = _member(request, organization, username)
    user = person(request)
    is_own = member.user_id == user.pk
    service = partial(membership_remove, organization=organization, username=member.user.username, actor=user)
    done = f"You left {organization.name}." if is_own else f"{member.user} is no member any more."
    answer = attempt(request, organization, service, done=done)
    return redirect("portal:organizations") if is_own and answer.status_code == 302 else answer


@page("POST")
def accept(request: HttpRequest, invitation: int) -> HttpResponse:
    row = _invitation(request, pk=invitation)
    try:
        invitation_accept(invitation=row, actor=person(request))
    except TenantsError as error:
        return show_list(request, trouble=error.detail, status=error.status)
    messages.success(request, f"You are {row.role} of {row.organization.name} now.")
    return redirect("portal:organization", row.organization.slug)


@page("POST")
def decline(request: HttpRequest, invitation: int) -> HttpResponse:
    row = _invitation(request, pk=invitation)
    try:
        invitation_decline(invitation=row, actor=person(request))
    except TenantsError as error:
        return show_list(request, trouble=error.detail, status=error.status)
    messages.success(request, f"You declined to join {row.organization.name}.")
    return redirect("portal:organizations")


def _invitation(request: HttpRequest, **lookup: object) -> Invitation:
    return get_visible(rows.invitations(), user=request.user, action="invitation.view", **lookup)


def _member(request: HttpRequest, organization: Organization, username: str) -> Membership:
    if "\x00" in username:
        raise Http404
    members = rows.memberships().filter(organization=organization)
    return get_visible(members, user=request.user, action="membership.view", user__username__iexact=username)
