"""Groups, projects and who belongs to them."""

from typing import Any
from urllib.parse import quote

import gitlab
import pytest

from tests.contracts.forge.conftest import Person, Raw


def test_a_group_is_found_by_its_path(admin: gitlab.Gitlab, group: Any) -> None:
    assert admin.groups.get(group.full_path).id == group.id


def test_a_subgroup_carries_its_parents_path(admin: gitlab.Gitlab, group: Any) -> None:
    child = admin.groups.create({"name": "Team", "path": "team", "parent_id": group.id})
    assert child.full_path == f"{group.full_path}/team"
    assert [item.id for item in group.subgroups.list(get_all=True)] == [child.id]
    project = admin.projects.create({"name": "deep", "namespace_id": child.id})
    assert admin.projects.get(f"{group.full_path}/team/deep").id == project.id


def test_a_child_is_not_more_visible_than_its_parent(raw: Raw, group: Any) -> None:
    answer = raw("POST", "projects", json={"name": "open", "namespace_id": group.id, "visibility": "public"})
    assert answer.status_code == 400
    assert answer.json()["message"] == {"visibility_level": ["public is not allowed in a private group."]}


def test_a_new_project_says_where_it_is(project: Any, group: Any) -> None:
    assert project.path_with_namespace == f"{group.full_path}/plugin"
    assert project.http_url_to_repo.endswith(f"/{group.full_path}/plugin.git")
    assert (project.default_branch, project.visibility, project.empty_repo) == ("main", "private", True)


def test_a_taken_path_is_refused_in_gitlabs_words(raw: Raw, project: Any, group: Any) -> None:
    answer = raw("POST", "projects", json={"name": "Plugin", "path": "plugin", "namespace_id": group.id})
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert message["name"] == ["has already been taken"]
    assert message["path"] == ["has already been taken"]


@pytest.mark.parametrize("path", ["../up", "a b", "x.git", "-x", "a/b"])
def test_a_path_that_is_none_is_refused(raw: Raw, group: Any, path: str) -> None:
    assert raw("POST", "projects", json={"name": "n", "path": path, "namespace_id": group.id}).status_code == 400


def test_a_project_is_reached_by_its_encoded_path(raw: Raw, project: Any) -> None:
    answer = raw("GET", f"projects/{quote(project.path_with_namespace, safe='')}")
    assert answer.json()["id"] == project.id


def test_a_project_of_others_does_not_exist(stranger: Person, project: Any) -> None:
    with pytest.raises(gitlab.GitlabGetError) as caught:
        stranger.api.projects.get(project.id)
    assert caught.value.response_code == 404
    assert caught.value.error_message == "404 Project Not Found"
    assert stranger.api.projects.list(get_all=True, search="plugin", membership=True) == []


def test_a_project_without_a_token_does_not_exist_either(anonymous: Raw, project: Any) -> None:
    answer = anonymous("GET", f"projects/{project.id}")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_readme_makes_the_first_commit(admin: gitlab.Gitlab, group: Any) -> None:
    made = admin.projects.create({"name": "with readme", "namespace_id": group.id, "initialize_with_readme": True})
    assert made.path == "with-readme"
    assert [item["path"] for item in made.repository_tree(get_all=True)] == ["README.md"]


def test_a_person_makes_no_more_projects_than_allowed(admin: gitlab.Gitlab, stranger: Person) -> None:
    admin.users.update(stranger.id, {"projects_limit": 1})
    stranger.api.projects.create({"name": "first"})
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        stranger.api.projects.create({"name": "second"})
    assert caught.value.response_code in {400, 403}


def test_settings_are_kept(admin: gitlab.Gitlab, project: Any) -> None:
    project.description = "what it does"
    project.ci_pipeline_variables_minimum_override_role = "developer"
    project.merge_method = "ff"
    project.save()
    again = admin.projects.get(project.id)
    assert again.description == "what it does"
    assert again.ci_pipeline_variables_minimum_override_role == "developer"
    assert again.merge_method == "ff"


def test_projects_are_listed_by_what_one_owns_and_searches(
    admin: gitlab.Gitlab, developer: Person, project: Any
) -> None:
    assert [item.id for item in developer.api.projects.list(membership=True, get_all=True)] == [project.id]
    assert developer.api.projects.list(owned=True, get_all=True) == []
    found = admin.projects.list(search="plug", get_all=True, order_by="id", sort="asc")
    assert project.id in [item.id for item in found]


def test_a_developer_changes_no_settings(developer: Person, project: Any) -> None:
    mine = developer.api.projects.get(project.id)
    mine.description = "mine now"
    with pytest.raises(gitlab.GitlabUpdateError) as caught:
        mine.save()
    assert caught.value.response_code == 403


def test_a_deleted_project_is_gone(admin: gitlab.Gitlab, raw: Raw, project: Any) -> None:
    answer = raw("DELETE", f"projects/{project.id}")
    assert (answer.status_code, answer.json()) == (202, {"message": "202 Accepted"})


def test_membership_of_a_group_counts_for_its_projects(developer: Person, project: Any) -> None:
    assert developer.id not in [row.id for row in project.members.list(get_all=True)]
    (row,) = [row for row in project.members_all.list(get_all=True) if row.id == developer.id]
    assert row.access_level == 30


def test_a_member_is_added_changed_and_removed(project: Any, stranger: Person) -> None:
    project.members.create({"user_id": stranger.id, "access_level": 20})
    assert stranger.api.projects.get(project.id).id == project.id
    member = project.members.get(stranger.id)
    member.access_level = 40
    member.save()
    assert project.members.get(stranger.id).access_level == 40
    project.members.delete(stranger.id)
    with pytest.raises(gitlab.GitlabGetError):
        stranger.api.projects.get(project.id)


def test_a_member_is_added_once(raw: Raw, project: Any, stranger: Person) -> None:
    sent = {"user_id": stranger.id, "access_level": 30}
    assert raw("POST", f"projects/{project.id}/members", json=sent).status_code == 201
    answer = raw("POST", f"projects/{project.id}/members", json=sent)
    assert (answer.status_code, answer.json()) == (409, {"message": "Member already exists"})


def test_an_unknown_user_and_an_unknown_level_are_no_members(raw: Raw, project: Any, stranger: Person) -> None:
    answer = raw("POST", f"projects/{project.id}/members", json={"user_id": 10**9, "access_level": 30})
    assert (answer.status_code, answer.json()) == (404, {"message": "404 User Not Found"})
    answer = raw("POST", f"projects/{project.id}/members", json={"user_id": stranger.id, "access_level": 33})
    assert (answer.status_code, answer.json()) == (400, {"error": "access_level does not have a valid value"})


def test_nobody_gives_more_than_they_have(people: Any, project: Any, stranger: Person) -> None:
    maintainer = people.make()
    project.members.create({"user_id": maintainer.id, "access_level": 40})
    mine = maintainer.api.projects.get(project.id)
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        mine.members.create({"user_id": stranger.id, "access_level": 50})
    assert caught.value.response_code == 403
    mine.members.create({"user_id": stranger.id, "access_level": 40})


def test_a_guest_sees_the_project_and_no_code(filled: Any, stranger: Person) -> None:
    filled.members.create({"user_id": stranger.id, "access_level": 10})
    seen = stranger.api.projects.get(filled.id)
    with pytest.raises(gitlab.GitlabGetError) as caught:
        seen.files.get("README.md", ref="main")
    assert caught.value.response_code == 403
