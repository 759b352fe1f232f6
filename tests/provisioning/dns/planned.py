"""Shared by the tests of plans."""

from typing import Any

import pytest

from provisioning.dns.selectors.zones import zone_plan
from provisioning.dns.services.plans import zone_apply
from provisioning.dns.workflow.sync import sync
from provisioning.exceptions import ServiceUnavailable
from provisioning.models import HostedZone
from tenants.models import PluginApp, User
from tests.factories import make_app, make_operator
from tests.provisioning.dns.fixtures import ZONE
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.synchronised import provision


@pytest.fixture
def operator() -> User:
    return make_operator()


def fresh() -> HostedZone:
    return HostedZone.objects.select_related("zone", "account").get()


def apply(operator: User, **values: Any) -> None:
    hosted = fresh()
    zone_apply(zone=hosted.zone, digest=zone_plan(hosted).digest, actor=operator, **values)
    sync(hosted.pk)


def apps_with_records(count: int) -> list[PluginApp]:
    found = [make_app() for _ in range(count)]
    for app in found:
        provision(app)
    return found


def addresses() -> set[tuple[str, ...]]:
    return {values for (_, type_), values in MemoryProvider.records(ZONE).items() if type_ == "A"}


def ttls() -> set[int]:
    return {record.ttl_s for (_, type_), record in MemoryProvider.zones_held[ZONE].items() if type_ == "A"}


def down(_name: str, _n: int) -> None:
    raise ServiceUnavailable("the vendor does not answer")
