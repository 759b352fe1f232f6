"""Organizations: mine and the invitations to more of them, a new one, and who belongs to one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from paas.portal.organizations.forms import InvitationForm, OrganizationForm, ServiceAccountForm, ServiceTokenForm
from paas.portal.pages import find_organization, page, page_of, person, put_refusal
from paas.portal.shown_once import take
from tenants import access
from tenants.access import rows
from tenants.apps.models.plugin_app import PluginApp
from tenants.exceptions import TenantsError
from tenants.organizations.models.organization import Organization
from tenants.organizations.selectors import usage_of, usage_of_person
from tenants.organizations.services.organizations import organization_create
from tenants.people.choices import InvitationState, MemberRole
from tenants.people.models.credentials import ApiToken
from tenants.people.models.invitation import Invitation
from tenants.people.models.user import User
from tenants.people.services.service_accounts import service_account_name
from tenants.people.waiting import waiting_invitations

# So many stand in a list or a field's choices: an organization that has more is managed over the API.
LISTED = 200


@dataclass
class ShownAccount:
    row: User
    name: str
    role: str
    tokens: list[ApiToken] = field(default_factory=list)


@page()
def organization_list(request: HttpRequest) -> HttpResponse:
    return show_list(request)


@page("GET", "HEAD", "POST")
def organization_new(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                organization = organization_create(**form.cleaned_data, actor=person(request))
            except TenantsError as error:
                status = put_refusal(form, error)
            else:
                messages.success(request, f"Organization {organization.slug} is made, and you are its owner.")
                return redirect(f"{reverse('portal:app-new')}?organization={organization.slug}")
    return render(request, "portal/organization_new.html", {"form": form}, status=status)


@page()
def organization_page(request: HttpRequest, slug: str) -> HttpResponse:
    return show_organization(request, find_organization(request, slug))


def show_list(request: HttpRequest, *, trouble: str = "", status: int = 200) -> HttpResponse:
    mine = rows.memberships().filter(user=person(request)).order_by("organization__name")
    shown = page_of(request, access.restrict(mine, request.user, "membership.view"))
    context = {
        "page": shown,
        "memberships": shown.object_list,
        "invitations": waiting_invitations(request.user)[:LISTED],
        "trouble": trouble,
        "founded": usage_of_person(person(request))[0],
    }
    return render(request, "portal/organizations.html", context, status=status)


def show_organization(
    request: HttpRequest, organization: Organization, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The page, also where it shows a form that was refused, or once a token that was made."""
    user = person(request)
    members = access.restrict(rows.memberships().filter(organization=organization), user, "membership.view")
    invitations = rows.invitations().filter(organization=organization, state=InvitationState.PENDING)
    accounts = _accounts(user, organization)
    shown = page_of(request, members.filter(user__service_organization=None).order_by("user__username"))
    context = {
        "organization": organization,
        "page": shown,
        "members": shown.object_list,
        "own": members.filter(user=user).first(),
        "invitations": access.restrict(invitations, user, "invitation.view")[:LISTED],
        "accounts": accounts,
        "roles": MemberRole.choices,
        "may_manage": access.may(user, "organization.manage_members", organization),
        # Who may see none is not told that there is none.
        "sees_invitations": access.may(user, "invitation.view", Invitation(organization=organization)),
        "limits": usage_of(organization),
        "may_set_limits": access.may(user, "organization.set_quota", organization),
        "sees_accounts": access.may(user, "service_account.view", User(service_organization=organization)),
        "now": timezone.now(),
        "invitation_form": InvitationForm(auto_id="invitation_%s"),
        "account_form": ServiceAccountForm(auto_id="account_%s"),
        "token_form": token_form(request, organization),
        "made": take(request, made_in(organization)) if request.method == "GET" else None,
        **context,
    }
    return render(request, "portal/organization.html", context, status=status)


def made_in(organization: Organization) -> str:
    """The name under which a new token of one of its service accounts is kept until it is shown."""
    return f"token of {organization.slug}"


def attempt(
    request: HttpRequest, organization: Organization, service: Callable[[], object], *, done: str
) -> HttpResponse:
    """Calls `service` and goes back to the organization's page, which says `done`, or why it was refused."""
    try:
        service()
    except TenantsError as error:
        return show_organization(request, organization, status=error.status, trouble=error.detail)
    messages.success(request, done)
    return redirect("portal:organization", organization.slug)


def token_form(request: HttpRequest, organization: Organization, *, data: QueryDict | None = None) -> ServiceTokenForm:
    """For a service account's token."""
    user = person(request)
    apps = access.restrict(PluginApp.objects.filter(organization=organization), user, "app.view")[:LISTED]
    return ServiceTokenForm(
        data,
        accounts=[service_account_name(row) for row in _visible_accounts(user, organization)],
        apps=[("", "the whole organization"), *((app.public_id, f"{app.name} ({app.public_id})") for app in apps)],
        auto_id="token_%s",
    )


def _visible_accounts(user: User, organization: Organization) -> QuerySet[User]:
    accounts = rows.service_accounts().filter(service_organization=organization).order_by("username")
    return access.restrict(accounts, user, "service_account.view")[:LISTED]


def _accounts(user: User, organization: Organization) -> list[ShownAccount]:
    shown = {
        row.pk: ShownAccount(row, service_account_name(row), ", ".join(m.role for m in row.memberships.all()))
        for row in _visible_accounts(user, organization)
    }
    tokens = access.restrict(rows.tokens_in_force().filter(user__in=list(shown)), user, "token.view")
    for token in tokens:
        shown[token.user_id].tokens.append(token)
    return list(shown.values())
