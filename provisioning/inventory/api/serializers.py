"""Hosts, as clients get them."""

from rest_framework import serializers

from provisioning.inventory.models.host import Host


class HostSerializer(serializers.ModelSerializer[Host]):
    workloads = serializers.IntegerField(source="workload_count", read_only=True)
    ports_leased = serializers.IntegerField(source="port_count", read_only=True)
    ports = serializers.SerializerMethodField()

    class Meta:
        model = Host
        fields = ["name", "address", "transport", "roles", "is_enabled", "ports", "ports_leased", "workloads"]
        read_only_fields = fields

    def get_ports(self, host: Host) -> str:
        return f"{host.port_first}-{host.port_last}"
