"""What has served its time goes; what has not stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.models import WebhookDelivery
from provisioning.repositories import deliveries as webhooks
from provisioning.tasks import tidy
from tenants.models import IdempotencyKey
from tenants.rest import services as idempotency
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_old_rows_go_and_younger_ones_stay() -> None:
    user, now, second = make_user(), timezone.now(), timedelta(seconds=5)
    for name, age in (("old", second), ("young", -second)):
        delivery = WebhookDelivery.objects.create(delivery_id=name)
        WebhookDelivery.objects.filter(pk=delivery.pk).update(received_at=now - webhooks.KEPT_FOR - age)
        key = IdempotencyKey.objects.create(user=user, key=name, path="/", request_sha256="0" * 64)
        IdempotencyKey.objects.filter(pk=key.pk).update(created_at=now - idempotency.KEPT_FOR - age)
    tidy()
    assert list(WebhookDelivery.objects.values_list("delivery_id", flat=True)) == ["young"]
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]
