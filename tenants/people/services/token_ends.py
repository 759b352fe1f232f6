"""The end of an account's tokens: Berth's own, and those that the forge gave on its word."""

from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access
from tenants.people.models.credentials import ApiToken
from tenants.people.models.user import User
from tenants.signals import account_ended


def announce_end(user: User) -> None:
    """Tells, after commit, who gave tokens of their own to an account that has ended: the forge."""
    transaction.on_commit(partial(account_ended.send_robust, sender=User, user_id=user.pk))


def tokens_end(tokens: QuerySet[ApiToken]) -> int:
    """Revokes those that are not revoked yet; gives their number. Not yet audited."""
    ended = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
    access.people_changed()
    return ended
