"""The export of the trail: it can be verified, and ends with the access of its reader."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tenants.audit.services.record import audit_record
from tenants.models import ApiToken, AuditEvent
from tenants.people.services.memberships import membership_remove
from tenants.people.services.tokens import api_token_revoke
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_operator,
    make_token,
    owner_of,
)
from tests.tenants.audit.listed import AUDIT, exported, listed

pytestmark = pytest.mark.django_db


def digest(line: dict[str, Any]) -> str:
    """As the documentation of the export says it is computed."""
    content = {name: value for name, value in line.items() if name not in ("hash", "names", "withheld")}
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def test_an_export_can_be_verified_line_by_line(acme: dict[str, Any]) -> None:
    audit_record(action="test", message="§ 1 \x00 🚢", organization=acme["organization"], data={"x": [1.5, 1e22, None]})
    lines = exported(api_client(make_operator()), organization="acme")
    assert len(lines) == AuditEvent.objects.filter(organization=acme["organization"]).count()
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert [digest(line) for line in lines] == [line["hash"] for line in lines]
    assert [line["previous_hash"] for line in lines] == ["0" * 64, *(line["hash"] for line in lines[:-1])]
    assert {line["names"]["organization"] for line in lines} == {"acme"}
    approved = next(line for line in lines if line["action"] == "release.approved")
    assert approved["names"] == {
        "actor": "rita",
        "organization": "acme",
        "app": acme["app"].public_id,
        "release": acme["release"].number,
    }
    assert approved["decision"]["subject"]["platform_roles"] == ["reviewer"]


def test_what_is_withheld_is_named_and_the_chain_still_holds(acme: dict[str, Any]) -> None:
    lines = exported(acme["owner"])
    assert [line["previous_hash"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    approved = next(line for line in lines if line["action"] == "release.approved")
    assert "decision" in approved["withheld"]
    assert approved["decision"] is approved["source_address"] is None
    own = next(line for line in lines if line["action"] == "app.created")
    assert own["withheld"] == []
    assert digest(own) == own["hash"]


def test_who_may_read_but_not_export_gets_nothing(acme: dict[str, Any]) -> None:
    assert listed(api_client(acme["reviewer"]))
    assert exported(api_client(acme["reviewer"])) == []


def test_a_token_for_one_organization_exports_that_one_s_part(acme: dict[str, Any]) -> None:
    owner, other = owner_of(acme["organization"]), make_app()
    make_member(other.organization, "owner", owner)
    client = APIClient()
    token = make_token(owner, organization=acme["organization"])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    acme_s, other_s = acme["organization"].pk, other.organization.pk
    assert {event["organization"] for event in exported(acme["owner"])} == {acme_s, other_s}
    assert {event["organization"] for event in exported(client)} == {acme_s}


def test_an_export_of_many_takes_a_query_for_each_chunk(acme: dict[str, Any]) -> None:
    counts = []
    for more in (0, 3, 30):
        for number in range(more):
            audit_record(action="test", message=str(number), organization=acme["organization"])
        with CaptureQueriesContext(connection) as queries:
            exported(acme["owner"])
        counts.append(len(queries))
    assert counts[1] == counts[2]


def parts_read(response: Any, after_first: Callable[[], object]) -> int:
    async def read() -> int:
        parts = 0
        async for _ in response.streaming_content:
            parts += 1
            if parts == 1:
                await sync_to_async(after_first)()
        return parts

    return async_to_sync(read)()


def test_who_loses_access_during_an_export_gets_no_more(acme: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.audit.api.views._CHUNK", 2)
    organization = acme["organization"]
    member, owner = make_member(organization), owner_of(organization)
    response = api_client(member).get(f"{AUDIT}export/")
    assert parts_read(response, partial(str)) > 1
    response = api_client(member).get(f"{AUDIT}export/")
    leave = partial(membership_remove, organization=organization, username=member.username, actor=owner)
    assert parts_read(response, leave) == 1


def test_whose_token_or_session_ends_during_an_export_gets_no_more(
    acme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.audit.api.views._CHUNK", 2)
    owner = owner_of(acme["organization"])
    response = acme["owner"].get(f"{AUDIT}export/")
    token = ApiToken.objects.get(user=owner)
    assert parts_read(response, partial(api_token_revoke, token=token, actor=owner)) == 1
    client = APIClient()
    client.force_login(owner)
    assert parts_read(client.get(f"{AUDIT}export/"), partial(str)) > 1
    assert parts_read(client.get(f"{AUDIT}export/"), client.logout) == 1
