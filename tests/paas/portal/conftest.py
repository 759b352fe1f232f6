"""People in front of the portal, each with a browser session of their own."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.models import User

Visit = Callable[..., Client]


@pytest.fixture
def visit() -> Visit:
    """A browser session: `visit(user)`, or anonymous."""

    def opened(user: User | None = None, **options: Any) -> Client:
        client = Client(**options)
        if user is not None:
            client.force_login(user)
        return client

    return opened
