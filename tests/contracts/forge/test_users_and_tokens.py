"""Accounts, and what their tokens may do."""

from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import People, Person, Raw, client
from tests.contracts.forge.server import Forge


def test_the_version_names_a_gitlab(admin: gitlab.Gitlab) -> None:
    version, _revision = admin.version()
    assert int(version.split(".")[0]) >= 15


def test_an_administrator_is_known_as_one(admin: gitlab.Gitlab) -> None:
    admin.auth()
    assert admin.user is not None
    assert admin.user.is_admin is True


def test_a_new_user_is_found_by_username_and_by_id(admin: gitlab.Gitlab, people: People) -> None:
    person = people.make()
    (found,) = admin.users.list(username=person.username, get_all=True)
    assert (found.id, found.state) == (person.id, "active")
    assert admin.users.get(person.id).username == person.username


def test_a_taken_email_is_refused_before_a_taken_username(raw: Raw, people: People) -> None:
    person = people.make()
    sent = {"email": f"{person.username.upper()}@example.org", "username": person.username, "name": "x"}
    answer = raw("POST", "users", json=sent | {"password": "long-enough-secret"})
    assert (answer.status_code, answer.json()) == (409, {"message": "Email has already been taken"})
    answer = raw("POST", "users", json=sent | {"password": "long-enough-secret", "email": "free@example.org"})
    assert (answer.status_code, answer.json()) == (409, {"message": "Username has already been taken"})


@pytest.mark.parametrize("username", ["-dash", "with space", "a/b", "x.git", "ü"])
def test_a_username_that_would_not_do_in_a_url_is_refused(raw: Raw, username: str) -> None:
    sent = {"email": "someone.new@example.org", "username": username, "name": "x", "password": "long-enough-secret"}
    answer = raw("POST", "users", json=sent)
    assert answer.status_code == 400
    assert "username" in answer.json()["message"]


def test_missing_parameters_are_all_named(raw: Raw) -> None:
    answer = raw("POST", "users", json={"username": "x"})
    assert (answer.status_code, answer.json()) == (400, {"error": "email is missing, name is missing"})


def test_only_administrators_make_users(developer: Person) -> None:
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        developer.api.users.create({"email": "a@b.c", "username": "abc", "name": "x", "password": "long-enough-secret"})
    assert caught.value.response_code == 403


def test_a_blocked_user_gets_in_nowhere_and_an_unblocked_one_again(admin: gitlab.Gitlab, people: People) -> None:
    person = people.make()
    user = admin.users.get(person.id)
    assert user.block() is True
    with pytest.raises(gitlab.GitlabAuthenticationError):
        person.api.auth()
    assert user.unblock() is True
    person.api.auth()


def test_a_deleted_user_is_gone(admin: gitlab.Gitlab, people: People) -> None:
    person = people.make()
    admin.users.delete(person.id)
    with pytest.raises(gitlab.GitlabGetError) as caught:
        admin.users.get(person.id)
    assert caught.value.response_code == 404


@pytest.mark.parametrize("header", [{}, {"PRIVATE-TOKEN": "glpat-wrong"}, {"Authorization": "Bearer wrong"}])
def test_no_token_and_a_wrong_one_are_401(anonymous: Raw, header: dict[str, str]) -> None:
    answer = anonymous("GET", "user", headers=header)
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_a_bearer_token_is_as_good_as_a_private_one(anonymous: Raw, developer: Person) -> None:
    answer = anonymous("GET", "user", headers={"Authorization": f"Bearer {developer.token}"})
    assert answer.json()["username"] == developer.username


def test_a_token_is_shown_once_and_a_revoked_one_is_worthless(forge: Forge, people: People) -> None:
    person = people.make()
    secret = people.token(person.id, ["api"])
    mine = client(forge, secret)
    listed = mine.personal_access_tokens.list(get_all=True)
    assert secret.startswith("glpat-")
    assert all("token" not in item.attributes for item in listed)
    own = mine.personal_access_tokens.get("self")
    assert own.scopes == ["api"]
    mine.personal_access_tokens.delete(own.id)
    with pytest.raises(gitlab.GitlabAuthenticationError):
        mine.auth()


def test_a_token_that_may_only_read_changes_nothing(
    forge: Forge, people: People, developer: Person, filled: Any
) -> None:
    reader = client(forge, people.token(developer.id, ["read_api"]))
    project = reader.projects.get(filled.id)
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        project.branches.create({"branch": "b", "ref": "main"})
    assert caught.value.response_code == 403
    assert "insufficient_scope" in str(caught.value.response_body)


def test_a_token_for_repositories_is_no_token_for_the_api(anonymous: Raw, people: People, developer: Person) -> None:
    token = people.token(developer.id, ["write_repository"])
    assert anonymous("GET", "projects", headers={"PRIVATE-TOKEN": token}).status_code == 403


def test_a_project_token_reaches_its_project_and_no_other(
    forge: Forge, admin: gitlab.Gitlab, filled: Any, group: Any, next_month: str
) -> None:
    made = filled.access_tokens.create(
        {"name": "deploy", "scopes": ["read_api", "read_repository"], "access_level": 20, "expires_at": next_month}
    )
    other = admin.projects.create({"name": "other", "namespace_id": group.id})
    bot = client(forge, made.token)
    assert bot.projects.get(filled.id).path == "plugin"
    with pytest.raises(gitlab.GitlabGetError) as caught:
        bot.projects.get(other.id)
    assert caught.value.response_code == 404
    rotated = filled.access_tokens.get(made.id).rotate(expires_at=next_month)
    with pytest.raises(gitlab.GitlabAuthenticationError):
        bot.projects.get(filled.id)
    fresh = client(forge, rotated["token"])
    assert fresh.projects.get(filled.id).path == "plugin"
    filled.access_tokens.delete(rotated["id"])
    with pytest.raises(gitlab.GitlabAuthenticationError):
        fresh.projects.get(filled.id)
