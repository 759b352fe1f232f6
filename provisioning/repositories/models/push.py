from django.conf import settings
from django.db import models
from django.utils import timezone

from provisioning.repositories.models.repository import Repository


class Push(models.Model):
    """One ref of an app's code repository that somebody moved at the forge: the record that identity rests on.

    `user` is the account behind the forge's user, empty if Berth knows none. `before` is empty for a new ref. `after`
    is empty, and `ref_count` more than one, if the forge says only that so many refs were pushed at once. A row of
    `forge_user_id` 0 stands for a ref that is older than the record: any member of that time may have pushed it.
    Rows are added and never changed.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pushes")
    forge_user_id = models.PositiveBigIntegerField()
    forge_username = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ref = models.CharField(max_length=300, blank=True)
    before = models.CharField(max_length=64, blank=True)
    after = models.CharField(max_length=64, blank=True)
    ref_count = models.PositiveIntegerField(default=1)
    pushed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "forge_user_id", "ref", "before", "after", "pushed_at"], name="push_recorded_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} by {self.forge_username}"
