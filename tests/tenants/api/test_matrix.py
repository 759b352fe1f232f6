"""Every call of tenants' part of the API, by everybody: nobody, a stranger, each role, each platform role.

Whoever may not see gets the answer of what is not there; whoever may see but not do gets a 403; a new route without a
row here fails the last test.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern
from rest_framework.test import APIClient

from tenants.api.urls import urlpatterns
from tenants.choices import AppState, EnvironmentName, MemberRole, ReleaseState
from tenants.models import AuditEvent, User
from tenants.services import grants
from tests.factories import (
    api_client,
    make_app,
    make_invitation,
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_service_account,
    make_user,
    owner_of,
)

PEOPLE = ("nobody", "stranger", "developer", "maintainer", "owner", "reviewer", "operator")
# Answers in the order of PEOPLE.
READ = (401, 404, 200, 200, 200, 200, 200)
LIST = (401, 200, 200, 200, 200, 200, 200)
SUBMIT = (401, 404, 201, 201, 201, 403, 403)
CANCEL = (401, 404, 200, 200, 200, 403, 403)
KEEP = (401, 404, 403, 200, 200, 403, 403)
OWN = (401, 404, 403, 403, 201, 403, 403)
REMOVE = (401, 404, 403, 403, 204, 403, 403)
# Whoever sees that somebody else is invited can't answer for them.
ANSWER = (401, 404, 403, 403, 403, 404, 403)
DECIDE = (401, 404, 403, 403, 403, 200, 403)


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    answers: tuple[int, ...]
    body: Any = None
    # What stands in {release}.
    release: str = ReleaseState.AWAITING_REVIEW

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


_MEMBERS = "organizations/{organization}/members/"
_INVITATIONS = "organizations/{organization}/invitations/"
_ACCOUNTS = "organizations/{organization}/service-accounts/"
_ENVIRONMENT = "apps/{app}/environments/test/"
CALLS = [
    Call("GET", "me/", LIST),
    Call("GET", "organizations/", LIST),
    Call("POST", "organizations/", (401, *[201] * 6), {"name": "New", "slug": "brand-new"}),
    Call("GET", "organizations/{organization}/", READ),
    Call("GET", _MEMBERS, READ),
    Call("PATCH", _MEMBERS + "leaver/", (401, 404, 403, 403, 200, 403, 403), {"role": "maintainer"}),
    Call("DELETE", _MEMBERS + "leaver/", REMOVE),
    Call("GET", _INVITATIONS, READ),
    Call("POST", _INVITATIONS, OWN, {"username": "newcomer", "role": "developer"}),
    Call("DELETE", _INVITATIONS + "{invitation}/", (401, 404, 403, 403, 204, 404, 403)),
    Call("GET", "invitations/", LIST),
    Call("POST", "invitations/{invitation}/accept/", ANSWER),
    Call("POST", "invitations/{invitation}/decline/", ANSWER),
    Call("GET", _ACCOUNTS, READ),
    Call("POST", _ACCOUNTS, OWN, {"name": "deploy", "role": "developer"}),
    Call("DELETE", _ACCOUNTS + "ci/", (401, 404, 403, 403, 204, 404, 403)),
    Call("GET", _ACCOUNTS + "ci/tokens/", (401, 404, 200, 200, 200, 404, 200)),
    Call(
        "POST",
        _ACCOUNTS + "ci/tokens/",
        (401, 404, 403, 403, 201, 404, 403),
        {"name": "pipeline", "scopes": ["deploy"]},
    ),
    Call("GET", "users/", LIST),
    Call(
        "POST",
        "users/",
        (401, *[403] * 5, 201),
        {"username": "eve", "email": "eve@example.test", "password": "correct horse battery staple"},
    ),
    Call("GET", "users/newcomer/", (401, *[404] * 5, 200)),
    Call("PATCH", "users/newcomer/", (401, *[404] * 5, 200), {"is_reviewer": True}),
    Call("GET", "apps/{app}/grants/", READ),
    Call(
        "POST",
        "apps/{app}/grants/",
        (401, 404, 403, 201, 201, 403, 403),
        {"username": "newcomer", "permission": "read_logs"},
    ),
    Call("DELETE", "apps/{app}/grants/{app_grant}/", (401, 404, 404, 204, 204, 404, 403)),
    Call("GET", "releases/{release}/grants/", READ),
    Call(
        "POST",
        "releases/{release}/grants/",
        (401, 404, 403, 403, 403, 403, 201),
        {"username": "newcomer", "permission": "view_release"},
    ),
    Call("DELETE", "releases/{release}/grants/{release_grant}/", (401, 404, 404, 404, 404, 404, 204)),
    Call("GET", "apps/", LIST),
    Call(
        "POST",
        "apps/",
        (401, 400, 403, 201, 201, 403, 403),
        {"organization": "{organization}", "name": "New", "slug": "new-app", "stack": "php"},
    ),
    Call("GET", "apps/{app}/", READ),
    Call("PATCH", "apps/{app}/", KEEP, {"name": "Renamed"}),
    Call("DELETE", "apps/{app}/", (401, 404, 403, 202, 202, 403, 403)),
    Call("GET", "apps/{app}/timeline/", READ),
    Call("GET", "audit/", LIST),
    Call("GET", "audit/export/", LIST),
    Call("GET", _ENVIRONMENT, READ),
    Call("PATCH", _ENVIRONMENT, KEEP, {"memory_mib": 300}),
    Call("PUT", _ENVIRONMENT + "variables/KEY/", KEEP, {"value": "x"}),
    Call("DELETE", _ENVIRONMENT + "variables/OLD/", (401, 404, 403, 204, 204, 403, 403)),
    Call("POST", "apps/{app}/releases/", SUBMIT, {"environment": "test", "ref": "main"}),
    Call("GET", "apps/{app}/releases/", READ),
    Call("GET", "releases/", LIST),
    Call("GET", "releases/{release}/", READ),
    Call("POST", "releases/{release}/approve/", DECIDE, {"digest": "{digest}"}),
    Call("POST", "releases/{release}/reject/", DECIDE, {"digest": "{digest}", "comment": "no"}),
    Call("POST", "releases/{release}/cancel/", CANCEL, {}),
]


@dataclass
class World:
    people: dict[str, APIClient]
    names: dict[str, str]

    def send(self, person: str, call: Call, **replaced: str) -> Any:
        names = self.names | replaced
        body = None if call.body is None else json.loads(_filled(json.dumps(call.body), names))
        return self.people[person].generic(
            call.method,
            f"/api/v1/{_filled(call.path, names)}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
        )


def _filled(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), text)


@pytest.fixture
def world(db: None) -> World:
    organization = make_organization(slug="acme")
    owner = owner_of(organization)
    app = make_app(organization=organization)
    make_member(organization, user=make_user("leaver"))
    make_user("newcomer")
    make_service_account(organization, "ci")
    app_grant = grants.app_grant_create(app=app, username="newcomer", permission="view_pluginapp", actor=owner)
    people = {
        "nobody": api_client(),
        "stranger": api_client(owner_of(make_app().organization)),
        "developer": api_client(make_member(organization, MemberRole.DEVELOPER)),
        "maintainer": api_client(make_member(organization, MemberRole.MAINTAINER)),
        "owner": api_client(owner),
        "reviewer": api_client(make_reviewer()),
        "operator": api_client(make_operator()),
    }
    put = people["owner"].put(
        f"/api/v1/apps/{app.public_id}/environments/test/variables/OLD/", {"value": "x"}, format="json"
    )
    assert put.status_code == 200
    release = make_release(app=app, state=ReleaseState.AWAITING_REVIEW, environment=EnvironmentName.TEST)
    release_grant = grants.release_grant_create(
        release=release, username=make_user().username, permission="view_release", actor=make_operator()
    )
    names = {
        "organization": "acme",
        "app": app.public_id,
        "release": str(release.pk),
        "digest": release.digest,
        "invitation": str(make_invitation(organization).pk),
        "app_grant": str(app_grant.pk),
        "release_grant": str(release_grant.pk),
    }
    return World(people, names)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_each_gets_the_answer_that_is_theirs(world: World, call: Call, person: str) -> None:
    # Refusals are in the trail too, by name.
    events = AuditEvent.objects.exclude(action="access.denied")
    before = events.count()
    response = world.send(person, call)
    expected = call.answers[PEOPLE.index(person)]
    assert response.status_code == expected, response.content
    writes = call.method != "GET" and expected < 300
    assert events.count() - before == (_events(call) if writes else 0)
    if expected >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
    if expected == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def _events(call: Call) -> int:
    # Retiring an app also cancels its open release.
    return 2 if call.method == "DELETE" and call.path == "apps/{app}/" else 1


@pytest.mark.parametrize("call", [call for call in CALLS if "{" in call.path], ids=lambda call: call.name)
def test_what_one_may_not_see_looks_like_what_is_not_there(world: World, call: Call) -> None:
    absent = {"app": "app1999999", "organization": "nobodys", "release": "999999", "invitation": "999999"}
    hidden, missing = world.send("stranger", call).json(), world.send("stranger", call, **absent).json()
    hidden.pop("request_id"), missing.pop("request_id")
    assert hidden == missing
    assert hidden["status"] == 404


@pytest.mark.parametrize("path", ["organizations/", "apps/", "releases/"])
def test_lists_have_nothing_of_others(world: World, path: str) -> None:
    make_release(app=make_app(), state=ReleaseState.AWAITING_REVIEW)
    rows = world.people["developer"].get(f"/api/v1/{path}").json()["results"]
    assert [row.get("organization", row.get("slug")) for row in rows] == ["acme"]
    assert len(world.people["operator"].get(f"/api/v1/{path}").json()["results"]) > 1


def test_a_removed_member_is_out_with_the_next_request(world: World) -> None:
    leaver = api_client(make_member(make_app(state=AppState.ACTIVE).organization))
    slug = leaver.get("/api/v1/me/").json()["organizations"][0]
    path = f"/api/v1/organizations/{slug['slug']}/"
    assert leaver.get(path).status_code == 200
    username = leaver.get("/api/v1/me/").json()["username"]
    for row in leaver.get(f"{path}members/").json()["results"]:
        if row["role"] == "owner":
            owner = row["username"]
    boss = api_client(_user(owner))
    assert boss.delete(f"{path}members/{username}/").status_code == 204
    assert leaver.get(path).status_code == 404


def _user(username: str) -> User:
    return User.objects.get(username=username)


def _routes() -> Iterator[tuple[str, str]]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = re.sub(r"<\w+:\w+>", "*", str(pattern.pattern))
        view = pattern.callback.view_class
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                yield method.upper(), route


def test_no_route_is_missing_from_this_table() -> None:
    tested = {(call.method, _shape(call.path)) for call in CALLS}
    assert {(method, route) for method, route in _routes()} <= tested


def _shape(path: str) -> str:
    path = re.sub(r"\{\w+\}", "*", path)
    path = path.replace("members/leaver/", "members/*/").replace("users/newcomer/", "users/*/")
    path = path.replace("service-accounts/ci/", "service-accounts/*/").replace("environments/test/", "environments/*/")
    return re.sub(r"variables/\w+/", "variables/*/", path)
