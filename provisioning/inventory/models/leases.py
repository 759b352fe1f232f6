"""What is leased from a range, by the database alone: ports, subnets, uids."""

from django.db import models

from provisioning.inventory.choices import UidUse


class PortLease(models.Model):
    """One port on one host held for one use. A port given back keeps its row and rests until `free_at`."""

    host = models.ForeignKey("Host", on_delete=models.PROTECT, related_name="port_leases")
    port = models.PositiveIntegerField()
    use = models.CharField(max_length=120)
    leased_at = models.DateTimeField()
    free_at = models.DateTimeField(null=True, blank=True, help_text="Given back; may be leased again from then on.")

    class Meta:
        ordering = ["host", "port"]
        constraints = [models.UniqueConstraint(fields=["host", "port"], name="port_leased_once_per_host")]

    def __str__(self) -> str:
        return f"{self.host}:{self.port} {self.use}"


class SubnetLease(models.Model):
    """One small network of the platform's address pool, by its index in the pool, for one environment."""

    index = models.PositiveIntegerField(unique=True)
    environment = models.OneToOneField(
        "tenants.Environment", null=True, blank=True, on_delete=models.SET_NULL, related_name="subnet_lease"
    )
    free_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["index"]

    def __str__(self) -> str:
        return f"subnet {self.index}"


class UidLease(models.Model):
    """A user id of one app on every host: its plugin's, or its sidecar's. It never returns to the range."""

    uid = models.PositiveIntegerField(unique=True)
    app = models.ForeignKey("tenants.PluginApp", on_delete=models.PROTECT, related_name="uid_leases")
    use = models.CharField(max_length=10, choices=UidUse, default=UidUse.PLUGIN)

    class Meta:
        ordering = ["uid"]
        constraints = [
            models.UniqueConstraint(fields=["app", "use"], name="uid_leased_once_per_app_and_use"),
            models.CheckConstraint(condition=models.Q(use__in=UidUse.values), name="uid_lease_use_known"),
        ]

    def __str__(self) -> str:
        return f"uid {self.uid} of {self.app} ({self.use})"
