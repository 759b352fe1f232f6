"""Shared by the tests of api."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from tenants.releases.choices import ReleaseState
from tests.factories import (
    api_client,
    make_app,
    make_organization,
    make_release,
    make_reviewer,
    owner_of,
)

AUDIT = "/api/v1/audit/"


@pytest.fixture
def acme() -> dict[str, Any]:
    """An organization with an app and a release that a reviewer approved, beside another one's."""
    organization = make_organization(slug="acme")
    app = make_app(organization=organization, slug="shop")
    reviewer = make_reviewer("rita")
    release = make_release(app=app, state=ReleaseState.APPROVED, reviewer=reviewer)
    make_app()
    return {
        "organization": organization,
        "app": app,
        "release": release,
        "owner": api_client(owner_of(organization)),
        "reviewer": reviewer,
    }


def listed(client: APIClient, path: str = AUDIT, **parameters: str) -> list[dict[str, Any]]:
    response = client.get(path, {"page_size": "100"} | parameters)
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def exported(client: APIClient, **parameters: str) -> list[dict[str, Any]]:
    response = client.get(f"{AUDIT}export/", parameters, headers={"Accept": "application/x-ndjson"})
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/x-ndjson"

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    text = async_to_sync(read)().decode()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]
