"""Deployments, rollbacks, differences, hosts and git tokens over REST: who may, and what they see."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from provisioning.inventory.services import host_register_local
from provisioning.models import Deployment, Operation, Step
from provisioning.operations.choices import OperationKind, OperationState, StepState
from tenants.models import Release, User
from tenants.releases.choices import ReleaseState
from tests.factories import (
    make_member,
    make_operator,
    make_organization,
    make_release,
    make_reviewer,
    make_token,
    owner_of,
)

pytestmark = pytest.mark.django_db


class Api:
    def __init__(self, user: User | None) -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {make_token(user)}"} if user else {}

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1{path}", data=body or {}, content_type="application/json", headers={**self.headers, **headers}
        )


@pytest.fixture
def live() -> Release:
    """Release 2 of an app is live, release 1 was; both by deployments that ended."""
    first = make_release(state=ReleaseState.LIVE)
    second = make_release(app=first.app, state=ReleaseState.LIVE)
    for release in (first, second):
        deployment = Deployment.objects.create(
            kind=OperationKind.DEPLOY_RELEASE,
            app=release.app,
            environment=release.environment,
            release=release,
            state=OperationState.SUCCEEDED,
        )
        Step.objects.create(
            operation=deployment, position=0, name="ensure_approved", state=StepState.SUCCEEDED, attempts=1
        )
    return second


def paths(live: Release) -> list[tuple[str, str]]:
    app, deployment = live.app.public_id, Deployment.objects.get(release=live).pk
    return [
        ("get", f"/apps/{app}/deployments/"),
        ("get", f"/deployments/{deployment}/"),
        ("post", f"/apps/{app}/environments/production/rollback/"),
        ("get", f"/releases/{live.pk}/diff/"),
    ]


def test_anonymous_is_asked_to_sign_in(live: Release) -> None:
    for method, path in [*paths(live), ("get", "/hosts/"), ("post", "/me/git-token/")]:
        response = getattr(Api(None), method)(path)
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated"), path


def test_another_tenant_sees_nothing_and_changes_nothing(live: Release) -> None:
    stranger = Api(owner_of(make_organization()))
    absent = stranger.get("/deployments/999999/").json()
    for method, path in paths(live):
        response = getattr(stranger, method)(path)
        assert response.status_code == 404, path
        assert {**response.json(), "request_id": ""} == {**absent, "request_id": ""}
    assert not Deployment.objects.filter(is_rollback=True).exists()


def test_a_reviewer_reads_but_does_not_roll_back(live: Release) -> None:
    reviewer = Api(make_reviewer())
    assert reviewer.get(f"/apps/{live.app.public_id}/deployments/").status_code == 200
    response = reviewer.post(f"/apps/{live.app.public_id}/environments/production/rollback/")
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert not Deployment.objects.filter(is_rollback=True).exists()


def test_a_developer_reads_deployments_with_their_steps(live: Release) -> None:
    developer = Api(make_member(live.app.organization))
    listed = developer.get(f"/apps/{live.app.public_id}/deployments/").json()
    assert [item["release_number"] for item in listed["results"]] == [2, 1]
    one = developer.get(f"/deployments/{listed['results'][0]['id']}/").json()
    assert (one["release"], one["state"]) == (live.pk, "succeeded")
    assert one["steps"] == [
        {
            "name": "ensure_approved",
            "state": "succeeded",
            "attempts": 1,
            "started_at": None,
            "finished_at": None,
            "output": "",
            "error": "",
        }
    ]


def test_a_developer_rolls_back(live: Release) -> None:
    developer = Api(make_member(live.app.organization))
    response = developer.post(f"/apps/{live.app.public_id}/environments/production/rollback/", {"release": 1})
    assert response.status_code == 201
    assert (response.json()["release_number"], response.json()["is_rollback"]) == (1, True)


def test_the_same_idempotency_key_rolls_back_once(live: Release) -> None:
    developer = Api(make_member(live.app.organization))
    path = f"/apps/{live.app.public_id}/environments/production/rollback/"
    first, second = (developer.post(path, {"release": 1}, **{"Idempotency-Key": "once"}) for _ in range(2))
    assert (first.json()["id"], second.headers["Idempotency-Replayed"]) == (second.json()["id"], "true")
    assert Deployment.objects.filter(is_rollback=True).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"release": 0}, "release"),
        ({"release": "x"}, "release"),
        ({"release": 7}, "release"),
        ({"relase": 1}, "relase"),
    ],
)
def test_a_bad_rollback_names_the_field(live: Release, body: dict[str, Any], field: str) -> None:
    developer = Api(make_member(live.app.organization))
    response = developer.post(f"/apps/{live.app.public_id}/environments/production/rollback/", body)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Deployment.objects.filter(is_rollback=True).exists()


def test_hosts_are_for_operators(live: Release) -> None:
    host_register_local()
    assert Api(owner_of(live.app.organization)).get("/hosts/").status_code == 404
    assert Api(make_reviewer()).get("/hosts/").status_code == 404
    (host,) = Api(make_operator()).get("/hosts/").json()["results"]
    first, last = settings.PORT_RANGE
    assert (host["name"], host["ports"], host["ports_leased"], host["workloads"]) == ("local", f"{first}-{last}", 0, 0)


def test_while_the_forge_is_away_its_answers_are_asked_for_again_later(live: Release) -> None:
    """The settings of the tests name a forge that nobody listens for."""
    developer = Api(make_member(live.app.organization))
    response = developer.post("/me/git-token/")
    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert response.headers["Retry-After"] == "5"


def test_lists_take_a_fixed_number_of_queries(
    live: Release, django_assert_num_queries: Callable[..., Any], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    developer = Api(make_member(live.app.organization))
    path = f"/apps/{live.app.public_id}/deployments/"
    developer.get(path)
    with django_assert_max_num_queries(8) as few:
        developer.get(path)
    for _ in range(20):
        operation = Operation.objects.create(
            kind=OperationKind.DEPLOY_RELEASE,
            app=live.app,
            environment=live.environment,
            release=live,
            state=OperationState.FAILED,
        )
        Step.objects.create(operation=operation, position=0, name="ensure_approved")
    with django_assert_num_queries(len(few.captured_queries)):
        assert len(developer.get(path).json()["results"]) == 22
