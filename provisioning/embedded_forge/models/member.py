"""Who may do what in a group or a project."""

from django.db import models
from django.db.models import Q

from provisioning.embedded_forge.models.namespace import Namespace
from provisioning.embedded_forge.models.project import Project
from provisioning.embedded_forge.models.user import User


class Member(models.Model):
    """Membership of a group counts for its subgroups and projects; the highest level wins."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.CASCADE, related_name="members")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="members")
    access_level = models.IntegerField()
    expires_at = models.DateField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_member"
        constraints = [
            models.UniqueConstraint(fields=["user", "namespace"], name="forge_member_once_per_group"),
            models.UniqueConstraint(fields=["user", "project"], name="forge_member_once_per_project"),
            models.CheckConstraint(
                condition=Q(namespace__isnull=True) ^ Q(project__isnull=True), name="forge_member_of_one_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.access_level}"
