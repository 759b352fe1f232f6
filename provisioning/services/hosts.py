"""The inventory of machines."""

from django.conf import settings

from provisioning.choices import Transport
from provisioning.models import Host

LOCAL = "local"


def host_register_local() -> Host:
    """Registers the machine Berth runs on, with the ranges and homes of the settings. May run again at any time."""
    first, last = settings.PORT_RANGE
    values = {
        "address": "127.0.0.1",
        "transport": Transport.LOCAL,
        "docker_url": settings.DOCKER_URL,
        "releases_home": str(settings.RELEASES_HOME),
        "roles": ["runner", "edge", "kv"],
        "port_first": first,
        "port_last": last,
    }
    return Host.objects.update_or_create(name=LOCAL, defaults=values)[0]
