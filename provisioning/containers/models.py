from django.db import models
from django.db.models import Q

from provisioning.containers.choices import WorkloadRole, WorkloadState


class Workload(models.Model):
    """The containers of one deployment on one host in one role, or what stands in for them, behind one leased port."""

    environment = models.ForeignKey("tenants.Environment", on_delete=models.CASCADE, related_name="workloads")
    release = models.ForeignKey("tenants.Release", on_delete=models.CASCADE, related_name="workloads")
    deployment = models.ForeignKey("Operation", on_delete=models.CASCADE, related_name="workloads")
    host = models.ForeignKey("Host", on_delete=models.PROTECT, related_name="workloads")
    role = models.CharField(max_length=10, choices=WorkloadRole)
    state = models.CharField(max_length=10, choices=WorkloadState, default=WorkloadState.STARTING)
    port_lease = models.ForeignKey("PortLease", on_delete=models.PROTECT, related_name="+")
    port = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "role"], name="workload_once_per_deployment_and_role"),
            models.UniqueConstraint(
                fields=["environment", "role"],
                condition=Q(state=WorkloadState.SERVING),
                name="one_serving_workload_per_environment_and_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release} {self.role}"


class WorkloadRepair(models.Model):
    """How often a workload was repaired for one cause since it was last whole, and what the last try failed with."""

    workload = models.ForeignKey(Workload, on_delete=models.CASCADE, related_name="repairs")
    cause = models.CharField(max_length=60, help_text="The part and its condition, as 'app paused'.")
    tries = models.PositiveIntegerField(default=0)
    last_try_at = models.DateTimeField()
    error = models.TextField(blank=True, help_text="Why the last try failed; empty where it did not.")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["workload", "cause"], name="one_count_of_repairs_per_cause")]

    def __str__(self) -> str:
        return f"{self.workload}: {self.cause}"
