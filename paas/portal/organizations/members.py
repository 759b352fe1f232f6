"""Who joins an organization, with which role, and who leaves."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from paas.portal.confirmation import Question, ask, is_confirmed
from paas.portal.organizations.forms import InvitationForm
from paas.portal.organizations.views import attempt, show_list, show_organization
from paas.portal.pages import find_organization, page, person, put_refusal
from tenants.access import rows
from tenants.access.finding import get_visible
from tenants.exceptions import TenantsError
from tenants.organizations.models.organization import Membership, Organization
from tenants.people.models.invitation import Invitation
from tenants.people.services.invitations import (
    invitation_accept,
    invitation_create,
    invitation_decline,
    invitation_revoke,
)
from tenants.people.services.memberships import membership_change, membership_remove


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


@page("GET", "HEAD", "POST")
def revoke(request: HttpRequest, slug: str, invitation: int) -> HttpResponse:
    organization = find_organization(request, slug)
    row = _invitation(request, pk=invitation, organization=organization)
    question = Question(
        title=f"Revoke the invitation of {row.invitee}?",
        losses=[
            f"{row.invitee} can't accept it any more, and would have joined as {row.role}. You may invite them again."
        ],
        button="Revoke the invitation",
        back=_page_of(organization),
    )
    if not is_confirmed(request, question):
        return ask(request, question)
    service = partial(invitation_revoke, invitation=row, actor=person(request))
    return attempt(request, organization, service, done=f"The invitation of {row.invitee} is revoked.")


@page("POST")
def change_role(request: HttpRequest, slug: str, username: str) -> HttpResponse:
    organization = find_organization(request, slug)
    member = _member(request, organization, username)
    if member.user_id == request.user.pk:
        role = request.POST.get("role", "")
        question = Question(
            title="Change your own role?",
            losses=[
                f"You are {member.role} of {organization.name} and become {role}: you lose what only a {member.role} "
                "may do.",
                "You can't take this back yourself, unless you are an owner still.",
            ],
            button="Change my role",
            back=_page_of(organization),
        )
        if not is_confirmed(request, question):
            return ask(request, question)
    service = partial(
        membership_change,
        organization=organization,
        username=member.user.username,
        role=request.POST.get("role", ""),
        actor=person(request),
    )
    return attempt(request, organization, service, done=f"{member.user} has another role now.")


@page("GET", "HEAD", "POST")
def remove(request: HttpRequest, slug: str, username: str) -> HttpResponse:
    """Somebody else, or oneself: then the organization is out of sight."""
    organization = find_organization(request, slug)
    member = _member(request, organization, username)
    user = person(request)
    is_own = member.user_id == user.pk
    question = _leaving(organization, member) if is_own else _removal(organization, member)
    if not is_confirmed(request, question):
        return ask(request, question)
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


@page("GET", "HEAD", "POST")
def decline(request: HttpRequest, invitation: int) -> HttpResponse:
    row = _invitation(request, pk=invitation)
    question = Question(
        title=f"Decline to join {row.organization.name}?",
        losses=["The invitation ends. To join later you need a new one from an owner."],
        button="Decline",
        back=reverse("portal:organizations"),
        keep="Decide later",
    )
    if not is_confirmed(request, question):
        return ask(request, question)
    try:
        invitation_decline(invitation=row, actor=person(request))
    except TenantsError as error:
        return show_list(request, trouble=error.detail, status=error.status)
    messages.success(request, f"You declined to join {row.organization.name}.")
    return redirect("portal:organizations")


def _leaving(organization: Organization, member: Membership) -> Question:
    return Question(
        title=f"Leave {organization.name}?",
        losses=[
            f"You are {member.role}. You lose its apps, repositories, logs and releases at once.",
            "What was shared with you on single apps of it ends too.",
            "You come back only if an owner invites you again.",
        ],
        button="Leave",
        back=_page_of(organization),
        keep="Stay",
    )


def _removal(organization: Organization, member: Membership) -> Question:
    return Question(
        title=f"Remove {member.user} from {organization.name}?",
        losses=[
            f"{member.user} is {member.role}, and loses its apps, repositories, logs and releases at once.",
            "What was shared with them on single apps of it ends too.",
            "They come back only by accepting a new invitation.",
        ],
        button=f"Remove {member.user}",
        back=_page_of(organization),
    )


def _page_of(organization: Organization) -> str:
    return reverse("portal:organization", args=[organization.slug])


def _invitation(request: HttpRequest, **lookup: object) -> Invitation:
    return get_visible(rows.invitations(), user=request.user, action="invitation.view", **lookup)


def _member(request: HttpRequest, organization: Organization, username: str) -> Membership:
    if "\x00" in username:
        raise Http404
    members = rows.memberships().filter(organization=organization)
    return get_visible(members, user=request.user, action="membership.view", user__username__iexact=username)
