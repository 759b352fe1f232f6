"""An organization's accounts for machines, and their tokens. A new token is shown once."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from paas.portal.confirmation import Question, ask, is_confirmed
from paas.portal.organizations.forms import ServiceAccountForm, ServiceTokenForm
from paas.portal.organizations.views import attempt, made_in, show_organization, token_form
from paas.portal.pages import find_organization, page, person, put_refusal
from paas.portal.shown_once import keep
from tenants import access
from tenants.access import rows
from tenants.access.finding import get_visible
from tenants.audit.request_context import authentication
from tenants.exceptions import TenantsError
from tenants.organizations.models.organization import Organization
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.people.services.service_accounts import (
    service_account_create,
    service_account_remove,
    service_account_username,
)
from tenants.people.services.tokens import api_token_create
from tenants.people.token_places import named_app, named_ttl


@page("POST")
def account_new(request: HttpRequest, slug: str) -> HttpResponse:
    organization = find_organization(request, slug)
    form = ServiceAccountForm(request.POST, auto_id="account_%s")
    status = 400
    if form.is_valid():
        try:
            service_account_create(organization=organization, **form.cleaned_data, actor=person(request))
        except TenantsError as error:
            status = put_refusal(form, error)
        else:
            messages.success(request, f"Service account {form.cleaned_data['name']} is made: it needs a token.")
            return redirect("portal:organization", slug)
    return show_organization(request, organization, status=status, account_form=form)


@page("GET", "HEAD", "POST")
def account_end(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    organization = find_organization(request, slug)
    account = _account(request, organization, name)
    held = access.restrict(rows.tokens_in_force().filter(user=account), request.user, "token.view")
    names = ", ".join(token.name for token in held)
    question = Question(
        title=f"Remove the service account {name}?",
        losses=[
            f"Its tokens end at once{f': {names}' if names else ''}. Whatever uses them is refused from then on.",
            "None of them can be brought back. The name can be used again.",
        ],
        button="Remove the service account",
        back=reverse("portal:organization", args=[slug]),
    )
    if not is_confirmed(request, question):
        return ask(request, question)
    service = partial(service_account_remove, account=account, actor=person(request))
    return attempt(request, organization, service, done=f"Service account {name} is removed, and its tokens with it.")


@page("POST")
def account_token(request: HttpRequest, slug: str) -> HttpResponse:
    organization = find_organization(request, slug)
    form = token_form(request, organization, data=request.POST)
    if not form.is_valid():
        return show_organization(request, organization, status=400, token_form=form)
    try:
        row, text = _create(request, organization, form)
    except TenantsError as error:
        return show_organization(request, organization, status=put_refusal(form, error), token_form=form)
    made = {"account": form.cleaned_data["account"], "token": text, "expires": row.expires_at.date(), "name": row.name}
    keep(request, made_in(organization), made)
    return redirect("portal:organization", slug)


def _create(request: HttpRequest, organization: Organization, form: ServiceTokenForm) -> tuple[ApiToken, str]:
    user, sent = person(request), form.cleaned_data
    return api_token_create(
        user=_account(request, organization, sent["account"]),
        name=sent["name"],
        actor=user,
        scopes=sent["scopes"],
        app=named_app(user, sent["app"] or None),
        ttl=named_ttl(sent["expires_in_days"]),
        has_second_factor=authentication.get().has_second_factor,
    )


def _account(request: HttpRequest, organization: Organization, name: str) -> User:
    if "\x00" in name:
        raise Http404
    return get_visible(
        rows.service_accounts(),
        user=request.user,
        action="service_account.view",
        username=service_account_username(organization, name),
        service_organization=organization,
    )
