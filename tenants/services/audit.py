"""The one way to write down what happened."""

from typing import Any

from tenants.models import AuditEvent, Organization, PluginApp, Release, User
from tenants.request_context import request_id


def audit_record(
    *,
    action: str,
    message: str,
    actor: User | None = None,
    organization: Organization | None = None,
    app: PluginApp | None = None,
    environment: str = "",
    release: Release | None = None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Records one event; app and organization follow from the release, or from the app, where they are left out.

    `actor` is None where the platform itself acted. `message` and `data` are shown to everyone who may see the app:
    never put a secret into them.
    """
    if release is not None:
        app = app or release.app
        environment = environment or release.environment.name
    if app is not None:
        organization = organization or app.organization
    return AuditEvent.objects.create(
        action=action,
        message=message,
        actor=actor,
        organization=organization,
        app=app,
        environment=environment,
        release=release,
        data=data or {},
        request_id=request_id.get(),
    )
