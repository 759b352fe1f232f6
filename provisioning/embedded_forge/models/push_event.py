"""The record of pushes: kept for as long as the project is there."""

from django.db import models

from provisioning.embedded_forge.models.project import Project
from provisioning.embedded_forge.models.user import User


class PushEvent(models.Model):
    """One ref that one push moved. The author's id and name stay as they were then, also if the user goes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="push_events")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_id = models.BigIntegerField()
    author_username = models.CharField(max_length=255)
    push_id = models.CharField(max_length=64)
    ref = models.CharField(max_length=300)
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    commit_count = models.IntegerField(default=0)
    commit_title = models.CharField(max_length=70, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "embedded_forge_push_event"
        constraints = [models.UniqueConstraint(fields=["push_id", "ref"], name="forge_ref_pushed_once_in_a_push")]
        indexes = [models.Index(fields=["project", "-id"], name="forge_push_event_by_project")]

    def __str__(self) -> str:
        return f"{self.ref} by {self.author_username}"
