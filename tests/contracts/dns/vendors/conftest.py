import logging
from collections.abc import Iterator

import pytest

from tests.contracts.dns.vendors.accounts import VENDORS, VendorAccount


@pytest.fixture(params=VENDORS)
def account(request: pytest.FixtureRequest) -> Iterator[VendorAccount]:
    with VENDORS[request.param]() as made:
        yield made


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")  # which has a level of its own
