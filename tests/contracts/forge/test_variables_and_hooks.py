"""CI variables and webhook settings."""

from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import Person, Raw


def test_a_variable_keeps_all_it_was_given(project: Any) -> None:
    project.variables.create(
        {"key": "DEPLOY_KEY", "value": "line one\nline two", "variable_type": "file", "protected": True, "raw": True,
         "environment_scope": "production", "description": "for deploys"}
    )  # fmt: skip
    row = project.variables.get("DEPLOY_KEY")
    assert (row.value, row.variable_type, row.protected, row.raw) == ("line one\nline two", "file", True, True)
    assert (row.environment_scope, row.description, row.masked) == ("production", "for deploys", False)
    row.value = "other"
    row.save()
    assert project.variables.get("DEPLOY_KEY").value == "other"
    project.variables.delete("DEPLOY_KEY")
    assert project.variables.list(get_all=True) == []


def test_one_key_in_two_scopes_is_told_apart_by_the_filter(project: Any) -> None:
    for scope in ("test", "production"):
        project.variables.create({"key": "K", "value": scope, "environment_scope": scope})
    assert project.variables.get("K", filter={"environment_scope": "test"}).value == "test"
    project.variables.update("K", {"value": "new"}, filter={"environment_scope": "test"})
    assert project.variables.get("K", filter={"environment_scope": "test"}).value == "new"
    with pytest.raises(gitlab.GitlabGetError) as caught:
        project.variables.get("K")
    assert caught.value.response_code == 409
    project.variables.delete("K", filter={"environment_scope": "production"})
    assert project.variables.get("K").value == "new"


def test_a_taken_key_is_refused(raw: Raw, project: Any) -> None:
    project.variables.create({"key": "K", "value": "1"})
    answer = raw("POST", f"projects/{project.id}/variables", json={"key": "K", "value": "2"})
    assert (answer.status_code, answer.json()) == (400, {"message": {"key": ["(K) has already been taken"]}})


@pytest.mark.parametrize("value", ["short", "two\nlines-of-it", "with space in it", ""])
def test_what_cannot_be_masked_is_refused(raw: Raw, project: Any, value: str) -> None:
    answer = raw("POST", f"projects/{project.id}/variables", json={"key": "K", "value": value, "masked": True})
    assert (answer.status_code, answer.json()) == (400, {"message": {"value": ["is invalid"]}})


@pytest.mark.parametrize("key", ["A B", "A-B", "A=B", "", "Ä"])
def test_a_key_that_no_shell_takes_is_refused(raw: Raw, project: Any, key: str) -> None:
    answer = raw("POST", f"projects/{project.id}/variables", json={"key": key, "value": "v"})
    assert answer.status_code == 400


def test_a_hidden_variable_never_comes_back(project: Any) -> None:
    made = project.variables.create({"key": "K", "value": "secret-enough", "masked_and_hidden": True})
    assert (made.hidden, made.masked, made.value) == (True, True, None)
    assert project.variables.get("K").value is None


def test_variables_are_for_maintainers(developer: Person, project: Any) -> None:
    mine = developer.api.projects.get(project.id)
    with pytest.raises(gitlab.GitlabListError) as caught:
        mine.variables.list(get_all=True)
    assert caught.value.response_code == 403


def test_a_hook_keeps_its_events_and_never_shows_its_token(project: Any) -> None:
    made = project.hooks.create(
        {"url": "http://127.0.0.1:9/h", "token": "very-secret", "pipeline_events": True, "push_events": False,
         "enable_ssl_verification": False}
    )  # fmt: skip
    hook = project.hooks.get(made.id)
    assert (hook.url, hook.pipeline_events, hook.push_events) == ("http://127.0.0.1:9/h", True, False)
    assert hook.enable_ssl_verification is False
    assert "very-secret" not in str(hook.attributes)
    hook.push_events = True
    hook.save()
    assert project.hooks.get(made.id).push_events is True
    assert project.hooks.get(made.id).pipeline_events is True
    project.hooks.delete(made.id)
    assert project.hooks.list(get_all=True) == []


@pytest.mark.parametrize("url", ["ftp://x/y", "javascript:alert(1)", "http://", "x", "http://a b/", "http://x\r\nA: b"])
def test_a_url_that_is_none_is_refused(raw: Raw, project: Any, url: str) -> None:
    answer = raw("POST", f"projects/{project.id}/hooks", json={"url": url})
    assert (answer.status_code, answer.json()) == (422, {"error": "Invalid url given"})
