"""What the edge is told to serve: the platform's names and customers' proven ones, at a price that does not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.certificates.selectors import installed_certificates
from provisioning.containers.choices import WorkloadRole, WorkloadState
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.inventory.services import host_register_local
from provisioning.models import Host, Operation, PortLease, Workload
from provisioning.operations.choices import OperationKind
from provisioning.releases.workflow.specs import site_spec, with_sites
from tenants.models import Environment, RegistrableDomain
from tenants.names.choices import DomainState
from tenants.releases.choices import ReleaseState
from tests.factories import environment_of, make_app, make_release, owner_of

pytestmark = pytest.mark.django_db


def serving(host: Host) -> Environment:
    """An environment with something live, a domain that is served and one that is only claimed."""
    app = make_app()
    environment = environment_of(app)
    release = make_release(app=app, state=ReleaseState.APPROVED)
    deployment = Operation.objects.create(
        kind=OperationKind.DEPLOY_RELEASE, app=app, environment=environment, release=release
    )
    port = 20_000 + PortLease.objects.count()
    Workload.objects.create(
        environment=environment,
        release=release,
        deployment=deployment,
        host=host,
        role=WorkloadRole.LIVE,
        state=WorkloadState.SERVING,
        port_lease=PortLease.objects.create(host=host, port=port, leased_at=timezone.now()),
        port=port,
    )
    for state in (DomainState.WARNED, DomainState.PENDING, DomainState.WITHDRAWN):
        name = f"{state}.{app.public_id}.test"
        environment.custom_domains.create(
            hostname=name,
            registrable=RegistrableDomain.objects.create(name=name),
            state=state,
            created_by=owner_of(app.organization),
            proven_at=timezone.now(),
        )
    return environment


def test_a_site_has_the_platforms_hostname_and_the_proven_ones() -> None:
    environment = serving(host_register_local())
    own = environment.subdomains.get().hostname
    expected = (own, f"warned.{environment.app.public_id}.test")
    (prefetched,) = with_sites(Environment.objects.filter(pk=environment.pk))
    assert site_spec(environment).hostnames == site_spec(prefetched).hostnames == expected
    # The second has no certificate: it is served over HTTP alone, by a server of its own.
    for name in expected:
        assert f"server_name {name};" in render_edge_site(site_spec(prefetched))


def test_all_sites_take_as_many_queries_as_one() -> None:
    host = host_register_local()
    taken = []
    for more in (1, 5):
        pks = [serving(host).pk for _ in range(more)]
        with CaptureQueriesContext(connection) as queries:
            environments, certificates = with_sites(Environment.objects.filter(pk__in=pks)), installed_certificates()
            sites = [site_spec(environment, certificates) for environment in environments]
        assert len(sites) == more
        assert all(len(site.servers) == 1 and len(site.hostnames) == 2 for site in sites)
        taken.append(len(queries))
    assert taken[0] == taken[1]
