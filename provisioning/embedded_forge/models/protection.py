"""Protected branches and tags: who may push to them. `name` may hold `*`."""

from django.db import models

from provisioning.embedded_forge.models.project import Project


class ProtectedBranch(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="protected_branches")
    name = models.CharField(max_length=255)
    push_access_level = models.IntegerField(default=40)
    merge_access_level = models.IntegerField(default=40)
    allow_force_push = models.BooleanField(default=False)

    class Meta:
        db_table = "embedded_forge_protected_branch"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="forge_branch_protected_once")]

    def __str__(self) -> str:
        return self.name


class ProtectedTag(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="protected_tags")
    name = models.CharField(max_length=255)
    create_access_level = models.IntegerField(default=40)

    class Meta:
        db_table = "embedded_forge_protected_tag"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="forge_tag_protected_once")]

    def __str__(self) -> str:
        return self.name
