"""The scope of a review, and the parts of it that each reviewer was shown."""

from django.conf import settings
from django.db import models


class ReviewScope(models.Model):
    """The scope of a decision on one release.

    `base` is the release that was live when the difference was last computed, none if nothing was: once the release is
    decided on, it stays. `files` names what one answer does not show whole, `[{key, path, reason, lines}]`: an approval
    needs each of them shown to the reviewer, or acknowledged by its path.
    """

    release = models.OneToOneField("Release", on_delete=models.CASCADE, related_name="scope")
    base = models.ForeignKey("Release", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    files = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"scope of {self.release}"


class ShownDifference(models.Model):
    """The difference of a release was shown to one who may decide on it, against `base`."""

    release = models.ForeignKey("Release", on_delete=models.CASCADE, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    base = models.ForeignKey("Release", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["release", "reviewer"], name="difference_shown_once_per_reviewer")
        ]

    def __str__(self) -> str:
        return f"{self.release} shown to {self.reviewer}"


class ShownFile(models.Model):
    """How much of one file's change was shown to a reviewer: the first `lines` of it. `key` names the change itself, so
    that it counts against another base too, if it is the same."""

    release = models.ForeignKey("Release", on_delete=models.CASCADE, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    lines = models.PositiveIntegerField(default=0)
    is_whole = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["release", "reviewer", "key"], name="file_shown_once_per_reviewer")
        ]

    def __str__(self) -> str:
        return f"{self.key[:12]} of {self.release} shown to {self.reviewer}"
