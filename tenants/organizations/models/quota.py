from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.organizations.choices import QuotaName


class Quota(models.Model):
    """A limit that an operator has set for one organization or one person, in the place of the installation's own.

    Without a row the setting counts (`selectors.quotas`).
    """

    organization = models.ForeignKey(
        "Organization", null=True, blank=True, on_delete=models.CASCADE, related_name="quotas"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas"
    )
    name = models.CharField(max_length=30, choices=QuotaName)
    limit = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="quota_once_per_organization"),
            models.UniqueConstraint(fields=["user", "name"], name="quota_once_per_person"),
            models.CheckConstraint(
                condition=Q(organization=None, user__isnull=False) | Q(organization__isnull=False, user=None),
                name="quota_of_an_organization_or_a_person",
            ),
            models.CheckConstraint(condition=Q(name__in=QuotaName.values), name="quota_name_known"),
        ]

    def __str__(self) -> str:
        return f"{self.organization or self.user}: {self.name} {self.limit}"
