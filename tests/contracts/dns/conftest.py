"""The contract runs on every implementation. Every test has names of its own, so that all share one zone.

One more implementation is one more line in `IMPLEMENTATIONS`: a context manager that takes a directory and gives an
`Account`.
"""

import secrets
from collections.abc import Iterator

import pytest

from provisioning.dns.protocol import Provider
from tests.contracts.dns import account as accounts
from tests.contracts.dns.account import Account, Implementation
from tests.contracts.dns.vendors.accounts import VENDORS
from tests.name_servers.bind import running_bind
from tests.name_servers.knot import running_knot
from tests.name_servers.powerdns import running_powerdns

IMPLEMENTATIONS: dict[str, Implementation] = {
    "powerdns": accounts.powerdns,
    "rfc2136-bind": accounts.rfc2136(running_bind),
    "rfc2136-knot": accounts.rfc2136(running_knot),
    "rfc2136-powerdns": accounts.rfc2136(running_powerdns),
    **VENDORS,
}


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with IMPLEMENTATIONS[request.param](tmp_path_factory.mktemp("dns")) as made:
        yield made


@pytest.fixture
def provider(account: Account) -> Provider:
    return account.connect()


@pytest.fixture
def zone(account: Account) -> str:
    return account.zone


@pytest.fixture
def name(account: Account) -> str:
    """A name that no other test uses."""
    return f"t{secrets.token_hex(5)}.{account.zone}"
