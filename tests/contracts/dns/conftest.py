"""The contract runs on every implementation. Every test has names of its own, so that all share one zone.

One more implementation is one more line in `IMPLEMENTATIONS`: a context manager that takes a directory and gives an
`Account`.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from provisioning.dns.protocol import Provider
from tests.contracts.dns import account as accounts
from tests.contracts.dns.account import Account

IMPLEMENTATIONS: dict[str, Callable[[Path], AbstractContextManager[Account]]] = {
    "powerdns": accounts.powerdns,
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
