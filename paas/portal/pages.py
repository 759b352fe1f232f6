"""What every page of the portal shares: who looks, what they find, and how a refusal is shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenants.access import rows
from tenants.access.finding import get_visible, number_of
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.request_context import authentication
from tenants.exceptions import TenantsError
from tenants.organizations.models.organization import Organization
from tenants.people.models.user import User
from tenants.people.sessions import by_session
from tenants.releases.models.release import Release

PAGE_SIZE = 25
Row = TypeVar("Row", bound=Model)
View = Callable[..., HttpResponse]


def page(*methods: str) -> Callable[[View], View]:
    """A page for who is signed in, kept by no cache: after sign-out the browser's back button shows nothing."""

    def decorate(view: View) -> View:
        guarded: View = never_cache(login_required(require_http_methods(methods or ("GET", "HEAD"))(view)))

        @wraps(view)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated:
                authentication.set(by_session(request))
            return guarded(request, *args, **kwargs)

        return shown

    return decorate


def person(request: HttpRequest) -> User:
    """Who looks. Only pages behind `page` ask."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def find_app(request: HttpRequest, public_id: str, *, queryset: QuerySet[PluginApp] | None = None) -> PluginApp:
    """The app as far as this person may see it; else `Http404`."""
    number = number_of(public_id)
    if number is None:
        raise Http404
    queryset = PluginApp.objects.select_related("organization") if queryset is None else queryset
    return get_visible(queryset, user=request.user, action="app.view", number=number)


def find_organization(request: HttpRequest, slug: str) -> Organization:
    if "\x00" in slug:
        raise Http404
    return get_visible(Organization.objects.all(), user=request.user, action="organization.view", slug=slug)


def find_environment(request: HttpRequest, public_id: str, name: str) -> Environment:
    number = number_of(public_id)
    if number is None:
        raise Http404
    queryset = Environment.objects.select_related("app__organization", "current_release")
    return get_visible(queryset, user=request.user, action="environment.view", app__number=number, name=name)


def find_release(request: HttpRequest, pk: int) -> Release:
    queryset = rows.releases().select_related("environment__current_release")
    return get_visible(queryset, user=request.user, action="release.view", pk=pk)


def page_of(request: HttpRequest, queryset: QuerySet[Row]) -> Page[Row]:
    """The page that `?page=` names; the nearest one where it names none."""
    return Paginator(queryset, PAGE_SIZE).get_page(request.GET.get("page"))


def asked_number(request: HttpRequest, name: str, default: int) -> int:
    """A whole number of the query; `default` for anything else."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def query_without_page(request: HttpRequest) -> str:
    """The query string for links to other pages: `search=x&`, or empty."""
    query = request.GET.copy()
    query.pop("page", None)
    text = query.urlencode()
    return f"{text}&" if text else ""


def put_refusal(form: Form, error: TenantsError) -> int:
    """Shows a service's refusal beside the fields it names, and the rest on top. Gives the HTTP status."""
    for field, messages in error.errors.items():
        if field in form.fields:
            form.add_error(field, [capfirst(message) for message in messages])
        else:
            form.add_error(None, [f"{capfirst(field)}: {message}" for message in messages])
    if not error.errors:
        form.add_error(None, capfirst(error.detail))
    return error.status
