"""A project: one bare repository and what belongs to it."""

from django.db import models
from django.db.models.functions import Lower

from provisioning.embedded_forge.models.namespace import Namespace
from provisioning.embedded_forge.models.user import User


class Project(models.Model):
    """The repository on disk is found by the id, which is never given out twice; a rename moves nothing."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=255)
    full_path = models.CharField(max_length=1300)
    description = models.TextField(blank=True, default="")
    visibility = models.CharField(max_length=20, default="private")
    default_branch = models.CharField(max_length=255, default="main")
    # Whether the group's rule for default branches has been applied; it waits for the first push.
    is_default_branch_settled = models.BooleanField(default=False)
    creator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="created_projects")
    is_archived = models.BooleanField(default=False)
    builds_access_level = models.CharField(max_length=20, default="enabled")
    ci_config_path = models.CharField(max_length=255, blank=True, default="")
    build_timeout_s = models.IntegerField(default=3600)
    variables_minimum_override_role = models.CharField(max_length=20, default="maintainer")
    pipeline_count = models.IntegerField(default=0)
    # GitLab's attributes that are kept and shown, and have no effect here.
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_activity_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "embedded_forge_project"
        constraints = [models.UniqueConstraint(Lower("full_path"), name="forge_project_path_unique")]

    def __str__(self) -> str:
        return self.full_path

    @property
    def config_path(self) -> str:
        return self.ci_config_path or ".gitlab-ci.yml"
