"""The inventory of machines."""

from django.conf import settings

from provisioning.inventory.choices import Transport
from provisioning.inventory.models.host import Host
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work

LOCAL = "local"


@unit_of_work
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
    before = Host.objects.filter(name=LOCAL).values(*values).first()
    host, _ = Host.objects.update_or_create(name=LOCAL, defaults=values)
    changed = {name for name in values if before is None or before[name] != values[name]}
    if changed:
        audit_record(
            action="host.changed" if before else "host.registered",
            message=f"host {LOCAL} {'changed' if before else 'registered'}",
            obj=host,
            before={name: before[name] for name in changed} if before else None,
            after={name: values[name] for name in changed},
        )
    return host
