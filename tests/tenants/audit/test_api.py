"""The trail over REST: who sees what of it, filters, and an export that can be verified without Berth."""

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
from tenants.models import ApiToken, AuditEvent, User
from tenants.people.services.memberships import membership_remove
from tenants.people.services.tokens import api_token_revoke
from tenants.releases.choices import ReleaseState
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_token,
    make_user,
    owner_of,
)

pytestmark = pytest.mark.django_db
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


def digest(line: dict[str, Any]) -> str:
    """As the documentation of the export says it is computed."""
    content = {name: value for name, value in line.items() if name not in ("hash", "names", "withheld")}
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def test_an_event_tells_who_did_what_to_what_and_by_which_policy(acme: dict[str, Any]) -> None:
    (event,) = listed(acme["owner"], action="release.approved")
    assert event["actor"] == "rita"
    assert event["object"] == f"release:{acme['release'].pk}"
    assert (event["organization"], event["app"], event["environment"]) == ("acme", acme["app"].public_id, "production")
    assert (event["before"], event["after"]) == ({"state": "awaiting_review"}, {"state": "approved"})
    assert event["policy"] == "release-reviewers-decide"
    assert len(event["hash"]) == 64


def test_the_address_of_others_is_for_overseers(acme: dict[str, Any]) -> None:
    path = f"/api/v1/apps/{acme['app'].public_id}/environments/test/"
    developer = api_client(make_member(acme["organization"]))
    acme["owner"].patch(path, {"pids": 99}, format="json")
    seen = {
        name: listed(client, action="environment.changed")[0]["source_address"]
        for name, client in {
            "themselves": acme["owner"],
            "another member": developer,
            "operator": api_client(make_operator()),
        }.items()
    }
    assert seen == {"themselves": "127.0.0.1", "another member": None, "operator": "127.0.0.1"}


def test_everybody_sees_their_part_of_the_trail(acme: dict[str, Any]) -> None:
    assert {event["organization"] for event in listed(acme["owner"])} == {"acme"}
    assert listed(api_client(make_user())) == []
    by_operator = {event["organization"] for event in listed(api_client(make_operator()))}
    assert len(by_operator) == 3
    assert None in by_operator


OF_A_RELEASE = {
    *("release.submitted", "release.checking", "release.pushers_recorded", "release.scope"),
    *("release.checked", "release.approved"),
}
FILTERS = [
    ("actor", "rita", {"release.approved"}),
    ("actor", "RITA", {"release.approved"}),
    ("actor", "nobody", set()),
    ("action", "app.created", {"app.created"}),
    ("action", "release", OF_A_RELEASE),
    ("object", "organization:acme", {"organization.created"}),
    ("object", "organization", {"organization.created"}),
    ("organization", "acme", None),
    ("organization", "another", set()),
    ("app", "app1999999", set()),
    ("policy", "app-keepers-manage", {"app.created"}),
    ("since", "1h", None),
    ("until", "1h", set()),
]


@pytest.mark.parametrize(("name", "value", "actions"), FILTERS)
def test_filters_leave_what_they_name(acme: dict[str, Any], name: str, value: str, actions: set[str] | None) -> None:
    everything = {event["action"] for event in listed(acme["owner"])}
    found = {event["action"] for event in listed(acme["owner"], **{name: value})}
    assert found == (everything if actions is None else actions)
    assert {line["action"] for line in exported(acme["owner"], **{name: value})} == found


def test_a_filter_shows_nothing_of_others(acme: dict[str, Any]) -> None:
    other = make_app(organization=make_organization(slug="others"))
    strangers = {"organization": "others", "app": other.public_id, "object": f"app:{other.public_id}"}
    for name, value in strangers.items():
        assert listed(acme["owner"], **{name: value}) == exported(acme["owner"], **{name: value}) == []


def test_time_filters_take_both_ends(acme: dict[str, Any]) -> None:
    event = AuditEvent.objects.get(action="release.approved")
    at = event.created_at.isoformat()
    assert [row["id"] for row in listed(acme["owner"], since=at, until=at)] == [event.pk]


def test_the_timeline_takes_the_filters_of_one_app(acme: dict[str, Any]) -> None:
    path = f"/api/v1/apps/{acme['app'].public_id}/timeline/"
    assert {event["actor"] for event in listed(acme["owner"], path, actor="rita")} == {"rita"}
    found = listed(acme["owner"], path, object=f"app:{acme['app'].public_id}", action="app")
    assert {event["action"] for event in found} == {"app.created", "app.repository", "app.activated"}


REFUSED = [
    ("action", "Release Approved"),
    ("action", "release.%"),
    ("object", "app:"),
    ("object", ":app1000001"),
    ("since", "yesterday"),
    ("since", "2026-01-31T12:00:00"),
    ("until", "2026-13-31T12:00:00Z"),
    ("since", "9999999d"),
    ("since", "999999d"),
    ("actor", "a\x00b"),
    ("request_id", "x" * 65),
    ("page_size", "0"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
@pytest.mark.parametrize("path", [AUDIT, f"{AUDIT}export/"])
def test_a_value_that_can_not_be_one_is_refused_by_name(acme: dict[str, Any], path: str, name: str, value: str) -> None:
    if name == "page_size" and path != AUDIT:
        name, value = "since", "soon"  # an export has no pages
    response = acme["owner"].get(path, {name: value})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    (error,) = response.json()["errors"]
    assert error["field"] == name


def test_since_after_until_is_refused(acme: dict[str, Any]) -> None:
    response = acme["owner"].get(AUDIT, {"since": "1h", "until": "2h"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "until")


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


def test_a_refused_attempt_is_on_the_trail_with_its_decision(acme: dict[str, Any]) -> None:
    developer = make_member(acme["organization"])
    path = f"/api/v1/apps/{acme['app'].public_id}/"
    refused = api_client(developer).patch(path, {"name": "Mine"}, format="json", headers={"X-Request-Id": "refused-01"})
    assert refused.status_code == 403
    (event,) = listed(acme["owner"], action="access.denied", request_id="refused-01")
    assert (event["actor"], event["object"]) == (developer.username, f"app:{acme['app'].public_id}")
    assert event["app"] == acme["app"].public_id
    assert event["data"]["action"] == "app.change"
    decision = AuditEvent.objects.get(action="access.denied").decision
    assert decision["is_allowed"] is False
    assert decision["actor_id"] == developer.pk


def test_nothing_on_the_trail_has_a_secret(acme: dict[str, Any]) -> None:
    secret = "hunter2-hunter2"
    path = f"/api/v1/apps/{acme['app'].public_id}/environments/test/variables/KEY/"
    assert acme["owner"].put(path, {"value": secret, "secret": True}, format="json").status_code == 200
    assert acme["owner"].put(path, {"value": secret * 2, "secret": True}, format="json").status_code == 200
    assert acme["owner"].delete(path).status_code == 204
    lines = exported(acme["owner"], action="variable")
    assert [line["action"] for line in lines] == ["variable.set", "variable.changed", "variable.removed"]
    assert [line["after"] for line in lines] == [{"name": "KEY", "is_secret": True}] * 2 + [{}]
    assert secret not in json.dumps(lines)


def test_a_user_who_is_gone_stays_on_the_trail(acme: dict[str, Any]) -> None:
    User.objects.filter(username="rita").update(is_active=False)
    assert {event["actor"] for event in listed(acme["owner"], actor="rita")} == {"rita"}
