"""How whoever acts came in: what decisions and the trail know of it, while a request runs and after it."""

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from paas.portal.pages import page
from paas.urls import handler400, handler403, handler404, handler500
from paas.urls import urlpatterns as real_urls
from tenants.audit.choices import AuthenticationMethod
from tenants.audit.request_context import Authentication, authentication
from tenants.models import ApiToken, User
from tenants.rest.permissions import OwnAffair
from tests.authenticator import enroll
from tests.factories import api_client, make_organization, make_user, owner_of

__all__ = ["handler400", "handler403", "handler404", "handler500"]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def _said() -> dict[str, object]:
    now = authentication.get()
    return {
        "method": now.method,
        "address": now.address,
        "has_second_factor": now.has_second_factor,
        "token": now.token_id,
        "scopes": None if now.scopes is None else sorted(now.scopes),
        "organization": now.organization_id,
        "app": now.app_id,
    }


class Says(APIView):
    access_actions = {"GET": OwnAffair("it says who asks")}

    def get(self, request: Request) -> Response:
        return Response(_said())


@page()
def says(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_said()["method"])


def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{authentication.get().method} {authentication.get().address}")


urlpatterns = [path("says/", Says.as_view()), path("page/", says), path("public/", public), *real_urls]


def test_a_token_comes_with_its_limits() -> None:
    organization = make_organization()
    user = owner_of(organization)
    client = api_client(user)
    token = ApiToken.objects.get(user=user)
    ApiToken.objects.update(scopes=["read", "deploy"], organization=organization, has_second_factor=True)
    assert client.get("/says/").json() == {
        "method": "token",
        "address": "127.0.0.1",
        "has_second_factor": True,
        "token": token.pk,
        "scopes": ["deploy", "read"],
        "organization": organization.pk,
        "app": None,
    }


@pytest.mark.parametrize("has_second_factor", [True, False])
def test_a_session_has_no_limits_and_knows_of_its_second_factor(has_second_factor: bool) -> None:
    user = make_user()
    client = _signed_in(user)
    if has_second_factor:
        enroll(user)
        session = client.session
        session["second_factor"] = timezone.now().isoformat()
        session.save()
    said = client.get("/says/").json()
    assert (said["method"], said["scopes"], said["has_second_factor"]) == ("session", None, has_second_factor)
    assert client.get("/page/").content == b"session"


def test_the_next_request_in_the_same_thread_is_nobodys() -> None:
    assert _signed_in(make_user()).get("/says/").json()["method"] == "session"
    assert authentication.get() == Authentication(method=AuthenticationMethod.PLATFORM)
    assert Client().get("/public/").content == b"anonymous 127.0.0.1"


def test_it_follows_a_request_from_the_event_loop_into_its_threads() -> None:
    user = make_user()

    async def ask() -> str:
        client = AsyncClient()
        await client.aforce_login(user)
        return (await client.get("/says/")).json()["method"]

    assert async_to_sync(ask)() == "session"


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
