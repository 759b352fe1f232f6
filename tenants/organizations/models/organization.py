from django.conf import settings
from django.db import models

from tenants.people.choices import MemberRole
from tenants.policies.resources import Attribute, Kind, ResourceType, by_pair, register


class Organization(models.Model):
    """The tenant: a third-party developer company or person."""

    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=40, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="organizations")
    founded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Counts for how many organizations this person may found, also after they have left.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=MemberRole)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="member_once_per_organization"),
            models.CheckConstraint(condition=models.Q(role__in=MemberRole.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organization}"


ORGANIZATION = register(
    ResourceType(
        name="organization",
        model=Organization,
        actions={
            "organization.view": "read",
            "organization.create": "operate",
            "organization.manage_members": "operate",
            "organization.who_can": "read",
            "organization.set_quota": "operate",
        },
        attributes=(
            Attribute("id", Kind.ID),
            Attribute("slug", Kind.TEXT),
            Attribute("created_at", Kind.TIME),
        ),
        organization="pk",
        reference=lambda row: row.slug,
        lookup=lambda text: {"slug": text},
        creates={"organization.create": ("", lambda _none: Organization())},
    )
)
MEMBERSHIP = register(
    ResourceType(
        name="membership",
        model=Membership,
        actions={"membership.view": "read", "membership.change": "operate", "membership.remove": "operate"},
        attributes=(
            Attribute("organization", Kind.ID),
            Attribute("organization_slug", Kind.TEXT, "organization__slug"),
            Attribute("user", Kind.ID),
            Attribute("role", Kind.TEXT, choices=tuple(MemberRole.values)),
        ),
        organization="organization",
        reference=lambda row: f"{row.organization.slug}/{row.user.username}",
        lookup=lambda text: by_pair(text, "organization__slug", "user__username"),
    )
)
