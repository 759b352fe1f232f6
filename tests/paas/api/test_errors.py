"""What a refusal looks like, wherever it comes from."""

import json
import re

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, OperationalError
from django.test import AsyncClient, Client, override_settings
from rest_framework.test import APIClient

from tenants.models import AuditEvent
from tenants.people.api.me import MeView
from tests.factories import api_client, make_token, make_user

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/api/v1/organizations/"


@pytest.fixture
def client() -> APIClient:
    return api_client(make_user())


def send(client: APIClient, body: bytes | str, content_type: str = "application/json") -> tuple[int, dict]:
    response = client.generic("POST", ORGANIZATIONS, body, content_type=content_type)
    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert problem["type"] == f"urn:berth:error:{problem['code']}"
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return response.status_code, problem


def test_a_refused_body_names_each_field(client: APIClient) -> None:
    code, problem = send(client, '{"name": "", "slug": "-", "nope": 1, "nada": 2}')
    assert (code, problem["code"]) == (400, "invalid_input")
    assert {(error["field"], error["code"]) for error in problem["errors"]} == {
        ("nope", "unknown_field"),
        ("nada", "unknown_field"),
    }
    code, problem = send(client, '{"name": 1}')
    assert {(error["field"], error["code"]) for error in problem["errors"]} == {
        ("name", "wrong_type"),
        ("slug", "required"),
    }


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"", b"\xff", b'{"a": 1,}', b"{'a': 1}", b'{"name": NaN}', b'{"name": -Infinity}', b'{"name": 1e999}'),
        *(b'{"name": 1' + b"0" * 5000 + b"}", b'{"name": "a", "name": "b"}', b'{"a": {"b": 1, "b": 2}}', b'"\x00"'),
        *(b"[" * 21 + b"]" * 21, b'{"a":' * 21 + b"1" + b"}" * 21, b"[" * 100_000, b'{"a": "\\ud800"}'),
        *(b"[]", b'"x"', b"1", b"null", b"true", b'[{"name": "x", "slug": "x"}]'),
    ],
    ids=lambda body: body[:20].decode(errors="replace"),
)
def test_what_is_not_one_plain_json_object_is_a_400(client: APIClient, body: bytes) -> None:
    assert send(client, body)[0] == 400


def test_of_very_many_errors_the_first_stand_there_and_the_count_of_the_rest(client: APIClient) -> None:
    problem = send(client, json.dumps({f"nope{number:05}": 1 for number in range(5000)}))[1]
    *shown, last = problem["errors"]
    assert [error["field"] for error in shown] == [f"nope{number:05}" for number in range(len(shown))]
    assert 20 <= len(shown) <= 100
    assert (last["field"], last["code"]) == ("body", "more_errors")
    assert last["message"].startswith(f"{5000 - len(shown)} more errors")


@pytest.mark.parametrize(("names", "length"), [(1, 100_000), (200, 3000)])
def test_a_long_name_of_a_field_does_not_come_back_at_length(client: APIClient, names: int, length: int) -> None:
    sent = {f"{number:03}{'x' * length}": 1 for number in range(names)}
    problem = send(client, json.dumps(sent))[1]
    assert problem["errors"][0]["field"].startswith("000xxx")
    assert len(json.dumps(problem)) < 20_000


def test_a_body_of_unannounced_length_is_not_taken_for_none(client: APIClient) -> None:
    response = client.generic("POST", ORGANIZATIONS, headers={"Transfer-Encoding": "chunked"})
    assert (response.status_code, response.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize("path", ["organizations/a%00b/", "apps/app1000001%00/", "%00"])
def test_a_nul_in_a_path_names_nothing(client: APIClient, path: str) -> None:
    response = client.get(f"/api/v1/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("levels", "code"), [(20, "invalid_input"), (21, "parse_error")])
def test_a_body_has_at_most_twenty_levels(client: APIClient, levels: int, code: str) -> None:
    assert send(client, '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}")[1]["code"] == code


def test_brackets_in_a_text_are_not_nesting(client: APIClient) -> None:
    code, problem = send(client, json.dumps({"name": "[" * 50, "slug": '\\"' + "{" * 50}))
    assert (code, [error["field"] for error in problem["errors"]]) == (400, ["slug"])


def test_a_body_may_have_a_mebibyte_and_no_more(client: APIClient) -> None:
    room = 1024 * 1024 - len('{"name": "", "slug": "x"}')
    assert send(client, json.dumps({"name": "x" * room, "slug": "x"}))[0] == 400
    code, problem = send(client, json.dumps({"name": "x" * (room + 1), "slug": "x"}))
    assert (code, problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "x"]
)
def test_other_bodies_than_json_are_a_415(client: APIClient, content_type: str) -> None:
    assert send(client, "a=1", content_type)[0] == 415


def test_unknown_urls_and_methods(client: APIClient) -> None:
    for path in ("/api/", "/api/v2/apps/", "/api/v1/nope/", "/api/v1/apps/app1000001/nope/"):
        response = client.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert response.headers["Content-Type"] == "application/problem+json"
    response = client.put(ORGANIZATIONS, {}, format="json")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]
    assert client.get("/api/v1/me/", headers={"Accept": "image/png"}).status_code == 406
    assert "html" in Client().get("/nope").headers["Content-Type"]


def test_a_foreign_host_name_is_refused_in_the_same_form(client: APIClient) -> None:
    response = client.get("/api/v1/me/", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["status"]) == (400, 400)


@pytest.mark.parametrize(("error", "code"), [(RuntimeError, 500), (DatabaseError, 500), (OperationalError, 503)])
def test_a_fault_tells_nothing_of_the_inside(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: int
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise error("s3cret canary in /srv/berth/file.py")

    monkeypatch.setattr(MeView, "get", fail)
    response = client.get("/api/v1/me/")
    assert response.status_code == code
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "canary" not in response.content.decode()
    assert "Traceback" not in response.content.decode()
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_a_well_formed_request_id_is_taken_and_any_other_replaced(client: APIClient) -> None:
    assert client.get("/api/v1/me/", headers={"X-Request-Id": "build-42.a_B"}).headers["X-Request-Id"] == "build-42.a_B"
    for sent in ("", "short", "x" * 65, "a b c d e", "<script>x</script>", "ä" * 10):
        answered = client.get("/api/v1/me/", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{32}", answered)


def test_what_a_request_writes_carries_its_id_on_the_event_loop_too() -> None:
    text = make_token(make_user())
    response = async_to_sync(AsyncClient().post)(
        ORGANIZATIONS,
        {"name": "Acme", "slug": "acme"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    assert response.status_code == 201
    assert AuditEvent.objects.get(action="organization.created").request_id == response.headers["X-Request-Id"]


def test_answers_of_the_api_are_not_cached_and_run_nothing(client: APIClient) -> None:
    headers = client.get("/api/v1/me/").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "script-src 'self'" in headers["Content-Security-Policy"]


@override_settings(ALLOWED_HOSTS=["*"])
def test_options_tells_what_a_call_is_for_without_a_fault(client: APIClient) -> None:
    for path in ("me/", "organizations/", "apps/", "releases/", "tokens/", "health/"):
        assert client.options(f"/api/v1/{path}").status_code == 200
