from typing import Any

from django.db import models
from django.db.models import Q

from tenants.apps.choices import AppState, EnvironmentName, Fallback, Stack
from tenants.fields import EncryptedTextField
from tenants.policies.resources import Attribute, Kind, ResourceType, by_number, register

DEFAULT_MEMORY_MIB = 256


class Environment(models.Model):
    """`test` or `production` of an app: its limits, health check and what is live in it."""

    app = models.ForeignKey("PluginApp", on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=20, choices=EnvironmentName)
    memory_mib = models.PositiveIntegerField(default=DEFAULT_MEMORY_MIB)
    cpu_millis = models.PositiveIntegerField(default=500, help_text="Thousandths of one core.")
    pids = models.PositiveIntegerField(default=128)
    disk_mib = models.PositiveIntegerField(default=64, help_text="Size of the writable /tmp.")
    health_check_path = models.CharField(max_length=200, default="/")
    fallback = models.CharField(max_length=10, choices=Fallback, default=Fallback.STANDBY)
    current_release = models.ForeignKey("Release", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    approved_as_of = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the release that was approved last was asked for: nobody has approved what came later.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["app", "name"], name="environment_once_per_app"),
            models.CheckConstraint(condition=Q(name__in=EnvironmentName.values), name="environment_name_known"),
            models.CheckConstraint(
                condition=Q(memory_mib__gte=32, memory_mib__lte=4096), name="environment_memory_in_range"
            ),
            models.CheckConstraint(
                condition=Q(cpu_millis__gte=50, cpu_millis__lte=4000), name="environment_cpu_in_range"
            ),
            models.CheckConstraint(condition=Q(pids__gte=16, pids__lte=1024), name="environment_pids_in_range"),
            models.CheckConstraint(condition=Q(disk_mib__gte=8, disk_mib__lte=1024), name="environment_disk_in_range"),
            models.CheckConstraint(condition=Q(fallback__in=Fallback.values), name="environment_fallback_known"),
        ]

    def __str__(self) -> str:
        return f"{self.app}/{self.name}"


class ConfigVariable(models.Model):
    """One variable of an environment. Encrypted at rest.

    A secret's value is never given back; another's is shown with the releases that have it, to whoever may see those.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(max_length=64)
    value = EncryptedTextField()
    is_secret = models.BooleanField(default=True, help_text="Masked in logs, and not shown to reviewers.")
    updated_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="variable_once_per_environment")]

    def __str__(self) -> str:
        return f"{self.environment}: {self.name}"


def _named(text: str) -> dict[str, Any] | None:
    app, _, name = text.partition("/")
    number = by_number(app, "app__number", "app")
    return number and number | {"name": name}


ENVIRONMENT = register(
    ResourceType(
        name="environment",
        model=Environment,
        actions={
            "environment.view": "read",
            "environment.change": "deploy",
            "environment.set_fallback": "operate",
            "logs.read": "read",
        },
        attributes=(
            Attribute("name", Kind.TEXT, choices=tuple(EnvironmentName.values)),
            Attribute("memory_mib", Kind.NUMBER),
            Attribute("cpu_millis", Kind.NUMBER),
            Attribute("pids", Kind.NUMBER),
            Attribute("disk_mib", Kind.NUMBER),
            Attribute("fallback", Kind.TEXT, choices=tuple(Fallback.values)),
            Attribute("app", Kind.NUMBER, "app__number"),
            Attribute("app_state", Kind.TEXT, "app__state", choices=tuple(AppState.values)),
            Attribute("stack", Kind.TEXT, "app__stack", choices=tuple(Stack.values)),
            Attribute("organization", Kind.ID, "app__organization"),
            Attribute("organization_slug", Kind.TEXT, "app__organization__slug"),
        ),
        organization="app__organization",
        app="app",
        app_grants={
            "environment.view": "view_pluginapp",
            "environment.change": "change_pluginapp",
            "logs.read": "read_logs",
        },
        reference=lambda row: f"{row.app.public_id}/{row.name}",
        lookup=_named,
    )
)
