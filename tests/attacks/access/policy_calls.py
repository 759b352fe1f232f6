"""Shared by the tests of policies."""

from typing import Any

EVERYTHING = {"match_all": True}


POLICY = {
    "name": "draft", "description": "a try", "effect": "deny", "resource_type": "release",
    "actions": ["release.approve"], "subject": EVERYTHING, "resource": EVERYTHING, "context": EVERYTHING,
}  # fmt: skip


def refused(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert len(answer.content) < 20_000
    return problem
