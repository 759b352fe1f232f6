"""The trail over REST: who sees what of it, filters, and an export that can be verified without Berth."""

import json
from typing import Any

import pytest

from tenants.models import AuditEvent, User
from tests.factories import (
    api_client,
    make_app,
    make_member,
    make_operator,
    make_organization,
    make_user,
)
from tests.tenants.audit.listed import AUDIT, exported, listed

pytestmark = pytest.mark.django_db


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
