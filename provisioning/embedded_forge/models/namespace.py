"""Where projects live: a group, a subgroup, or a person's own namespace."""

from django.db import models
from django.db.models.functions import Lower

from provisioning.embedded_forge.models.user import User


class Namespace(models.Model):
    """`owner` is set for a person's own namespace and empty for a group. `full_path` carries the parents' paths."""

    name = models.CharField(max_length=255)
    path = models.CharField(max_length=255)
    full_path = models.CharField(max_length=1024)
    full_name = models.CharField(max_length=1024)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    owner = models.OneToOneField(User, null=True, on_delete=models.CASCADE, related_name="namespace")
    description = models.TextField(blank=True, default="")
    visibility = models.CharField(max_length=20, default="private")
    # 0 none, 1 developers may push, 2 maintainers only, 3 developers may merge, 4 developers may make the first push.
    default_branch_protection = models.IntegerField(default=2)
    project_creation_level = models.CharField(max_length=20, default="developer")
    subgroup_creation_level = models.CharField(max_length=20, default="maintainer")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_namespace"
        constraints = [models.UniqueConstraint(Lower("full_path"), name="forge_namespace_path_unique")]

    def __str__(self) -> str:
        return self.full_path

    @property
    def is_group(self) -> bool:
        return self.owner_id is None
