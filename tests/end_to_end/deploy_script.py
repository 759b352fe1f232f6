"""Shared by the tests of deploy script."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.git_server import GitServer, git_server
from tests.provisioning.containers.stage import Stage

TOKEN = "glpat-the-token-of-the-pipeline"


@pytest.fixture
def server(stage: Stage) -> Iterator[GitServer]:
    with git_server(stage.root, TOKEN) as found:
        yield found


def over_http(server: GitServer, **changes: str) -> dict[str, str]:
    return {
        "BERTH_CODE_URL": f"{server.url}/code/.git", "BERTH_CODE_TOKEN": TOKEN, "BERTH_ALLOW_FILE_URL": "",
    } | changes  # fmt: skip


def nothing_runs(stage: Stage) -> bool:
    return set(stage.engine.states([stage.web, stage.app]).values()) == {"missing"}
