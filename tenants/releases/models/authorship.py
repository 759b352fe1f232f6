"""People and their parts in releases: rows that only ever grow, since four eyes rest on them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tenants.people.choices import MemberRole
from tenants.releases.choices import Part


class MembershipPeriod(models.Model):
    """One role of one account in one organization, from when until when; `until` is empty while it lasts.

    A change of the role ends a period and begins another. `is_end` says that the membership ended with this one.
    """

    organization = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="membership_periods")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, choices=MemberRole)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    is_end = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], condition=Q(until=None), name="one_membership_period_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="membership_period_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(is_end=False) | Q(until__isnull=False), name="membership_period_that_lasts_is_no_end"
            ),
        ]
        indexes = [models.Index(fields=["user", "organization"], name="membership_period_by_user")]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.organization}"


class ServiceAccountKeeper(models.Model):
    """A person who made a service account or a token of it: its deeds count as theirs, too.

    This ends if they leave the organization or get a lesser role in it: their tokens end with it, and those for git.
    """

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="keepers")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="kept_accounts")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "person"], condition=Q(until=None), name="keeper_once_at_a_time_per_service_account"
            ),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="keeper_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.person} keeps {self.account}"


class VariableEdit(models.Model):
    """Somebody set or removed a variable. Their value may still be there under the name of the next one who set it."""

    environment = models.ForeignKey("Environment", on_delete=models.CASCADE, related_name="variable_edits")
    name = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.name} by {self.user}"


class ReleaseContributor(models.Model):
    """One part that an account had in a release: none of them may decide on it.

    `through` is the account that did it: `user` itself, or a service account that `user` keeps. `commits` is how many
    of the release's commits it pushed.
    """

    release = models.ForeignKey("Release", on_delete=models.PROTECT, related_name="contributors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=20, choices=Part)
    through = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    commits = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["release", "user", "part", "through"], name="contributor_once_per_part"),
            models.CheckConstraint(condition=Q(part__in=Part.values), name="contributor_part_known"),
        ]
        indexes = [models.Index(fields=["user", "part"], name="contributor_by_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.part} {self.release_id}"
