"""What the forge tells the platform, and what somebody else tells it in the forge's name."""

import uuid

import pytest
import requests

from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, page
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker
SECRET_OF_HOOK = """
from provisioning.models import Repository
row = next(r for r in Repository.objects.all() if r.app.public_id == {app!r})
print(row.management_project_id, row.webhook_token)
"""


@pytest.fixture(scope="module")
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    plugin = Plugin(cast, tmp_path_factory.mktemp("plugin"))
    plugin.settled(plugin.release({"index.php": page("one")}, environment="test"))
    return plugin


@pytest.fixture(scope="module")
def hook(plugin: Plugin, platform: RunningPlatform) -> tuple[int, str]:
    """The project's id and its token, which only the platform and its forge know."""
    printed = platform.manage("shell", "-c", SECRET_OF_HOOK.format(app=plugin.id)).split()
    return int(printed[-2]), printed[-1]


def deliver(
    plugin: Plugin, token: str, body: object, *, delivery: str | None = None, raw: bytes | None = None
) -> requests.Response:
    headers = {"X-Gitlab-Token": token, "X-Gitlab-Event": "Pipeline Hook", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = delivery or str(uuid.uuid4())
    url = f"{plugin.cast.platform.portal}/hooks/forge/"
    if raw is not None:
        return requests.post(url, data=raw, headers=headers, timeout=20)
    return requests.post(url, json=body, headers=headers, timeout=20)


def event(project_id: object, status: str = "success") -> dict[str, object]:
    return {
        "object_kind": "pipeline",
        "object_attributes": {"id": 1, "status": status, "ref": "test"},
        "project": {"id": project_id},
    }


@pytest.mark.parametrize("token", ["", "wrong", "glpat-wrong"])
def test_a_wrong_token_is_refused(plugin: Plugin, hook: tuple[int, str], token: str) -> None:
    assert deliver(plugin, token, event(hook[0])).status_code == 401


@pytest.mark.parametrize("project", [10**9, None, "1", [], {}, -1, True])
def test_a_project_that_nobody_has_is_refused_like_a_wrong_token(
    plugin: Plugin, hook: tuple[int, str], project: object
) -> None:
    answer, wrong = deliver(plugin, hook[1], event(project)), deliver(plugin, "wrong", event(hook[0]))
    assert (answer.status_code, answer.text) == (401, wrong.text)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_event_is_refused(plugin: Plugin, hook: tuple[int, str], raw: bytes) -> None:
    assert deliver(plugin, hook[1], None, raw=raw).status_code == 401


def test_a_body_that_is_too_big_is_refused(plugin: Plugin, hook: tuple[int, str]) -> None:
    answer = deliver(plugin, hook[1], {**event(hook[0]), "padding": "x" * 2**21})
    assert answer.status_code == 413


def test_only_post_is_taken(plugin: Plugin) -> None:
    assert requests.get(f"{plugin.cast.platform.portal}/hooks/forge/", timeout=20).status_code == 405


def test_events_that_are_replayed_reordered_or_lie_change_nothing(plugin: Plugin, hook: tuple[int, str]) -> None:
    """An event is a hint to look: what happened is asked of the forge itself."""
    project, token = hook
    before = plugin.cast.developer.client.get(f"/apps/{plugin.id}/deployments/")
    for status in ("success", "failed", "running", "success"):
        for _ in range(3):
            answer = deliver(plugin, token, event(project, status), delivery=f"the-same-{status}-{plugin.id}")
            assert answer.status_code == 200
            assert answer.json() == {"woken": 0}
    assert plugin.cast.developer.client.get(f"/apps/{plugin.id}/deployments/") == before


def test_a_lie_about_a_pipeline_that_runs_neither_fails_nor_hastens_the_deployment(
    plugin: Plugin, hook: tuple[int, str]
) -> None:
    project, token = hook
    plugin.push({"index.php": page("two")})
    asked = plugin.ask(environment="test")
    plugin.approve(asked)
    for number in range(10):
        assert deliver(plugin, token, event(project, "failed" if number % 2 else "success")).status_code == 200
    plugin.settled(asked)
    assert plugin.get(environment="test").text == "two"
    steps = {step["name"]: step["attempts"] for step in plugin.deployment(asked)["steps"]}
    assert steps["ensure_pipeline"] == 1
