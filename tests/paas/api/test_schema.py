"""The OpenAPI document and its page."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient


@pytest.fixture
def schema(db: None) -> Any:
    return APIClient().get("/api/v1/schema/").json()


def test_the_document_is_valid_and_made_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert "/api/v1/apps/" in (tmp_path / "schema.yml").read_text()


def test_every_call_documents_its_refusals(schema: Any) -> None:
    operations = [
        operation
        for path in schema["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    assert len(operations) >= 25
    for operation in operations:
        refused = operation["responses"]["default"]["content"]
        assert refused["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def test_calls_that_create_document_their_key(schema: Any) -> None:
    for path in ("organizations/", "apps/", "apps/{app}/releases/"):
        names = [parameter["name"] for parameter in schema["paths"][f"/api/v1/{path}"]["post"]["parameters"]]
        assert "Idempotency-Key" in names


def test_no_answer_documents_a_value_or_a_password(schema: Any) -> None:
    for name, component in schema["components"]["schemas"].items():
        if name not in {"VariableSet", "TokenCreate"}:
            assert not {"value", "password"} & set(component.get("properties", {}))


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
