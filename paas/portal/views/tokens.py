"""Tokens for git and for the REST API. A new one stands on the page that made it, and nowhere else."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paas.portal.forms import ApiTokenForm
from paas.portal.pages import page, person, put_refusal
from provisioning.exceptions import ProvisioningError, ServiceUnavailable
from provisioning.services.repositories import git_token_create, git_tokens_revoke
from tenants import access
from tenants.api.base import get_visible
from tenants.api.views.service_accounts import named_app, named_organization, named_ttl
from tenants.exceptions import TenantsError
from tenants.models import ApiToken, PluginApp
from tenants.request_context import authentication
from tenants.selectors import rows
from tenants.services.tokens import api_token_create, api_token_revoke

# So many organizations and apps stand in the list of places: a token for another is made over the API.
_LISTED_PLACES = 200


@page()
def token_page(request: HttpRequest) -> HttpResponse:
    return _shown(request, _new_form(request))


@page("POST")
def git_token(request: HttpRequest) -> HttpResponse:
    try:
        username, token, expires_on = git_token_create(user=person(request))
    except ProvisioningError as error:
        status = 503 if isinstance(error, ServiceUnavailable) else 502
        return _shown(request, _new_form(request), status=status, trouble=f"No git token was made: {error}.")
    except TenantsError as error:
        return _shown(request, _new_form(request), status=error.status, trouble=error.detail)
    made = {"kind": "git", "username": username, "token": token, "expires": expires_on}
    return _shown(request, _new_form(request), status=201, made=made)


@page("POST")
def git_tokens_end(request: HttpRequest) -> HttpResponse:
    try:
        git_tokens_revoke(user=person(request))
    except ProvisioningError as error:
        status = 503 if isinstance(error, ServiceUnavailable) else 502
        trouble = f"Your git tokens are not revoked yet, and will be as soon as that is possible: {error}."
        return _shown(request, _new_form(request), status=status, trouble=trouble)
    messages.success(request, "Your git tokens are revoked.")
    return redirect("portal:tokens")


@page("POST")
def api_token(request: HttpRequest) -> HttpResponse:
    form = ApiTokenForm(request.POST, places=_places(request))
    if not form.is_valid():
        return _shown(request, form, status=400)
    try:
        row, token = _create(request, form)
    except TenantsError as error:
        return _shown(request, form, status=put_refusal(form, error))
    made = {"kind": "API", "name": row.name, "token": token, "expires": row.expires_at.date()}
    return _shown(request, _new_form(request), status=201, made=made)


@page("POST")
def api_token_end(request: HttpRequest, token: int) -> HttpResponse:
    row = get_visible(rows.tokens_in_force(), user=request.user, action="token.view", pk=token)
    try:
        api_token_revoke(token=row, actor=person(request))
    except TenantsError as error:
        return _shown(request, _new_form(request), status=error.status, trouble=error.detail)
    messages.success(request, f"Token {row.name} is revoked.")
    home = row.user.service_organization
    return redirect("portal:organization", home.slug) if home else redirect("portal:tokens")


def _create(request: HttpRequest, form: ApiTokenForm) -> tuple[ApiToken, str]:
    user, sent = person(request), form.cleaned_data
    kind, _, name = sent["place"].partition(":")
    return api_token_create(
        user=user,
        name=sent["name"],
        actor=user,
        scopes=sent["scopes"],
        organization=named_organization(user, name) if kind == "organization" else None,
        app=named_app(user, name) if kind == "app" else None,
        ttl=named_ttl(sent["expires_in_days"]),
        has_second_factor=authentication.get().has_second_factor,
    )


def _new_form(request: HttpRequest) -> ApiTokenForm:
    return ApiTokenForm(places=_places(request))


def _places(request: HttpRequest) -> list[tuple[str, str]]:
    user = person(request)
    organizations = access.restrict(rows.organizations(), user, "organization.view")[:_LISTED_PLACES]
    apps = access.restrict(PluginApp.objects.all(), user, "app.view")[:_LISTED_PLACES]
    return [
        ("", "everything that you may see"),
        *((f"organization:{row.slug}", f"organization {row.slug}") for row in organizations),
        *((f"app:{row.public_id}", f"app {row.public_id}, {row.name}") for row in apps),
    ]


def _shown(request: HttpRequest, form: Form, *, status: int = 200, **context: Any) -> HttpResponse:
    mine = rows.tokens_in_force().filter(user=person(request))
    tokens = list(access.restrict(mine, request.user, "token.view"))
    return render(request, "portal/tokens.html", {"form": form, "tokens": tokens, **context}, status=status)
