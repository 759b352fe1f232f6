"""The platform that the end-to-end tests look at from outside: one for the whole run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.conf import settings

from tests.end_to_end.deploy_script import server  # noqa: F401 - fixtures
from tests.end_to_end.people import Cast
from tests.end_to_end.relay import Relay
from tests.end_to_end.running import RunningPlatform, running_platform

# Few enough that a test can push more.
MAX_FILES = 40


@dataclass(frozen=True)
class Premises:
    """The platform, and what stands between it and its forge and its Docker Engine: stopped, they are down."""

    platform: RunningPlatform
    forge_relay: Relay
    engine_relay: Relay


@contextmanager
def running_premises() -> Iterator[Premises]:
    web_port = int(os.environ.get("BERTH_TEST_WEB_PORT", "18000"))
    forge_relay = Relay(f"tcp:{web_port + 20}", f"tcp:{web_port}")
    engine_relay = Relay(f"unix:{settings.HOME}/engine.sock", settings.DOCKER_URL.replace("unix://", "unix:"))
    try:
        forge_relay.start()
        engine_relay.start()
        with running_platform(
            FORGE_URL=f"http://127.0.0.1:{web_port + 20}/forge",
            BERTH_EMBEDDED_FORGE="true",
            BERTH_DOCKER_URL=f"unix://{settings.HOME}/engine.sock",
            BERTH_MAX_RELEASE_FILES=str(MAX_FILES),
            BERTH_HEALTH_DEADLINE_S="10",
        ) as platform:
            try:
                yield Premises(platform, forge_relay, engine_relay)
            finally:
                engine_relay.start()
    finally:
        forge_relay.stop()
        engine_relay.stop()


@pytest.fixture(scope="session")
def premises() -> Iterator[Premises]:
    with running_premises() as found:
        yield found


@pytest.fixture
def breakable(premises: Premises) -> Iterator[Premises]:
    """For tests that take parts of the platform down: afterwards all of them are up again."""
    yield premises
    premises.forge_relay.start()
    premises.engine_relay.start()
    premises.platform.run("bin/up", "--detach", "--no-demo", "--no-install")


@pytest.fixture(scope="session")
def platform(premises: Premises) -> RunningPlatform:
    return premises.platform


@pytest.fixture(scope="session")
def cast(platform: RunningPlatform) -> Cast:
    """A developer with an organization, a reviewer, an operator, and a stranger with an organization of his own."""
    return Cast.of(platform)
