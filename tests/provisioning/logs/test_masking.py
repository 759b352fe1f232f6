"""What containers said last stands in a deployment's error for all to read: without the environment's secrets."""

import pytest

from provisioning.logs.sources import masked
from tenants.apps.services.environments import variable_set
from tenants.models import Environment
from tests.factories import environment_of, make_app, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    app = make_app()
    found, owner = environment_of(app), owner_of(app.organization)
    for name, value, is_secret in (("DB_PASSWORD", "hunter2-hunter2", True), ("GREETING", "Good day", False)):
        variable_set(environment=found, name=name, value=value, is_secret=is_secret, actor=owner)
    return found


def test_a_secret_is_masked_and_the_rest_stays(environment: Environment) -> None:
    said = "web: exit code 0\napp: exit code 255, last lines:\n  could not sign in with hunter2-hunter2 (Good day)"
    assert masked(environment, said) == said.replace("hunter2-hunter2", "[MASKED]")


def test_control_characters_are_written_out(environment: Environment) -> None:
    assert masked(environment, "red \x1b[31m alert") == "red \\x1b[31m alert"


def test_another_environments_secret_is_not_known_here(environment: Environment) -> None:
    other = environment_of(environment.app, "test")
    assert "hunter2-hunter2" in masked(other, "hunter2-hunter2")
