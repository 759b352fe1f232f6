"""A POST that creates, sent again with its `Idempotency-Key`."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tenants.models import IdempotencyKey, Organization, PluginApp, Release
from tenants.rest import idempotency
from tenants.signals import release_submitted
from tests.factories import api_client, make_app, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/api/v1/organizations/"
BODY = {"name": "Acme", "slug": "acme"}


def send(client: Any, body: Any = BODY, key: str = "key-1", path: str = ORGANIZATIONS) -> Any:
    return client.post(path, body, format="json", headers={"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_answer_and_creates_once() -> None:
    client = api_client(make_user())
    first, second = send(client), send(client, dict(reversed(BODY.items())))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (False, "true")
    assert Organization.objects.count() == 1


def test_another_request_under_the_same_key_is_refused() -> None:
    client = api_client(make_user())
    send(client)
    for body, path in (({**BODY, "slug": "other"}, ORGANIZATIONS), (BODY, "/api/v1/apps/")):
        refused = send(client, body, path=path)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Organization.objects.count() == 1


def test_keys_belong_to_their_user() -> None:
    assert send(api_client(make_user())).status_code == 201
    assert send(api_client(make_user()), {"name": "Other", "slug": "other"}).status_code == 201


def test_a_refused_request_leaves_its_key_free() -> None:
    client = api_client(make_user())
    assert send(client, {"name": "Acme", "slug": "-bad-"}).status_code == 400
    assert send(client).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ä"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    refused = send(api_client(make_user()), key=key)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not Organization.objects.exists()


def claim(user: Any, *, seconds_ago: int) -> IdempotencyKey:
    """What a request leaves that is under way, or whose process died."""
    client = api_client(user)
    with transaction.atomic():
        assert send(client).status_code == 201
        row = IdempotencyKey.objects.get()
        transaction.set_rollback(True)
    row.response_status = row.response_body = None
    row.save(force_insert=True)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(seconds=seconds_ago))
    row.refresh_from_db()
    return row


def test_while_the_first_is_under_way_the_second_waits() -> None:
    user = make_user()
    claim(user, seconds_ago=50)
    refused = send(api_client(user))
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_in_progress")
    assert not Organization.objects.exists()


def test_a_key_whose_process_died_is_taken_over_and_the_late_first_creates_nothing() -> None:
    user = make_user()
    late = claim(user, seconds_ago=70)
    assert send(api_client(user)).status_code == 201
    with pytest.raises(idempotency.IdempotencyInProgress):
        idempotency._keep(late, Organization(), {"late": True})
    assert IdempotencyKey.objects.get().response_body["slug"] == "acme"
    assert Organization.objects.count() == 1


def test_a_late_first_leaves_the_key_to_who_took_it_over() -> None:
    late = claim(make_user(), seconds_ago=70)
    IdempotencyKey.objects.update(created_at=timezone.now())
    with pytest.raises(idempotency.IdempotencyInProgress):
        idempotency._keep(late, Organization(), {"late": True})
    idempotency._held(late).delete()
    assert IdempotencyKey.objects.get().response_status is None


@pytest.mark.django_db(transaction=True)
def test_the_answer_shows_what_a_receiver_made_of_the_row() -> None:
    def receiver(release_id: int, **_kwargs: Any) -> None:
        Release.objects.filter(pk=release_id).update(error="the ref does not exist: push it", state="failed")

    app = make_app()
    client = api_client(owner_of(app.organization))
    path = f"/api/v1/apps/{app.public_id}/releases/"
    body = {"environment": "test", "ref": "main"}
    release_submitted.connect(receiver)
    try:
        answers = [send(client, body, path=path) for _ in range(2)] + [client.post(path, body, format="json")]
    finally:
        release_submitted.disconnect(receiver)
    assert [answer.json()["state"] for answer in answers] == ["failed"] * 3
    assert Release.objects.count() == 2


def test_each_call_that_creates_takes_a_key() -> None:
    organization = make_organization(slug="acme")
    client = api_client(owner_of(organization))
    body = {"organization": "acme", "name": "Shop", "slug": "shop", "stack": "php"}
    assert [send(client, body, path="/api/v1/apps/").status_code for _ in range(2)] == [201, 201]
    assert PluginApp.objects.count() == 1
