"""How the tests are shared out between workers, and between two databases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import databases
from tests.tenants.audit.guard import every_unit_tells_what_it_changed  # noqa: F401 - an autouse fixture
from tests.tenants.policies.built_in_policies import put_back_after_flush  # noqa: F401 - an autouse fixture

# How long one example takes says something of the machine, and nothing of what is promised.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

END_TO_END = "tests/end_to_end/"
# Without one of these pytest-django refuses a test every query; `new_database` is for the processes that tests start.
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup", "new_database"}
# What a test is about that has one of these, or the mark `docker`: containers, a forge, the edge, a browser. It asks
# the database what others ask it as well.
OTHER_PARTS = {"forge", "chromium", "edge"}
# Tests below these need the Docker Engine, a whole installation or a browser, though no mark of theirs says so.
NOT_FAST = (END_TO_END, "tests/browser/", "tests/paas/ops/", "tests/benchmarks/")


class Shares(LoadScopeScheduling):
    """One share is a file, and all end-to-end tests are one share: they use one platform, and its ports."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.split("::")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="leave out tests that ask nothing of the database under test, and those of containers, forge and browser: "
        "a second database changes nothing for them",
    )
    parser.addoption(
        "--fast",
        action="store_true",
        help="leave out tests that need the Docker Engine, a forge, an edge or a browser, and those marked slow",
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shares | None:
    """For `--dist loadscope`, which is what bin/test asks for."""
    return Shares(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The share that takes longest comes first. Otherwise the order stays as pytest-django has made it."""
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))
    if config.getoption("only_database"):
        left_out = [item for item in items if not is_about_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_about_database(item)]
    if config.getoption("fast"):
        left_out = [item for item in items if not is_fast(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_fast(item)]


def is_about_database(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    asks_it = item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(fixtures)
    return asks_it and item.get_closest_marker("docker") is None and OTHER_PARTS.isdisjoint(fixtures)


def is_fast(item: pytest.Item) -> bool:
    """Whether a test runs without the Docker Engine and other servers, and is not marked slow."""
    is_marked = any(item.get_closest_marker(name) is not None for name in ("docker", "slow"))
    starts_servers = not OTHER_PARTS.isdisjoint(getattr(item, "fixturenames", []))
    return not is_marked and not starts_servers and not item.nodeid.startswith(NOT_FAST)


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest, django_db_modify_db_settings: None) -> bool:
    """Whether the tests' database is there already: on SQLite, where it begins as a copy of what bin/test has made.

    Overrides pytest-django's; PostgreSQL copies by itself (`TEST["TEMPLATE"]`).
    """
    if settings.TEST_DATABASE == "sqlite" and settings.TEST_TEMPLATE:
        databases.copy_template(Path(settings.DATABASES["default"]["TEST"]["NAME"]))
        return True
    return bool(request.config.getvalue("reuse_db"))


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], dict[str, str]]]:
    """`tests.databases.create`; what it made is gone at the end."""
    made: list[dict[str, str]] = []

    def create() -> dict[str, str]:
        made.append(databases.create())
        return made[-1]

    yield create
    for environment in made:
        databases.drop(environment)
