"""Webhooks, as a receiver gets them."""

from typing import Any

from tests.contracts.forge.conftest import Ci
from tests.contracts.forge.git import Git
from tests.contracts.forge.receiver import Receiver
from tests.contracts.forge.server import Forge


def _is_pipeline(status: str) -> Any:
    return lambda _headers, body: body["object_kind"] == "pipeline" and body["object_attributes"]["status"] == status


def test_the_end_of_a_pipeline_is_told(ci: Ci, filled: Any, receiver: Receiver, forge: Forge) -> None:
    filled.hooks.create(
        {"url": f"{receiver.url}/h?x=1", "token": "shared", "pipeline_events": True, "push_events": False}
    )
    pipeline = ci.run("deploy: {environment: production, script: [echo x]}", {"RELEASE": "7"})
    headers, body = receiver.wait_for(_is_pipeline("success"))
    assert headers["X-Gitlab-Event"] == "Pipeline Hook"
    assert headers["X-Gitlab-Token"] == "shared"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("GitLab/")
    for name in ("X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID", "Idempotency-Key", "X-Gitlab-Instance"):
        assert headers[name]
    facts = body["object_attributes"]
    assert (facts["id"], facts["ref"], facts["sha"], facts["source"]) == (pipeline.id, "main", pipeline.sha, "api")
    assert facts["variables"] == [{"key": "RELEASE", "value": "7"}]
    assert body["project"]["path_with_namespace"] == filled.path_with_namespace
    assert body["commit"]["id"] == pipeline.sha
    (build,) = body["builds"]
    assert (build["name"], build["status"], build["environment"]["name"]) == ("deploy", "success", "production")


def test_a_failure_is_told_with_its_reason(ci: Ci, filled: Any, receiver: Receiver) -> None:
    filled.hooks.create({"url": receiver.url, "pipeline_events": True, "push_events": False})
    ci.run("deploy: {script: [exit 1]}")
    _headers, body = receiver.wait_for(_is_pipeline("failed"))
    assert body["builds"][0]["failure_reason"] == "script_failure"


def test_each_event_has_a_key_of_its_own(ci: Ci, filled: Any, receiver: Receiver) -> None:
    filled.hooks.create({"url": receiver.url, "pipeline_events": True, "push_events": False})
    ci.run("deploy: {script: [echo x]}")
    receiver.wait_for(_is_pipeline("success"))
    keys = [headers["Idempotency-Key"] for headers, _body in receiver.requests]
    assert len(set(keys)) == len(keys)


def test_an_error_is_not_tried_again_and_a_redirect_not_followed(ci: Ci, filled: Any, receiver: Receiver) -> None:
    hook = filled.hooks.create({"url": receiver.url, "pipeline_events": True, "push_events": False})
    for status in (500, 302):
        receiver.status = status
        pipeline = ci.run("deploy: {script: [echo x]}")
        receiver.wait_for(
            lambda _headers, body, pipeline=pipeline: (
                body["object_attributes"]["id"] == pipeline.id and body["object_attributes"]["status"] == "success"
            )
        )
    keys = [headers["Idempotency-Key"] for headers, _body in receiver.requests]
    assert len(set(keys)) == len(keys)
    events = filled.manager.gitlab.http_get(f"/projects/{filled.id}/hooks/{hook.id}/events")
    assert {"500", "302"} <= {str(event["response_status"]) for event in events}


def test_a_push_by_git_and_a_commit_by_api_are_told(work: Git, filled: Any, receiver: Receiver) -> None:
    filled.hooks.create({"url": receiver.url, "push_events": True, "tag_push_events": True})
    work.run("pull", "--quiet", "origin", "main")
    sha = work.commit({"f": "1"}, "by git")
    work.push("main")
    headers, body = receiver.wait_for(lambda _headers, body: body["after"] == sha)
    assert headers["X-Gitlab-Event"] == "Push Hook"
    assert (body["ref"], body["total_commits_count"], body["commits"][0]["title"]) == ("refs/heads/main", 1, "by git")
    made = filled.commits.create(
        {
            "branch": "main",
            "commit_message": "by api",
            "actions": [{"action": "create", "file_path": "g", "content": ""}],
        }
    )
    receiver.wait_for(lambda _headers, body: body["after"] == made.id)
    filled.tags.create({"tag_name": "v1", "ref": "main"})
    headers, body = receiver.wait_for(lambda _headers, body: body["ref"] == "refs/tags/v1")
    assert headers["X-Gitlab-Event"] == "Tag Push Hook"


def test_a_hook_is_tested(filled: Any, receiver: Receiver) -> None:
    hook = filled.hooks.create({"url": receiver.url, "push_events": True})
    hook.test("push_events")
    receiver.wait_for(lambda headers, _body: headers["X-Gitlab-Event"] == "Push Hook")
