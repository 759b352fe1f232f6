"""What a view promises by declaring its actions, before it looks anything up."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.generics import RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from tenants.apps.api.serializers import AppSerializer
from tenants.models import PluginApp, User
from tests.factories import api_client, make_app, make_token, make_user, owner_of

pytestmark = pytest.mark.django_db


class Careless(APIView):
    """Says what GET does, and forgets POST."""

    access_actions = {"GET": "app.view"}

    def get(self, request: Request) -> Response:
        return Response("got")

    def post(self, request: Request) -> Response:
        return Response("written")


class Direct(RetrieveAPIView[PluginApp]):
    """Finds its row without `access.restrict`."""

    access_actions = {"GET": "app.view"}
    queryset = PluginApp.objects.all()
    serializer_class = AppSerializer


def asked(view: type[APIView], user: User, method: str = "GET", **kwargs: int) -> Response:
    request = APIRequestFactory().generic(method, "/")
    force_authenticate(request, user)
    answer: Response = view.as_view()(request, **kwargs)
    return answer


def test_a_method_that_declares_nothing_answers_nobody() -> None:
    user = make_user()
    assert asked(Careless, user).data == "got"
    assert asked(Careless, user, "HEAD").status_code == 200
    with pytest.raises(ImproperlyConfigured, match="Careless declares no access_actions for POST"):
        asked(Careless, user, "POST")
    assert asked(Careless, user, "DELETE").status_code == 405


def test_a_row_that_a_view_found_by_itself_is_judged_nevertheless() -> None:
    app = make_app()
    assert asked(Direct, owner_of(app.organization), pk=app.pk).data["id"] == app.public_id
    refused = asked(Direct, make_user(), pk=app.pk)
    assert refused.status_code == 403
    assert b"no policy allows you app.view here" in refused.content


def test_what_a_call_takes_may_be_asked_with_any_token() -> None:
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(make_user(), scopes=['read'])}")
    assert client.options("/api/v1/apps/").status_code == 200
    assert client.head("/api/v1/apps/").status_code == 200
    assert api_client().options("/api/v1/apps/").status_code == 401
