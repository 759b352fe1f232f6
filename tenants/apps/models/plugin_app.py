from django.conf import settings
from django.db import models

from tenants.apps.choices import AppState, Stack
from tenants.policies.resources import Attribute, Kind, ResourceType, by_number, register

FIRST_NUMBER = 1_000_001


class PluginApp(models.Model):
    """One plugin. Its number counts up from 1000001 and is never used twice, so neither are its hostnames."""

    number = models.PositiveIntegerField(unique=True)
    organization = models.ForeignKey("Organization", on_delete=models.PROTECT, related_name="apps")
    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=40)
    stack = models.CharField(max_length=20, choices=Stack)
    state = models.CharField(max_length=20, choices=AppState, default=AppState.PROVISIONING)
    error = models.TextField(blank=True, help_text="Why provisioning or retiring failed, and whose move it is.")
    repository_http_url = models.CharField(
        max_length=500, blank=True, help_text="Where developers clone and push; empty until it is provisioned."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "slug"],
                condition=~models.Q(state=AppState.RETIRED),
                name="slug_once_per_organization",
            ),
            models.CheckConstraint(condition=models.Q(state__in=AppState.values), name="app_state_known"),
            models.CheckConstraint(condition=models.Q(stack__in=Stack.values), name="app_stack_known"),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="app_by_organization_state")]
        # What may be granted on one app. `view_pluginapp` is Django's own.
        permissions = [
            ("submit_release", "Ask for releases of the app, cancel them and roll back"),
            ("read_logs", "Read the logs of the app"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"app{self.number}"


APP = register(
    ResourceType(
        name="app",
        model=PluginApp,
        actions={"app.view": "read", "app.create": "deploy", "app.change": "deploy", "app.retire": "deploy"},
        attributes=(
            Attribute("number", Kind.NUMBER),
            Attribute("organization", Kind.ID),
            Attribute("organization_slug", Kind.TEXT, "organization__slug"),
            Attribute("slug", Kind.TEXT),
            Attribute("stack", Kind.TEXT, choices=tuple(Stack.values)),
            Attribute("state", Kind.TEXT, choices=tuple(AppState.values)),
            Attribute("created_by", Kind.ID),
            Attribute("created_at", Kind.TIME),
        ),
        organization="organization",
        app="pk",
        app_grants={"app.view": "view_pluginapp", "app.change": "change_pluginapp"},
        reference=lambda row: row.public_id,
        lookup=lambda text: by_number(text, "number", "app"),
        creates={"app.create": ("organization", lambda organization: PluginApp(organization=organization))},
    )
)
