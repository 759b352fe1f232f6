"""`python -m tests.benchmarks.audit_writer MODE INDEX SECONDS`: one writer, or with `prepare` what all of them need.

A writer says `ready`, waits for a line, and then changes the name of its app and records that, over and over, with a
decision as the policies leave one. At the end it says how often.
"""

import sys
import time
from collections.abc import Callable

import django

django.setup()

from django.db import transaction  # noqa: E402

from tenants.apps.models.plugin_app import FIRST_NUMBER  # noqa: E402
from tenants.audit import request_context  # noqa: E402
from tenants.audit.request_context import Authentication, RecordedDecision  # noqa: E402
from tenants.audit.services import trail  # noqa: E402
from tenants.audit.services.record import audit_record  # noqa: E402
from tenants.audit.services.unit_of_work import unit_of_work  # noqa: E402
from tenants.models import AuditChain, AuditEvent, Organization, PluginApp, User  # noqa: E402
from tests.benchmarks.audit import ONE_CHAIN, UNCHAINED, WRITERS  # noqa: E402

_WARM_UP = 20


def prepare() -> None:
    """For each writer an app in the organization of all of them, and one in an organization of its own."""
    actor = User.objects.create_user(username="ada")
    shared = Organization.objects.create(name="Shared", slug="shared")
    for index in range(WRITERS):
        own = Organization.objects.create(name="Own", slug=f"own-{index}")
        for offset, organization in enumerate((shared, own)):
            PluginApp.objects.create(
                organization=organization,
                number=FIRST_NUMBER + 2 * index + offset,
                name="Shop",
                slug=f"shop-{index}",
                stack="php",
                created_by=actor,
            )


def write_for(seconds: float, write: Callable[[int], None]) -> None:
    for number in range(_WARM_UP):
        write(number)
    print("ready", flush=True)
    sys.stdin.readline()
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        write(count)
        count += 1
    print(count, flush=True)


def chained(app: PluginApp) -> Callable[[int], None]:
    decision = _decision(app)

    def write(number: int) -> None:
        with unit_of_work():
            request_context.decision.set(decision)
            PluginApp.objects.filter(pk=app.pk).update(name=f"Shop {number}")
            audit_record(
                action="app.renamed",
                message=f"app renamed to Shop {number}",
                actor=app.created_by,
                app=app,
                before={"name": f"Shop {number - 1}"},
                after={"name": f"Shop {number}"},
            )

    return write


def unchained(app: PluginApp) -> Callable[[int], None]:
    """The same rows, but each event's place is in a list of this writer alone: nobody waits, and nothing is hashed."""
    decision = _decision(app)
    own, _ = AuditChain.objects.get_or_create(name=f"list-{app.pk}")
    places = iter(range(own.events.count(), 10**9))

    def write(number: int) -> None:
        with transaction.atomic():
            PluginApp.objects.filter(pk=app.pk).update(name=f"Shop {number}")
            event = trail.event(
                action="app.renamed",
                message=f"app renamed to Shop {number}",
                actor=app.created_by,
                app=app,
                organization=app.organization,
                obj=app,
                decision=decision,
                before={"name": f"Shop {number - 1}"},
                after={"name": f"Shop {number}"},
                chain=own,
                sequence=next(places),
            )
            AuditEvent.objects.bulk_create([event])

    return write


def _decision(app: PluginApp) -> RecordedDecision:
    return RecordedDecision(
        is_allowed=True,
        action="app.change",
        policy="app-keepers-manage",
        reason="Owners and maintainers create, change and retire their organization's apps.",
        actor_id=app.created_by_id,
        resource_type="app",
        resource_id=app.public_id,
        organization_id=app.organization_id,
        app_id=app.pk,
        subject={
            "id": app.created_by_id,
            "platform_roles": [],
            "has_second_factor": False,
            "memberships": {"1": "owner"},
        },
        resource={"number": app.number, "state": app.state, "stack": app.stack, "organization": app.organization_id},
        context={"time": "2026-01-02T03:04:05+00:00", "address": "192.0.2.7", "freeze": False},
    )


def main(mode: str, index: str = "0", seconds: str = "0") -> None:
    if mode == "prepare":
        return prepare()
    request_context.authentication.set(Authentication(method="token", address="192.0.2.7", token_id=1))
    slug = f"own-{index}" if mode != ONE_CHAIN else "shared"
    found = PluginApp.objects.select_related("organization", "created_by")
    app = found.get(organization__slug=slug, slug=f"shop-{index}")
    write_for(float(seconds), unchained(app) if mode == UNCHAINED else chained(app))
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
