"""A provider in memory, and a zone that is hosted with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.dns.providers import PROVIDERS
from provisioning.dns.services.accounts import dns_account_create
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.models import HostedZone
from tenants.models import User
from tenants.names.services.zones import zone_create
from tests.factories import make_operator
from tests.provisioning.dns.memory import MemoryProvider

ZONE = "apps.example"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MemoryProvider]]:
    monkeypatch.setitem(PROVIDERS, MemoryProvider.name, MemoryProvider)
    MemoryProvider.reset(ZONE)
    yield MemoryProvider
    MemoryProvider.reset()


def hosted_zone(name: str = ZONE, *, operator: User | None = None, **values: Any) -> HostedZone:
    """`name`, made for all apps and hosted with an account of its own at the provider `memory`."""
    operator = operator or make_operator()
    of_zone = {field: values.pop(field) for field in ("applies_to", "priority", "is_wildcard") if field in values}
    zone = zone_create(name=name, actor=operator, **of_zone)
    account = dns_account_create(
        name=f"account-{name.replace('.', '-')}",
        provider="memory",
        settings={},
        secrets={"key": "s3cret-key"},
        zones=[name],
        actor=operator,
    )
    values.setdefault("targets", ["192.0.2.10"])
    return hosted_zone_set(zone=zone, account=account, actor=operator, **values)
