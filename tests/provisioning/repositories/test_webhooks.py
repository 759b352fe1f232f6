"""A webhook is a hint: forged, it is refused; replayed or reordered, it changes nothing."""

import json
from typing import Any

import pytest
from django.test import Client

from provisioning.models import Operation, Push, Repository, WebhookDelivery
from provisioning.operations.choices import OperationKind, OperationState
from provisioning.repositories.deliveries import (
    MAX_BODY_BYTES,
    Taken,
    WebhookRefused,
    newest_delivery,
    take_delivery,
    wait_for_delivery,
)
from tenants.models import Release
from tests.factories import make_app, make_release

pytestmark = pytest.mark.django_db
TOKEN = "the-hook-token-of-this-app"


@pytest.fixture
def deployment() -> Operation:
    release: Release = make_release()
    Repository.objects.create(app=release.app, management_project_id=41, webhook_token=TOKEN)
    return Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE,
        app=release.app,
        environment=release.environment,
        release=release,
        state=OperationState.RUNNING,
    )


def payload(project_id: Any = 41, status: str = "success") -> bytes:
    return json.dumps(
        {"object_kind": "pipeline", "object_attributes": {"id": 7, "status": status}, "project": {"id": project_id}}
    ).encode()


def post(body: bytes, **headers: str) -> Any:
    return Client().post("/hooks/forge/", data=body, content_type="application/json", headers=headers)


def test_a_genuine_delivery_wakes_the_apps_deployment(deployment: Operation) -> None:
    assert take_delivery(token=TOKEN, delivery_id="one", body=payload()).operations == [deployment.pk]


def test_the_receiver_answers_2xx_to_a_genuine_delivery(deployment: Operation) -> None:
    response = post(payload(), **{"X-Gitlab-Token": TOKEN, "X-Gitlab-Webhook-UUID": "one"})
    assert (response.status_code, response.json()) == (200, {"woken": 1})


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "\u00e9"])
def test_a_wrong_token_is_refused_and_leaves_nothing(deployment: Operation, token: str) -> None:
    with pytest.raises(WebhookRefused):
        take_delivery(token=token, delivery_id="one", body=payload())
    assert not WebhookDelivery.objects.exists()


def test_an_app_without_a_token_takes_no_empty_one(deployment: Operation) -> None:
    Repository.objects.update(webhook_token="")
    with pytest.raises(WebhookRefused):
        take_delivery(token="", delivery_id="one", body=payload())


def test_another_apps_token_is_refused(deployment: Operation) -> None:
    Repository.objects.create(app=make_app(), management_project_id=42, webhook_token="another-apps-token")
    with pytest.raises(WebhookRefused):
        take_delivery(token="another-apps-token", delivery_id="one", body=payload(41))


def test_a_replayed_delivery_is_without_effect(deployment: Operation) -> None:
    take_delivery(token=TOKEN, delivery_id="one", body=payload())
    for _ in range(100):
        assert take_delivery(token=TOKEN, delivery_id="one", body=payload()) == Taken()
    assert WebhookDelivery.objects.count() == 1


def test_what_a_delivery_claims_is_not_believed(deployment: Operation) -> None:
    """A hook that says `success`, or an older state, moves nothing: Berth asks the forge itself."""
    for number, status in enumerate(("success", "failed", "running")):
        take_delivery(token=TOKEN, delivery_id=str(number), body=payload(status=status))
    deployment.refresh_from_db()
    assert (deployment.state, deployment.data) == (OperationState.RUNNING, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"\xff", b'{"project": 41}', b'{"project": {"id": "41"}}', b"[" * 200_000, payload(99)],
)
def test_a_body_that_is_no_hook_is_refused(deployment: Operation, body: bytes) -> None:
    assert post(body, **{"X-Gitlab-Token": TOKEN}).status_code == 401


def test_a_large_body_is_refused_before_it_is_read(deployment: Operation) -> None:
    response = post(b" " * (MAX_BODY_BYTES + 1), **{"X-Gitlab-Token": TOKEN})
    assert response.status_code == 413


def test_only_post_is_answered() -> None:
    assert Client().get("/hooks/forge/").status_code == 405


def test_a_delivery_ends_the_wait_for_a_pipeline() -> None:
    before = newest_delivery()
    assert wait_for_delivery(before, 0) == before
    made = WebhookDelivery.objects.create(delivery_id="while-somebody-waits")
    assert wait_for_delivery(before, 600) == made.pk


def test_a_push_to_the_code_repository_wakes_the_reading_of_pushes(
    deployment: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body says nothing that is believed: the forge is asked who pushed."""
    woken: list[int] = []
    monkeypatch.setattr("provisioning.repositories.api.webhooks.wake_pushes", woken.append)
    Repository.objects.update(code_project_id=42)
    forged = json.dumps({"object_kind": "push", "user_id": 1, "project": {"id": 42}}).encode()
    assert post(forged, **{"X-Gitlab-Token": "wrong"}).status_code == 401
    response = post(forged, **{"X-Gitlab-Token": TOKEN, "X-Gitlab-Webhook-UUID": "push"})
    assert (response.status_code, response.json(), woken) == (200, {"woken": 1}, [deployment.app_id])
    assert not Push.objects.exists()
