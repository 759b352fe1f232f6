"""A part of a request that its call does not take is refused by its name."""

import re
import subprocess
from typing import Any

import pytest
import requests
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from paas.api.strictness import query_parameters, takes_body, takes_key
from tenants.models import Organization
from tests.factories import api_client, make_token, make_user
from tests.tenants.rest.endpoints.routes import Endpoint, endpoints

ENDPOINTS = list(endpoints())
# Both speak of the document, which does not speak of itself.
DOCUMENTED = [endpoint for endpoint in ENDPOINTS if endpoint.route not in ("schema/", "docs/")]


def path_of(endpoint: Endpoint) -> str:
    return "/api/v1/" + re.sub(r"<str:\w+>", "x", re.sub(r"<int:\w+>", "1", endpoint.route))


def send(endpoint: Endpoint, query: str = "", body: bytes = b"", **headers: str) -> Any:
    """Nobody sends it, and nothing is there: the refusal comes before either is looked at."""
    client = APIClient()
    path = path_of(endpoint) + query
    return client.generic(endpoint.method, path, body, content_type="application/json", headers=headers)


def fields(response: Any) -> set[str]:
    assert response.status_code == 400, response.content
    assert response.json()["code"] == "invalid_input"
    return {error["field"] for error in response.json()["errors"]}


def test_calls_take_all_that_the_document_says_and_nothing_else() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for endpoint in DOCUMENTED:
        path = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", endpoint.route)
        operation = paths[path][endpoint.method.lower()]
        taken = {place: set() for place in ("query", "header", "path")}  # type: ignore[var-annotated]
        for parameter in operation.get("parameters", []):
            taken[parameter["in"]].add(parameter["name"])
        assert query_parameters(endpoint.view, endpoint.method) == taken["query"], str(endpoint)
        assert takes_key(endpoint.view, endpoint.method) is ("Idempotency-Key" in taken["header"]), str(endpoint)
        # A document of OpenAPI has no body for DELETE.
        if endpoint.method != "DELETE":
            assert takes_body(endpoint.view, endpoint.method) is ("requestBody" in operation), str(endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_an_unknown_query_parameter_is_named_with_the_allowed_ones(endpoint: Endpoint) -> None:
    response = send(endpoint, "?organisation=acme&stat=live")
    assert fields(response) == {"organisation", "stat"}
    text = response.json()["errors"][0]["message"]
    for name in query_parameters(endpoint.view, endpoint.method):
        assert name in text


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if query_parameters(one.view, one.method)], ids=str)
def test_a_parameter_that_is_there_twice_or_is_empty_is_refused(endpoint: Endpoint) -> None:
    for name in query_parameters(endpoint.view, endpoint.method):
        assert fields(send(endpoint, f"?{name}=a&{name}=b")) == {name}
        if name not in getattr(endpoint.view, "flags", ()):
            assert fields(send(endpoint, f"?{name}=")) == {name}


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if not takes_body(one.view, one.method)], ids=str)
def test_a_body_that_no_call_reads_is_refused(endpoint: Endpoint) -> None:
    for body in (b'{"comment": "why"}', b"[1]", b'"x"', b"x" * 1000, b'{"a": "' + b"b" * 1000 + b'"}'):
        assert fields(send(endpoint, body=body)) == {"body"}


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if one.method != "GET" and not takes_key(one.view, one.method)], ids=str
)
def test_a_key_of_a_call_that_would_be_done_again_is_refused(endpoint: Endpoint) -> None:
    assert fields(send(endpoint, **{"Idempotency-Key": "one"})) == {"Idempotency-Key"}


@pytest.mark.django_db
def test_an_empty_object_is_no_body(db: None) -> None:
    client = api_client(make_user())
    assert client.post("/api/v1/invitations/1/accept/", {}, format="json").status_code == 404
    assert client.post("/api/v1/invitations/1/accept/", {"role": "owner"}, format="json").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["releases/007/", "releases/00/approve/", "policies/01/", "tokens/0001/"])
def test_a_number_is_written_in_one_way(path: str) -> None:
    response = api_client(make_user()).generic("GET", f"/api/v1/{path}")
    assert (response.status_code, response.json()["code"]) in ((404, "not_found"), (405, "method_not_allowed"))
    assert response.status_code == 404 or path.startswith(("tokens", "releases/00/"))


class TestSlash:
    """With clients as people have them, over real HTTP."""

    BODY = {"name": "Acme", "slug": "acme"}

    @pytest.fixture
    def headers(self, transactional_db: None) -> dict[str, str]:
        return {"Authorization": f"Bearer {make_token(make_user())}"}

    def test_a_client_that_follows_makes_what_it_asked_for(self, live_server: Any, headers: dict[str, str]) -> None:
        answer = requests.post(f"{live_server}/api/v1/organizations", json=self.BODY, headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["slug"]) == (201, "acme")
        (hop,) = answer.history
        assert hop.status_code == 308
        assert Organization.objects.get().slug == "acme"

    def test_a_client_that_does_not_follow_reads_where_to(self, live_server: Any, headers: dict[str, str]) -> None:
        path = "/api/v1/organizations"
        answer = requests.post(
            f"{live_server}{path}?x=1", json=self.BODY, headers=headers, allow_redirects=False, timeout=30
        )
        assert (answer.status_code, answer.json()["code"]) == (308, "slash_missing")
        assert f"send the same request to {path}/" in answer.json()["detail"]
        assert answer.headers["Location"] == f"{path}/?x=1"
        assert not Organization.objects.exists()

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_other_methods_keep_theirs(self, live_server: Any, headers: dict[str, str], method: str) -> None:
        url = f"{live_server}/api/v1/apps/app1000001/environments/test/variables/A"
        answer = requests.request(method, url, json={"value": "x"}, headers=headers, timeout=30)
        assert answer.history[0].status_code == 308
        assert answer.request.method == method

    def test_curl_does_too(self, live_server: Any, headers: dict[str, str]) -> None:
        asked = ["curl", "-sS", "-L", "-H", f"Authorization: {headers['Authorization']}"]
        asked += ["-H", "Content-Type: application/json", "-d", '{"name": "Acme", "slug": "acme"}']
        done = subprocess.run(
            [*asked, f"{live_server}/api/v1/organizations"], capture_output=True, text=True, timeout=60, check=True
        )
        assert '"slug":"acme"' in done.stdout
        assert Organization.objects.count() == 1

    def test_a_page_is_found_as_before_and_no_address_leads_elsewhere(self, live_server: Any) -> None:
        answer = requests.get(f"{live_server}/sign-in", timeout=30)
        assert (answer.status_code, answer.history[0].status_code) == (200, 308)
        answer = requests.get(f"{live_server}//elsewhere.test/api/v1/health", allow_redirects=False, timeout=30)
        assert not answer.headers.get("Location", "").startswith("//")
