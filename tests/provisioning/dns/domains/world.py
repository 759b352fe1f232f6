"""Customers' domains on real name servers and a real edge: what a developer, the customer and the workers do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dns.name
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
from django.utils import timezone

from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.dns.workflow import check_domain
from provisioning.inventory.services import host_register_local
from provisioning.models import Host, Operation, PortLease, Workload
from provisioning.operations.choices import OperationKind
from provisioning.reconcile.workflow import reconcile_edge
from tenants.models import AuditEvent, CustomDomain, PluginApp
from tenants.names.services.domains import domain_add, domain_check_request, domain_remove
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_release, owner_of
from tests.name_servers.hierarchy import Hierarchy
from tests.name_servers.server import NameServer
from tests.provisioning.edge.running import RunningEdge, Upstream

ZONE = "customer.test"


@dataclass
class World:
    names: Hierarchy
    edge: RunningEdge

    def live_app(self, upstream: Upstream, **fields: Any) -> PluginApp:
        """An app that `upstream` answers for, in production, at the edge."""
        app = make_app(**fields)
        environment = environment_of(app)
        release = make_release(app=app, state=ReleaseState.APPROVED)
        host = Host.objects.first() or host_register_local()
        Workload.objects.create(
            environment=environment,
            release=release,
            deployment=Operation.objects.create(
                kind=OperationKind.DEPLOY_RELEASE,
                app=app,
                environment=environment,
                release=release,
                state="succeeded",
            ),
            host=host,
            role=WorkloadRole.LIVE,
            state=WorkloadState.SERVING,
            port_lease=PortLease.objects.create(host=host, port=upstream.port, leased_at=timezone.now()),
            port=upstream.port,
        )
        reconcile_edge()
        return app

    def add(self, app: PluginApp, hostname: str) -> CustomDomain:
        return domain_add(environment=environment_of(app), hostname=hostname, actor=owner_of(app.organization))

    def add_past_refusals(self, app: PluginApp, hostname: str) -> CustomDomain:
        """As if it had been added before anybody had proven the name."""
        added = self.add(app, f"for-{app.pk}.customer.test")
        CustomDomain.objects.filter(pk=added.pk).update(hostname=hostname)
        added.refresh_from_db()
        return added

    def reconcile(self) -> None:
        reconcile_edge()

    def remove(self, domain: CustomDomain) -> None:
        domain_remove(domain=domain, actor=owner_of(domain.environment.app.organization))
        reconcile_edge()

    def set(self, name: str, type_: str, *values: str) -> None:
        """The customer sets a record set on both servers of the zone; without values it is gone."""
        self.set_on_bind(name, type_, *values)
        self.set_on_knot(name, type_, *values)

    def set_on_bind(self, name: str, type_: str, *values: str) -> None:
        _update(self.names.bind, name, type_, values)

    def set_on_knot(self, name: str, type_: str, *values: str) -> None:
        _update(self.names.knot, name, type_, values)

    def prove(self, domain: CustomDomain) -> None:
        self.set(domain.challenge_name, "TXT", f'"{domain.challenge_value}"')

    def point(self, domain: CustomDomain) -> None:
        self.set(domain.hostname, "CNAME", f"{domain.environment.subdomains.get().hostname}.")

    def check(self, domain: CustomDomain, *, after: timedelta = timedelta()) -> CustomDomain:
        """Somebody asks for a check, `after` so long a time, and a worker makes it; then the edge is reconciled."""
        domain.refresh_from_db()
        times = ("created_at", "proven_at", "failing_since", "unheard_since", "check_requested_at")
        CustomDomain.objects.filter(pk=domain.pk).update(
            **{name: getattr(domain, name) - after for name in times if getattr(domain, name) is not None}
        )
        CustomDomain.objects.filter(pk=domain.pk).update(check_requested_at=None)
        domain_check_request(domain=domain, actor=owner_of(domain.environment.app.organization))
        assert check_domain.run() > 0
        reconcile_edge()
        domain.refresh_from_db()
        return domain

    def served_by(self, hostname: str) -> str:
        """The name of the plugin that answers under this hostname; empty where none does."""
        return self.edge.get(hostname).upstream


def told(domain: CustomDomain) -> list[str]:
    """What the timeline says of the domain, without the requests for checks."""
    events = AuditEvent.objects.filter(object_type="custom_domain", object_id=str(domain.pk)).order_by("pk")
    return [event.action for event in events if event.action != "domain.check_requested"]


def _update(server: NameServer, name: str, type_: str, values: tuple[str, ...]) -> None:
    keys = dns.tsigkeyring.from_text({server.key.name: server.key.secret})
    update = dns.update.UpdateMessage(ZONE, keyring=keys, keyname=server.key.name, keyalgorithm=server.key.algorithm)
    owner = dns.name.from_text(name)
    update.delete(owner, type_)
    for value in values:
        update.add(owner, 300, type_, value)
    answer = dns.query.tcp(update, server.address, port=server.port, timeout=10)
    assert answer.rcode() == dns.rcode.NOERROR, answer.to_text()
