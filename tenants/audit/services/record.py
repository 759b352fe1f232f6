"""The one way to write down what happened."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.db.models import Model

from tenants.apps.models.plugin_app import PluginApp
from tenants.audit import request_context
from tenants.audit.services import trail
from tenants.audit.services import unit_of_work as unit
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.organizations.models.organization import Organization
from tenants.people.models.user import User
from tenants.releases.models.release import Release


def audit_record(
    *,
    action: str,
    message: str,
    actor: User | None = None,
    organization: Organization | None = None,
    app: PluginApp | None = None,
    environment: str = "",
    release: Release | None = None,
    obj: Model | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Records one event, written when the unit of work ends; outside of one, at once.

    `obj` is what `action` was done to, a saved row; the release, the app or the organization where it is left out.
    `before` and `after` hold what changed, under the same names. App and organization follow from the release, or
    from the app, where they are left out. `actor` is None where the platform itself acted.

    `message`, `before`, `after` and `data` are shown to everyone who may see the app: never put a secret into them.
    """
    if release is not None:
        app = app or release.app
        environment = environment or release.environment.name
    if app is not None:
        organization = organization or app.organization
    with nullcontext() if unit.is_open() else unit_of_work():
        unit.hold(
            trail.event(
                action=action,
                message=message,
                actor=actor,
                organization=organization,
                app=app,
                environment=environment,
                release=release,
                obj=obj if obj is not None else release or app or organization,
                before=before or {},
                after=after or {},
                data=data or {},
                decision=request_context.decision.get(),
            )
        )
