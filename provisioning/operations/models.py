from django.conf import settings
from django.db import models
from django.db.models import Q

from provisioning.operations.choices import NOT_REACHED, UNFINISHED, OperationKind, OperationState, StepState
from provisioning.operations.lease import Leased
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class Operation(Leased):
    """One piece of work on one subject, done by a workflow: its state, its lease, why it failed.

    The subject is an app, a zone or a host: exactly one. An environment, a release or a domain narrows an app.

    A worker holds it by `lease_owner` until `lease_until`; `fence` grows with each lease, so that a worker that was
    away too long cannot write over its successor.
    """

    kind = models.CharField(max_length=20, choices=OperationKind)
    app = models.ForeignKey(
        "tenants.PluginApp", null=True, blank=True, on_delete=models.CASCADE, related_name="operations"
    )
    environment = models.ForeignKey(
        "tenants.Environment", null=True, blank=True, on_delete=models.CASCADE, related_name="operations"
    )
    release = models.ForeignKey(
        "tenants.Release", null=True, blank=True, on_delete=models.CASCADE, related_name="operations"
    )
    domain = models.ForeignKey(
        "tenants.CustomDomain", null=True, blank=True, on_delete=models.CASCADE, related_name="operations"
    )
    zone = models.ForeignKey("tenants.Zone", null=True, blank=True, on_delete=models.CASCADE, related_name="operations")
    host = models.ForeignKey(
        "provisioning.Host", null=True, blank=True, on_delete=models.CASCADE, related_name="operations"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_rollback = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=OperationState, default=OperationState.PENDING)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    data = models.JSONField(default=dict, help_text="What steps leave for later ones: ids, never a secret.")
    next_run_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=Q(kind=OperationKind.DEPLOY_RELEASE, state__in=UNFINISHED),
                name="one_deployment_at_a_time_per_environment",
            ),
            models.UniqueConstraint(
                fields=["app", "kind"],
                condition=Q(kind__in=[OperationKind.PROVISION_APP, OperationKind.RETIRE_APP], state__in=UNFINISHED),
                name="one_unfinished_operation_per_app_and_kind",
            ),
            models.UniqueConstraint(
                fields=["release", "kind"],
                condition=Q(kind=OperationKind.CHECK_RELEASE, state__in=UNFINISHED),
                name="one_unfinished_check_per_release",
            ),
            models.UniqueConstraint(
                fields=["domain", "kind"],
                condition=Q(state__in=UNFINISHED),
                name="one_unfinished_operation_per_domain_and_kind",
            ),
            models.UniqueConstraint(
                fields=["zone", "kind"],
                condition=Q(state__in=UNFINISHED),
                name="one_unfinished_operation_per_zone_and_kind",
            ),
            models.UniqueConstraint(
                fields=["host", "kind"],
                condition=Q(state__in=UNFINISHED),
                name="one_unfinished_operation_per_host_and_kind",
            ),
            models.CheckConstraint(
                condition=(
                    Q(app__isnull=False, zone=None, host=None)
                    & (Q(domain=None) | Q(environment__isnull=False, release=None))
                )
                | (
                    Q(app=None, environment=None, release=None, domain=None)
                    & (Q(zone__isnull=False, host=None) | Q(zone=None, host__isnull=False))
                ),
                name="operation_has_one_subject",
            ),
            models.CheckConstraint(condition=Q(state__in=OperationState.values), name="operation_state_known"),
        ]
        indexes = [
            models.Index(fields=["state", "next_run_at"], name="operation_by_state"),
            models.Index(fields=["app", "kind", "-id"], name="operation_by_app"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of {self.domain or self.app or self.zone or self.host}"

    @property
    def subject(self) -> models.Model:
        """The narrowest thing that the row names."""
        found = self.domain or self.release or self.environment or self.app or self.zone or self.host
        if found is None:
            raise TypeError(f"operation {self.pk} has no subject")
        return found


class DeploymentManager(models.Manager["Deployment"]):
    def get_queryset(self) -> models.QuerySet["Deployment"]:
        return super().get_queryset().filter(kind=OperationKind.DEPLOY_RELEASE)


class Deployment(Operation):
    """One attempt to make an approved release live."""

    objects = DeploymentManager()  # type: ignore[misc]

    class Meta:
        proxy = True
        ordering = ["-pk"]


class Step(models.Model):
    """One named, idempotent step of an operation."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    state = models.CharField(max_length=20, choices=StepState, default=StepState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    output = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["operation", "name"], name="step_once_per_operation")]

    def __str__(self) -> str:
        return f"{self.operation}: {self.name}"

    @property
    def shown_state(self) -> str:
        """The state as people see it: of an operation that has ended, no step is still to come or under way."""
        if self.operation.state in UNFINISHED or self.state in (StepState.SUCCEEDED, StepState.FAILED):
            return self.state
        return NOT_REACHED if self.state == StepState.PENDING else OperationState.CANCELLED


DEPLOYMENT = register(
    ResourceType(
        name="deployment",
        # Provisioning and retiring an app are seen by whoever sees its deployments.
        model=Operation,
        actions={"deployment.view": "read"},
        attributes=(
            Attribute("kind", Kind.TEXT, choices=tuple(OperationKind.values)),
            Attribute("state", Kind.TEXT, choices=tuple(OperationState.values)),
            Attribute("environment", Kind.TEXT, "environment__name", is_nullable=True),
            Attribute("is_rollback", Kind.FLAG),
            Attribute("requested_by", Kind.ID, is_nullable=True),
            Attribute("app", Kind.NUMBER, "app__number", is_nullable=True),
            Attribute("organization", Kind.ID, "app__organization", is_nullable=True),
            Attribute("organization_slug", Kind.TEXT, "app__organization__slug", is_nullable=True),
        ),
        organization="app__organization",
        app="app",
        app_grants={"deployment.view": "view_pluginapp"},
    )
)
