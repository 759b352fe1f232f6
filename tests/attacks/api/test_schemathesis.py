"""Everything that the OpenAPI document lets one send, and much that it does not: every answer is one that it documents.

Requests go through the whole of the WSGI application, each in a savepoint of its own, so that none meets what another
one left. The same ones are sent each time; `BERTH_FUZZ_EXAMPLES` asks for so many others of each operation instead.
"""

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from tests.attacks.access.world import make_world
from tests.factories import make_token

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("BERTH_FUZZ_EXAMPLES", "0"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
IN_SUITE = 4
# These ask the forge, and there is none here: 503 is what they document for that.
FORGE_IS_AWAY = {
    *("me_git_token_create", "me_git_token_destroy", "me_git_token_list", "me_git_token_revoke"),
    *("releases_archive_retrieve", "releases_diff_file_retrieve", "releases_diff_retrieve"),
    *("releases_files_content_retrieve", "releases_files_retrieve"),
}


@pytest.fixture
def application() -> Iterator[Any]:
    """As a server runs it, but for the end of a request: that must not close the connection of the test."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("person", ["owner", "operator"])
def test_every_answer_is_one_that_is_documented(person: str, application: Any) -> None:
    world = make_world()
    document = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    authorization = {"Authorization": f"Bearer {make_token(getattr(world, person))}"}
    faults: list[str] = []
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            try:
                fuzz(operation, mode, world.known, authorization)
            except Unsatisfiable:
                # There is nothing that could be wrong in a request without parameters and body.
                assert mode is GenerationMode.NEGATIVE
            except FailureGroup as group:
                faults.append(f"{operation.label}, {mode.value}: {group}")
    assert not faults, "\n\n".join(faults)


def fuzz(operation: Any, mode: GenerationMode, known: dict[str, list[Any]], headers: dict[str, str]) -> None:
    """Sends requests that `operation` takes, or that it must refuse. Raises `FailureGroup` with the smallest fault."""

    @seed(1 if not EXAMPLES else int.from_bytes(os.urandom(8)))
    @settings(
        max_examples=EXAMPLES or IN_SUITE,
        phases=[Phase.generate, Phase.shrink],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), strategies.randoms(use_true_random=False))
    def send(case: schemathesis.Case, random: Random) -> None:
        use_known(case, known, random)
        # Who follows a log waits for ever; the stream's own tests are provisioning/logs/test_following.py.
        (case.query or {}).pop("follow", None)
        excluded = [not_a_server_error] if operation.definition.raw["operationId"] in FORGE_IS_AWAY else []
        savepoint = transaction.savepoint()
        try:
            case.call_and_validate(headers=headers, checks=CHECKS, excluded_checks=excluded)
        finally:
            transaction.savepoint_rollback(savepoint)

    send()


def use_known(case: schemathesis.Case, known: dict[str, list[Any]], random: Random) -> None:
    """Puts names that there are into three requests of four, so that they get beyond the first look."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: random.choice(known[name]) for name in part if name in known and random.random() < 0.75})
