"""Invitations that wait for an answer."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from tenants import access
from tenants.access import rows
from tenants.people.choices import InvitationState
from tenants.people.models.invitation import Invitation


def waiting_invitations(user: Any) -> QuerySet[Invitation]:
    mine = rows.invitations().filter(invitee=user, state=InvitationState.PENDING, expires_at__gt=timezone.now())
    return access.restrict(mine, user, "invitation.view")
