"""The OpenAPI document and its page."""

import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from paas.api.refusals import ALSO, REFUSALS


@pytest.fixture
def schema(db: None) -> Any:
    return APIClient().get("/api/v1/schema/").json()


def test_the_document_is_valid_and_made_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert "/api/v1/apps/" in (tmp_path / "schema.yml").read_text()


def operations_of(schema: Any) -> list[Any]:
    return [
        operation
        for path in schema["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]


def test_every_call_documents_each_of_its_refusals(schema: Any) -> None:
    operations = operations_of(schema)
    assert len(operations) >= 70
    for operation in operations:
        refused = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
        assert "default" not in refused
        assert "406" in refused
        for status, answer in refused.items():
            if (operation["operationId"], status) != ("health", "503"):
                problem = answer["content"]["application/problem+json"]["schema"]
                assert problem["$ref"].endswith("/Problem")
        if operation.get("security"):
            assert {"401", "429", "503"} <= refused.keys()
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= refused.keys()


def test_what_single_calls_answer_beside_is_said_of_calls_that_there_are(schema: Any) -> None:
    assert ALSO.keys() <= {operation["operationId"] for operation in operations_of(schema)}
    assert set().union(*ALSO.values()) <= REFUSALS.keys()


def test_calls_that_create_document_their_key(schema: Any) -> None:
    for path in ("organizations/", "apps/", "apps/{app}/releases/"):
        names = [parameter["name"] for parameter in schema["paths"][f"/api/v1/{path}"]["post"]["parameters"]]
        assert "Idempotency-Key" in names


def test_no_answer_documents_a_value_or_a_password(schema: Any) -> None:
    components, waiting = (
        schema["components"]["schemas"],
        [operation["responses"] for operation in operations_of(schema)],
    )
    answered: set[str] = set()
    while waiting:
        names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop()))) - answered
        answered |= names
        waiting += [components[name] for name in names]
    assert {"App", "Release", "TokenCreated", "Problem"} <= answered
    for name in answered:
        assert (
            not {"value", "password", "password_hash", "token_sha256"} & components[name].get("properties", {}).keys()
        )


@pytest.mark.django_db
def test_the_page_loads_only_files_of_our_own_and_they_are_there() -> None:
    client = APIClient()
    page = client.get("/api/v1/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script>[^<]", text)
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(sources) >= 4
    for source in sources:
        assert source.startswith("/")
        assert client.get(source.replace("&amp;", "&")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/static/../paas/settings/base.py", "/static/%2e%2e/manage.py", "/static//etc/passwd"]
)
def test_static_files_are_those_alone(path: str) -> None:
    assert APIClient().get(path).status_code in {400, 404}
