"""Roles of people, scopes of tokens, and states of invitations."""

from django.db import models


class MemberRole(models.TextChoices):
    OWNER = "owner"
    MAINTAINER = "maintainer"
    DEVELOPER = "developer"


class PlatformRole(models.TextChoices):
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class TokenScope(models.TextChoices):
    """What a token may be used for. Each but `read` includes `read`."""

    READ = "read"
    DEPLOY = "deploy"
    REVIEW = "review"
    OPERATE = "operate"


class InvitationState(models.TextChoices):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"


INVITATION_SOURCES: dict[str, set[str]] = {
    InvitationState.ACCEPTED: {InvitationState.PENDING},
    InvitationState.DECLINED: {InvitationState.PENDING},
    InvitationState.REVOKED: {InvitationState.PENDING},
}
