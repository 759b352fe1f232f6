"""What answers while an environment's containers do not: shown to members, chosen by operators alone."""

import pytest

from tenants.apps.choices import AppState
from tenants.models import AuditEvent
from tenants.people.choices import TokenScope
from tenants.policies.services.policies import policy_create
from tests.factories import api_client, make_app, make_member, make_operator, make_token, owner_of

pytestmark = pytest.mark.django_db


def path_of(app: object, environment: str = "production") -> str:
    return f"/api/v1/apps/{app}/environments/{environment}/"


def test_production_has_a_standby_and_test_has_none_until_an_operator_says_otherwise() -> None:
    app = make_app()
    developer, operator = api_client(make_member(app.organization)), api_client(make_operator())
    shown = [developer.get(path_of(app.public_id, name)).json()["fallback"] for name in ("production", "test")]
    assert shown == ["standby", "none"]
    for fallback in ("host", "none", "standby"):
        answer = operator.put(f"{path_of(app.public_id)}fallback/", {"fallback": fallback}, format="json")
        assert (answer.status_code, answer.json()["fallback"]) == (200, fallback)
    assert developer.get(path_of(app.public_id)).json()["fallback"] == "standby"


def test_the_choice_is_in_the_trail_and_the_same_one_again_is_not() -> None:
    app, operator = make_app(), make_operator()
    for _ in range(2):
        api_client(operator).put(f"{path_of(app.public_id)}fallback/", {"fallback": "host"}, format="json")
    event = AuditEvent.objects.get(action="environment.fallback_set")
    assert (event.actor, event.app, event.environment) == (operator, app, "production")
    assert (event.before, event.after) == ({"fallback": "standby"}, {"fallback": "host"})
    assert event.message == "fallback for the next release: host instead of standby"


def test_an_owner_can_not_give_up_the_container_in_any_way() -> None:
    app = make_app()
    owner = api_client(owner_of(app.organization))
    refused = owner.put(f"{path_of(app.public_id)}fallback/", {"fallback": "host"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert owner.patch(path_of(app.public_id), {"fallback": "host"}, format="json").status_code == 400
    assert owner.get(path_of(app.public_id)).json()["fallback"] == "standby"


def test_it_takes_a_token_for_operating() -> None:
    app, operator = make_app(), make_operator()
    client = api_client()
    token = make_token(operator, scopes=[TokenScope.READ, TokenScope.DEPLOY, TokenScope.REVIEW])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    refused = client.put(f"{path_of(app.public_id)}fallback/", {"fallback": "host"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "fallback"),
        ({"fallback": "docker"}, "fallback"),
        ({"fallback": "HOST"}, "fallback"),
        ({"fallback": "host\n"}, "fallback"),
        ({"fallback": None}, "fallback"),
        ({"fallback": True}, "fallback"),
        ({"fallback": ["host"]}, "fallback"),
        ({"fallback": "host", "uid": 0}, "uid"),
    ],
)
def test_what_is_no_fallback_is_refused_by_its_field(body: dict[str, object], field: str) -> None:
    app = make_app()
    client = api_client(make_operator())
    answer = client.put(f"{path_of(app.public_id)}fallback/", body, format="json")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
    assert client.get(path_of(app.public_id)).json()["fallback"] == "standby"


def test_a_retired_app_keeps_what_it_had() -> None:
    app = make_app(state=AppState.RETIRED)
    answer = api_client(make_operator()).put(f"{path_of(app.public_id)}fallback/", {"fallback": "host"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")


def test_a_policy_may_keep_production_in_containers() -> None:
    app = make_app()
    policy_create(
        actor=make_operator(),
        name="no-host-in-production",
        description="production stays in containers: ask whoever answers for security",
        effect="deny",
        resource_type="environment",
        actions=["environment.set_fallback"],
        subject={"match_all": True},
        resource={"name": "production", "fallback": "host"},
        context={"match_all": True},
    )
    client = api_client(make_operator())
    answers = {
        (environment, fallback): client.put(
            f"{path_of(app.public_id, environment)}fallback/", {"fallback": fallback}, format="json"
        ).status_code
        for environment in ("production", "test")
        for fallback in ("none", "host")
    }
    assert answers == {
        ("production", "none"): 200,
        ("production", "host"): 403,
        ("test", "none"): 200,
        ("test", "host"): 200,
    }
