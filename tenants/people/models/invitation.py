from django.conf import settings
from django.db import models

from tenants.people.choices import InvitationState, MemberRole
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class Invitation(models.Model):
    """An organization asks somebody to join it with a role. Only who was asked may accept."""

    organization = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="invitations")
    invitee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=20, choices=MemberRole)
    state = models.CharField(max_length=20, choices=InvitationState, default=InvitationState.PENDING)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "invitee"],
                condition=models.Q(state=InvitationState.PENDING),
                name="one_pending_invitation_per_person",
            ),
            models.CheckConstraint(condition=models.Q(role__in=MemberRole.values), name="invitation_role_known"),
            models.CheckConstraint(condition=models.Q(state__in=InvitationState.values), name="invitation_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.invitee} invited to {self.organization} as {self.role}"


INVITATION = register(
    ResourceType(
        name="invitation",
        model=Invitation,
        actions={
            "invitation.view": "read",
            "invitation.create": "operate",
            "invitation.revoke": "operate",
            "invitation.answer": "operate",
        },
        attributes=(
            Attribute("organization", Kind.ID),
            Attribute("organization_slug", Kind.TEXT, "organization__slug"),
            Attribute("invitee", Kind.ID),
            Attribute("role", Kind.TEXT, choices=tuple(MemberRole.values)),
            Attribute("state", Kind.TEXT, choices=tuple(InvitationState.values)),
        ),
        organization="organization",
        creates={"invitation.create": ("organization", lambda organization: Invitation(organization=organization))},
    )
)
