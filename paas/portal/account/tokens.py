"""Tokens for git and for the REST API. A new one stands on the page after the form that made it, once."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from paas.portal.account.forms import ApiTokenForm
from paas.portal.confirmation import Question, ask, is_confirmed
from paas.portal.pages import page, person, put_refusal
from paas.portal.shown_once import keep, take
from provisioning.exceptions import ProvisioningError, ServiceUnavailable
from provisioning.repositories.services.git_tokens import git_token_revoke, git_tokens_listed
from provisioning.repositories.services.repositories import git_token_create, git_tokens_revoke
from tenants import access
from tenants.access import rows
from tenants.access.finding import get_visible
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.request_context import authentication
from tenants.exceptions import TenantsError
from tenants.people.models.credentials import ApiToken
from tenants.people.services.tokens import api_token_create, api_token_revoke
from tenants.people.token_places import named_app, named_organization, named_ttl

_MADE = "token"
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
    keep(request, _MADE, {"kind": "git", "username": username, "token": token, "expires": expires_on})
    return redirect("portal:tokens")


@page("GET", "HEAD", "POST")
def git_token_end(request: HttpRequest, token: int) -> HttpResponse:
    user = person(request)
    try:
        row = next((row for row in git_tokens_listed(user=user) if row.id == token), None)
        if row is None:
            raise Http404
        question = Question(
            title="Revoke this git token?",
            losses=[
                f"It was made on {row.created_at:%Y-%m-%d}. Every clone and push with it is refused from then on.",
                "It can't be brought back: whatever uses it needs a new one.",
            ],
            button="Revoke the git token",
            back=reverse("portal:tokens"),
        )
        if not is_confirmed(request, question):
            return ask(request, question)
        git_token_revoke(user=user, token_id=token, actor=user)
    except ProvisioningError as error:
        status = 503 if isinstance(error, ServiceUnavailable) else 502
        return _shown(request, _new_form(request), status=status, trouble=f"No git token was revoked: {error}.")
    messages.success(request, "The git token is revoked.")
    return redirect("portal:tokens")


@page("GET", "HEAD", "POST")
def git_tokens_end(request: HttpRequest) -> HttpResponse:
    question = Question(
        title="Revoke all your git tokens?",
        losses=[
            "Every clone and push with any of them is refused from then on, on all your machines.",
            "None can be brought back: make a new one for each machine that still needs one.",
        ],
        button="Revoke all git tokens",
        back=reverse("portal:tokens"),
    )
    if not is_confirmed(request, question):
        return ask(request, question)
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
    keep(request, _MADE, {"kind": "API", "name": row.name, "token": token, "expires": row.expires_at.date()})
    return redirect("portal:tokens")


@page("GET", "HEAD", "POST")
def api_token_end(request: HttpRequest, token: int) -> HttpResponse:
    row = get_visible(rows.tokens_in_force(), user=request.user, action="token.view", pk=token)
    home = row.user.service_organization
    back = reverse("portal:organization", args=[home.slug]) if home else reverse("portal:tokens")
    used = f"It was last used on {row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "It was never used"
    question = Question(
        title=f"Revoke the token {row.name} of {row.user}?",
        losses=[
            f"{used}. Whatever uses it is refused from then on; its scopes were {', '.join(row.scopes)}.",
            "It can't be brought back: whatever uses it needs a new one.",
        ],
        button="Revoke the token",
        back=back,
    )
    if not is_confirmed(request, question):
        return ask(request, question)
    try:
        api_token_revoke(token=row, actor=person(request))
    except TenantsError as error:
        return ask(request, question, trouble=error.detail, status=error.status)
    messages.success(request, f"Token {row.name} is revoked.")
    return redirect(back)


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
    context = {
        "form": form,
        "tokens": tokens,
        "made": take(request, _MADE) if request.method == "GET" else None,
        **_git_tokens(request),
        **context,
    }
    return render(request, "portal/tokens.html", context, status=status)


def _git_tokens(request: HttpRequest) -> dict[str, Any]:
    try:
        return {"git_tokens": git_tokens_listed(user=person(request)), "git_trouble": ""}
    except ProvisioningError as error:
        return {"git_tokens": [], "git_trouble": f"Your git tokens can't be listed right now: {error}."}
