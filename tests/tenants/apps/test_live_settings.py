"""An environment's settings and variables: live now, and with the next release."""

from typing import Any

import pytest

from tenants.apps.services import environments
from tenants.models import Environment, PluginApp
from tenants.releases.choices import ReleaseState
from tests.factories import api_client, environment_of, make_app, make_release, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> PluginApp:
    return make_app()


def change(environment: Environment, **settings: Any) -> None:
    environments.environment_update(environment=environment, actor=owner_of(environment.app.organization), **settings)


def put(environment: Environment, name: str, value: str, *, is_secret: bool = False) -> None:
    actor = owner_of(environment.app.organization)
    environments.variable_set(environment=environment, name=name, value=value, is_secret=is_secret, actor=actor)


def shown(app: PluginApp) -> Any:
    client = api_client(owner_of(app.organization))
    response = client.get(f"/api/v1/apps/{app.public_id}/environments/production/")
    assert response.status_code == 200
    return response.json()


def test_nothing_is_live_before_the_first_release(app: PluginApp) -> None:
    answer = shown(app)
    assert (answer["live"], answer["pending"]) == (None, None)


def test_a_change_after_a_release_is_pending_and_the_live_settings_stay(app: PluginApp) -> None:
    environment = environment_of(app)
    put(environment, "KEPT", "same")
    put(environment, "MOVED", "old")
    put(environment, "HIDDEN", "same")
    put(environment, "GONE", "old-value")
    release = make_release(app=app, state=ReleaseState.LIVE)
    answer = shown(app)
    assert answer["pending"] == {"settings": [], "variables": []}
    assert answer["live"]["release"] == release.number
    change(environment, memory_mib=300, health_check_path="/health")
    put(environment, "MOVED", "new-value")
    put(environment, "HIDDEN", "same", is_secret=True)
    put(environment, "FRESH", "new-value")
    environments.variable_remove(environment=environment, name="GONE", actor=owner_of(app.organization))
    answer = shown(app)
    assert (answer["memory_mib"], answer["live"]["memory_mib"]) == (300, 256)
    assert answer["live"]["health_check_path"] == "/"
    assert answer["live"]["variables"] == ["GONE", "HIDDEN", "KEPT", "MOVED"]
    assert [row["name"] for row in answer["variables"]] == ["FRESH", "HIDDEN", "KEPT", "MOVED"]
    assert answer["pending"] == {
        "settings": [
            {"name": "memory_mib", "live": 256, "next": 300},
            {"name": "health_check_path", "live": "/", "next": "/health"},
        ],
        "variables": [
            {"name": "FRESH", "change": "added"},
            {"name": "GONE", "change": "removed"},
            {"name": "HIDDEN", "change": "changed"},
            {"name": "MOVED", "change": "changed"},
        ],
    }
    assert "-value" not in str(answer)
    make_release(app=app, state=ReleaseState.LIVE)
    assert shown(app)["pending"] == {"settings": [], "variables": []}
    assert shown(app)["live"]["memory_mib"] == 300


def test_after_a_rollback_the_earlier_settings_are_live(app: PluginApp) -> None:
    first = make_release(app=app, state=ReleaseState.LIVE)
    change(environment_of(app), pids=200)
    make_release(app=app, state=ReleaseState.LIVE)
    Environment.objects.filter(app=app, name="production").update(current_release=first)
    assert shown(app)["pending"]["settings"] == [{"name": "pids", "live": 128, "next": 200}]
