from typing import Any

from django.contrib.auth.models import AbstractUser, _user_has_perm  # type: ignore[attr-defined]
from django.db import models

from tenants.policies.resources import Attribute, Kind, ResourceType, register


class User(AbstractUser):
    """A person or a service that signs in. Platform roles stand here; roles in an organization in `Membership`."""

    is_reviewer = models.BooleanField(
        default=False, help_text="May read and decide on releases of organizations not their own."
    )
    is_operator = models.BooleanField(default=False, help_text="Runs the platform: hosts, policies, incidents.")
    is_auditor = models.BooleanField(default=False, help_text="May read everything, and change nothing.")
    service_organization = models.ForeignKey(
        "Organization",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="service_accounts",
        help_text="The organization whose service account this is; empty for a person.",
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(models.functions.Lower("username"), name="username_unique_whatever_its_case"),
            models.CheckConstraint(
                condition=models.Q(service_organization=None)
                | models.Q(is_reviewer=False, is_operator=False, is_auditor=False, is_superuser=False),
                name="service_account_holds_no_platform_role",
            ),
        ]

    @property
    def roles(self) -> list[str]:
        named = (("reviewer", self.is_reviewer), ("operator", self.is_operator), ("auditor", self.is_auditor))
        return [name for name, held in named if held]

    @property
    def is_service_account(self) -> bool:
        return self.service_organization_id is not None

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """What the policies say (see `access.backend`): of a superuser, too, whom Django would not ask about."""
        return bool(_user_has_perm(self, perm, obj))


USER = register(
    ResourceType(
        name="user",
        model=User,
        actions={"user.view": "read", "user.create": "operate", "user.change": "operate", "user.explain": "read"},
        attributes=(
            Attribute("id", Kind.ID),
            Attribute("username", Kind.TEXT),
            Attribute(
                "is_service_account",
                Kind.FLAG,
                matches=lambda is_one: models.Q(service_organization__isnull=not is_one),
                read=lambda row: row.is_service_account,
            ),
            Attribute("is_active", Kind.FLAG),
            Attribute("is_reviewer", Kind.FLAG),
            Attribute("is_operator", Kind.FLAG),
            Attribute("is_auditor", Kind.FLAG),
        ),
        reference=lambda row: row.username,
        lookup=lambda text: {"username": text},
        creates={"user.create": ("", lambda _none: User())},
    )
)
SERVICE_ACCOUNT = register(
    ResourceType(
        name="service_account",
        model=User,
        actions={
            "service_account.view": "read",
            "service_account.create": "operate",
            "service_account.remove": "operate",
        },
        attributes=(
            # A queryset of users has people in it too.
            Attribute("organization", Kind.ID, "service_organization", is_nullable=True),
            Attribute("organization_slug", Kind.TEXT, "service_organization__slug", is_nullable=True),
        ),
        organization="service_organization",
        reference=lambda row: row.username,
        lookup=lambda text: {"username": text},
        creates={
            "service_account.create": (
                "organization",
                lambda organization: User(service_organization=organization),
            )
        },
    )
)
