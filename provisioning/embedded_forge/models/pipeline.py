"""Pipelines and their jobs."""

from django.db import models
from django.db.models import Q

from provisioning.embedded_forge.encryption import EncryptedTextField
from provisioning.embedded_forge.models.project import Project
from provisioning.embedded_forge.models.user import User

ACTIVE = ("created", "pending", "running", "canceling", "manual")
FINISHED = ("success", "failed", "canceled", "skipped")


class Pipeline(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pipelines")
    iid = models.IntegerField()
    sha = models.CharField(max_length=40)
    before_sha = models.CharField(max_length=40, default="0" * 40)
    ref = models.CharField(max_length=255)
    is_tag = models.BooleanField(default=False)
    is_ref_protected = models.BooleanField(default=False)
    source = models.CharField(max_length=20, default="api")
    status = models.CharField(max_length=20, default="created")
    name = models.CharField(max_length=255, blank=True, default="")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="pipelines")
    stages = models.JSONField(default=list)
    # A JSON list of {key, value, variable_type}, as the caller sent it.
    variables = EncryptedTextField(blank=True, default="")
    # Variables of the file: {"global": {...}, "workflow": {...}}.
    yaml_variables = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "embedded_forge_pipeline"
        constraints = [models.UniqueConstraint(fields=["project", "iid"], name="forge_pipeline_iid_unique")]

    def __str__(self) -> str:
        return f"pipeline {self.pk}"


class Job(models.Model):
    """`definition` is what the file says of the job: scripts, variables, environment. `pid` and `pid_started_at_ticks`
    name the running process group for certain: a pid alone may have been given to somebody else."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="jobs")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=255)
    stage = models.CharField(max_length=255)
    stage_index = models.IntegerField()
    status = models.CharField(max_length=20, default="created")
    when = models.CharField(max_length=20, default="on_success")
    allow_failure = models.BooleanField(default=False)
    needs = models.JSONField(null=True)
    definition = models.JSONField(default=dict)
    environment = models.CharField(max_length=255, blank=True, default="")
    timeout_s = models.IntegerField(default=3600)
    is_retried = models.BooleanField(default=False)
    failure_reason = models.CharField(max_length=60, blank=True, default="")
    exit_code = models.IntegerField(null=True)
    token_digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    pid = models.IntegerField(null=True)
    pid_started_at_ticks = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "embedded_forge_job"
        constraints = [
            models.UniqueConstraint(
                fields=["pipeline", "name"], condition=Q(is_retried=False), name="forge_job_name_unique"
            )
        ]
        indexes = [models.Index(fields=["status"], name="forge_job_status")]

    def __str__(self) -> str:
        return f"job {self.pk}"
