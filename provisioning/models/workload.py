from django.db import models
from django.db.models import Q

from provisioning.choices import WorkloadRole, WorkloadState


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
    restarts = models.PositiveIntegerField(default=0)
    last_restart_at = models.DateTimeField(null=True, blank=True)

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
