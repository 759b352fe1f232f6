from django.contrib.auth.models import AbstractUser
from django.db import models


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
        ]

    @property
    def roles(self) -> list[str]:
        named = (("reviewer", self.is_reviewer), ("operator", self.is_operator), ("auditor", self.is_auditor))
        return [name for name, held in named if held]

    @property
    def is_service_account(self) -> bool:
        return self.service_organization_id is not None
