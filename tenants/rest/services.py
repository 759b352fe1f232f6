"""Answers to repeated requests are kept for a while, not for ever."""

from datetime import timedelta

from django.utils import timezone

from tenants.people.models.credentials import IdempotencyKey

KEPT_FOR = timedelta(days=7)


def idempotency_keys_forget() -> int:
    """Removes keys older than `KEPT_FOR`; gives their number. Such a key then names a new request."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]
