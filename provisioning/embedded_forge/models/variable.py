"""CI variables of a project."""

from django.db import models

from provisioning.embedded_forge.encryption import EncryptedTextField
from provisioning.embedded_forge.models.project import Project


class Variable(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variables")
    key = models.CharField(max_length=255)
    value = EncryptedTextField(blank=True, default="")
    variable_type = models.CharField(max_length=10, default="env_var")
    is_protected = models.BooleanField(default=False)
    is_masked = models.BooleanField(default=False)
    is_hidden = models.BooleanField(default=False)
    is_raw = models.BooleanField(default=False)
    environment_scope = models.CharField(max_length=255, default="*")
    description = models.TextField(blank=True, default="")

    class Meta:
        db_table = "embedded_forge_variable"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key", "environment_scope"], name="forge_variable_once_per_environment"
            )
        ]

    def __str__(self) -> str:
        return self.key
