"""What people are told about names: on an app's timeline, and about a zone. Each once, not with every look."""

from typing import Any

from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.names.models.zone import Zone
from tenants.releases.models.release import Release


@unit_of_work
def names_wait(*, app: PluginApp, zone: Zone, error: str) -> None:
    audit_record(
        action="dns.waiting",
        message=f"the records in {zone.name} wait until its provider is back; what is live goes on",
        app=app,
        obj=app,
        data={"zone": zone.name, "error": error},
    )


@unit_of_work
def names_back(*, app: PluginApp, zone: Zone) -> None:
    audit_record(
        action="dns.resumed",
        message=f"the provider of {zone.name} is back, and the records are written",
        app=app,
        obj=app,
        data={"zone": zone.name},
    )


@unit_of_work
def zone_event(*, zone: Zone, action: str, message: str, data: dict[str, Any]) -> None:
    audit_record(action=action, message=message, obj=zone, data=data)


@unit_of_work
def names_looked_up(*, release: Release | None, message: str, data: dict[str, Any]) -> None:
    """What each name server said about a deployment's names, on its timeline."""
    audit_record(action="names.looked_up", message=message, release=release, data=data)
