from django.db import models
from django.db.models import F, Q

from provisioning.inventory.choices import Transport
from tenants.policies.resources import Attribute, Kind, ResourceType, register


class Host(models.Model):
    """A machine of the inventory. The local one is registered by itself."""

    name = models.CharField(max_length=63, unique=True)
    address = models.GenericIPAddressField(default="127.0.0.1", help_text="Where the edge reaches published ports.")
    transport = models.CharField(max_length=10, choices=Transport, default=Transport.LOCAL)
    ssh_user = models.CharField(max_length=32, blank=True)
    ssh_port = models.PositiveIntegerField(default=22)
    ssh_known_host = models.TextField(blank=True, help_text="The host's public key line, as ssh-keyscan prints it.")
    docker_url = models.CharField(max_length=200)
    releases_home = models.CharField(max_length=300)
    roles = models.JSONField(default=list, help_text='Of "runner", "edge", "kv".')
    port_first = models.PositiveIntegerField()
    port_last = models.PositiveIntegerField()
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(port_first__gte=1024, port_last__lte=65535, port_first__lte=F("port_last")),
                name="host_port_range_valid",
            ),
            models.CheckConstraint(condition=Q(transport__in=Transport.values), name="host_transport_known"),
        ]

    def __str__(self) -> str:
        return self.name


HOST = register(
    ResourceType(
        name="host",
        model=Host,
        actions={"host.view": "read"},
        attributes=(
            Attribute("name", Kind.TEXT),
            Attribute("transport", Kind.TEXT, choices=tuple(Transport.values)),
            Attribute("is_enabled", Kind.FLAG),
        ),
        reference=lambda row: row.name,
        lookup=lambda text: {"name": text},
    )
)
