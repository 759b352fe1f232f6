"""Tokens for git and for the REST API. A new one stands on the page that made it, and nowhere else."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from paas.portal.forms import ApiTokenForm
from paas.portal.pages import page, person, put_refusal
from provisioning.exceptions import ProvisioningError, ServiceUnavailable
from provisioning.services.repositories import git_token_create
from tenants.exceptions import TenantsError
from tenants.models import ApiToken
from tenants.services.tokens import ALL_SCOPES, api_token_create, api_token_revoke

_LARGEST_ID = 2**63 - 1


@page()
def token_page(request: HttpRequest) -> HttpResponse:
    return _shown(request, ApiTokenForm())


@page("POST")
def git_token(request: HttpRequest) -> HttpResponse:
    try:
        username, token, expires_on = git_token_create(user=person(request))
    except ProvisioningError as error:
        status = 503 if isinstance(error, ServiceUnavailable) else 502
        return _shown(request, ApiTokenForm(), status=status, trouble=f"No git token was made: {error}.")
    made = {"kind": "git", "username": username, "token": token, "expires": expires_on}
    return _shown(request, ApiTokenForm(), status=201, made=made)


@page("POST")
def api_token(request: HttpRequest) -> HttpResponse:
    form = ApiTokenForm(request.POST)
    if not form.is_valid():
        return _shown(request, form, status=400)
    try:
        row, token = api_token_create(
            user=person(request), name=form.cleaned_data["name"], actor=person(request), scopes=ALL_SCOPES
        )
    except TenantsError as error:
        return _shown(request, form, status=put_refusal(form, error))
    made = {"kind": "API", "name": row.name, "token": token, "expires": row.expires_at.date()}
    return _shown(request, ApiTokenForm(), status=201, made=made)


@page("POST")
def api_token_end(request: HttpRequest, token: int) -> HttpResponse:
    row = _in_force(request).filter(pk=min(token, _LARGEST_ID)).first()
    if row is None:
        raise Http404
    api_token_revoke(token=row, actor=person(request))
    messages.success(request, f"Token {row.name} is revoked.")
    return redirect("portal:tokens")


def _shown(request: HttpRequest, form: Form, *, status: int = 200, **context: Any) -> HttpResponse:
    tokens = list(_in_force(request))
    return render(request, "portal/tokens.html", {"form": form, "tokens": tokens, **context}, status=status)


def _in_force(request: HttpRequest) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user=person(request), revoked_at=None, expires_at__gt=timezone.now())
