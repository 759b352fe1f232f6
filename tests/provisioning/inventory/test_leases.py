"""Ports, subnets and uids are leased once, whoever asks at the same time."""

import ipaddress
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone

from provisioning.exceptions import PortsExhausted, SubnetsExhausted
from provisioning.inventory import leases
from provisioning.inventory.choices import UidUse
from provisioning.models import Host, PortLease, SubnetLease
from tests.factories import make_app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host() -> Host:
    return Host.objects.create(
        name="one",
        docker_url="unix:///nowhere",
        releases_home="/nowhere",
        roles=["runner"],
        port_first=30000,
        port_last=30009,
    )


def test_the_lowest_free_port_is_leased(host: Host) -> None:
    assert [leases.port_lease(host=host, use="a").port for _ in range(3)] == [30000, 30001, 30002]


def test_a_port_given_back_rests_before_it_is_leased_again(host: Host) -> None:
    first = leases.port_lease(host=host, use="a")
    leases.port_release(lease=first)
    assert leases.port_lease(host=host, use="b").port == 30001
    PortLease.objects.filter(pk=first.pk).update(free_at=timezone.now() - timedelta(seconds=1))
    again = leases.port_lease(host=host, use="c")
    assert (again.port, again.use, again.free_at) == (30000, "c", None)


def test_giving_back_twice_does_not_take_the_port_from_its_next_holder(host: Host) -> None:
    lease = leases.port_lease(host=host, use="a")
    leases.port_release(lease=lease, rest=timedelta(0))
    stale = PortLease.objects.get(pk=lease.pk)
    assert leases.port_lease(host=host, use="b").port == 30000
    assert stale.free_at is not None


def test_ports_exhausted_names_the_host_and_the_range(host: Host) -> None:
    for _ in range(10):
        leases.port_lease(host=host, use="a")
    with pytest.raises(PortsExhausted, match=r"one has no free port in 30000-30009: an operator must widen"):
        leases.port_lease(host=host, use="a")


def test_two_hosts_may_lease_the_same_port(host: Host) -> None:
    other = Host.objects.create(
        name="two", docker_url="unix:///x", releases_home="/x", roles=[], port_first=30000, port_last=30009
    )
    assert leases.port_lease(host=host, use="a").port == leases.port_lease(host=other, use="a").port


def test_the_database_refuses_the_same_port_twice(host: Host) -> None:
    leases.port_lease(host=host, use="a")
    with pytest.raises(IntegrityError):
        PortLease.objects.create(host=host, port=30000, use="b", leased_at=timezone.now())


def test_callers_at_the_same_time_get_different_ports(host: Host) -> None:
    ports: list[int] = []
    start = threading.Barrier(8)

    def lease() -> None:
        start.wait()
        ports.append(leases.port_lease(host=host, use="a").port)
        connection.close()

    threads = [threading.Thread(target=lease) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ports) == list(range(30000, 30008))


def test_an_environment_keeps_its_network() -> None:
    environment = make_app().environments.get(name="production")
    first = leases.subnet_lease(environment=environment)
    assert leases.subnet_lease(environment=environment) == first
    assert first.prefixlen == 29
    assert str(first.network_address) == settings.SUBNET_POOL.split("/")[0]


def test_networks_of_two_environments_do_not_overlap() -> None:
    first, second = (leases.subnet_lease(environment=e) for e in make_app().environments.all())
    assert not first.overlaps(second)


def test_the_pool_runs_out_with_a_clear_error(settings: pytest.FixtureRequest) -> None:
    settings.SUBNET_POOL = "10.214.0.0/29"  # type: ignore[attr-defined]
    one, two = make_app().environments.all()
    leases.subnet_lease(environment=one)
    with pytest.raises(SubnetsExhausted, match=r"10\.214\.0\.0/29 has no free network"):
        leases.subnet_lease(environment=two)
    leases.subnet_release(environment=one)
    SubnetLease.objects.update(free_at=timezone.now() - timedelta(seconds=1))
    assert str(leases.subnet_lease(environment=two)) == "10.214.0.0/29"


@pytest.mark.parametrize(
    ("stranger", "leased"),
    [
        ("10.214.0.0/24", "10.214.1.0/29"),
        ("10.214.0.0/29", "10.214.0.8/29"),
        ("10.214.0.0/30", "10.214.0.8/29"),
        ("172.17.0.0/16", "10.214.0.0/29"),
    ],
)
def test_what_a_stranger_was_seen_to_use_is_stepped_around(
    settings: pytest.FixtureRequest, stranger: str, leased: str
) -> None:
    settings.SUBNET_POOL = "10.214.0.0/16"  # type: ignore[attr-defined]
    leases.subnets_set_aside([ipaddress.IPv4Network(stranger)], rest=timedelta(days=1))
    environment = make_app().environments.get(name="production")
    assert str(leases.subnet_lease(environment=environment)) == leased


def test_what_an_environment_holds_is_not_taken_from_it(settings: pytest.FixtureRequest) -> None:
    settings.SUBNET_POOL = "10.214.0.0/16"  # type: ignore[attr-defined]
    environment = make_app().environments.get(name="production")
    held = leases.subnet_lease(environment=environment)
    leases.subnets_set_aside([ipaddress.IPv4Network("10.0.0.0/8")], rest=timedelta(days=1))
    assert leases.subnet_lease(environment=environment) == held


def test_a_uid_is_one_apps_for_ever() -> None:
    one, two = make_app(), make_app()
    assert leases.uid_lease(app=one) == leases.uid_lease(app=one) == settings.UID_RANGE[0]
    assert leases.uid_lease(app=two) == settings.UID_RANGE[0] + 1


def test_an_apps_sidecar_is_another_user_than_its_plugin() -> None:
    app = make_app()
    first = settings.UID_RANGE[0]
    for _ in range(2):
        assert leases.uid_lease(app=app) == first
        assert leases.uid_lease(app=app, use=UidUse.SIDECAR) == first + 1
