"""How the tests are shared out between two workers: end-to-end tests first and on one, other files whole."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

END_TO_END = "tests/end_to_end/"


class Shares(LoadScopeScheduling):
    """One share is a file, and all end-to-end tests are one share: they use one platform, and its ports."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shares | None:
    """For `--dist loadscope`, which is what bin/test asks for."""
    return Shares(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The share that takes longest comes first. Otherwise the order stays as pytest-django has made it."""
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))
