"""Log lines on pages, which are there also while the Docker Engine is not."""

import pytest
from django.utils import timezone

from provisioning.models import Host, PortLease, Workload
from provisioning.operations.services import deployment_create
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tests.factories import make_release, owner_of
from tests.paas.portal.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def without_engine() -> Release:
    """A live release whose host has no Docker Engine any more."""
    release = make_release(state=ReleaseState.LIVE)
    host = Host.objects.create(
        name="gone",
        docker_url="unix:///nonexistent/docker.sock",
        releases_home="/nonexistent",
        port_first=20000,
        port_last=20009,
    )
    deployment = deployment_create(release=release, requested_by=None)
    lease = PortLease.objects.create(host=host, port=20005, use="test", leased_at=timezone.now())
    Workload.objects.create(
        environment=release.environment, release=release, deployment=deployment, host=host, role="live",
        state="serving", port_lease=lease, port=20005,
    )  # fmt: skip
    return release


@pytest.mark.parametrize("rest", ["", "environments/production/logs/"])
def test_the_page_is_there_while_docker_is_down(visit: Visit, without_engine: Release, rest: str) -> None:
    client = visit(owner_of(without_engine.app.organization))
    answer = client.get(f"/apps/{without_engine.app.public_id}/{rest}")
    assert answer.status_code == 200
    assert "The logs can&#x27;t be read right now" in answer.content.decode()


def test_a_refused_parameter_is_named_and_the_others_kept(visit: Visit, without_engine: Release) -> None:
    client = visit(owner_of(without_engine.app.organization))
    path = f"/apps/{without_engine.app.public_id}/environments/production/logs/"
    answer = client.get(f"{path}?tail=0&grep=needle")
    assert answer.status_code == 400
    assert "tail: must be a whole number from 1 to 5000" in answer.content.decode()
    assert 'value="needle"' in answer.content.decode()


def test_an_environment_without_containers_has_no_lines(visit: Visit) -> None:
    release = make_release(state=ReleaseState.LIVE)
    client = visit(owner_of(release.app.organization))
    answer = client.get(f"/apps/{release.app.public_id}/environments/production/logs/")
    assert "No lines." in answer.content.decode()
