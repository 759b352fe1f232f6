"""How the installation looks names up: zones of its own at the servers that their operator has named."""

from provisioning.dns.models import HostedZone
from provisioning.dns.resolution import Resolution, nameserver_from_text, resolution_from_settings


def resolution() -> Resolution:
    """For what has no delegation, as an embedded name server's zone has none. Raises `OperatorError` for a setting."""
    named = HostedZone.objects.exclude(nameservers=[]).values_list("zone__name", "nameservers")
    return resolution_from_settings(
        delegations={zone: [nameserver_from_text(text) for text in servers] for zone, servers in named}
    )
