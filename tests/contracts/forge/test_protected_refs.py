"""Who may push what where."""

from pathlib import Path
from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import Person
from tests.contracts.forge.git import Git, new_repository, with_token

REFUSED = "You are not allowed to push code to protected branches on this project."


@pytest.fixture
def strict(admin: gitlab.Gitlab, unique: str, developer: Person) -> Any:
    """A project in a group with GitLab's default: its default branch is for maintainers."""
    group = admin.groups.create({"name": f"s{unique}", "path": f"s{unique}"})
    group.members.create({"user_id": developer.id, "access_level": 30})
    return admin.projects.create({"name": "strict", "namespace_id": group.id})


def _commit(project: Any, branch: str = "main", **options: Any) -> Any:
    action = {"action": "create", "file_path": f"f{len(branch)}", "content": "x"}
    return project.commits.create({"branch": branch, "commit_message": "c", "actions": [action], **options})


def test_the_default_branch_is_protected_with_the_first_push(strict: Any) -> None:
    assert strict.protectedbranches.list(get_all=True) == []
    _commit(strict)
    (rule,) = strict.protectedbranches.list(get_all=True)
    assert (rule.name, rule.push_access_levels[0]["access_level"], rule.allow_force_push) == ("main", 40, False)


def test_a_group_may_leave_default_branches_open(filled: Any) -> None:
    assert filled.protectedbranches.list(get_all=True) == []


def test_a_developer_does_not_make_the_first_push_where_maintainers_rule(
    strict: Any, developer: Person, tmp_path: Path
) -> None:
    work = new_repository(tmp_path / "w", with_token(strict.http_url_to_repo, developer.token))
    work.commit({"f": "1"})
    assert REFUSED in work.push("main", ok=False).stderr


def test_a_developer_pushes_beside_the_protected_branch(strict: Any, developer: Person, tmp_path: Path) -> None:
    _commit(strict)
    work = new_repository(tmp_path / "w", with_token(strict.http_url_to_repo, developer.token))
    work.run("pull", "--quiet", "origin", "main")
    work.commit({"f": "1"})
    done = work.push("main", ok=False)
    assert f"GitLab: {REFUSED}" in done.stderr
    assert "pre-receive hook declined" in done.stderr
    work.push("main:topic")
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(developer.api.projects.get(strict.id))
    assert caught.value.response_code in {400, 403}


def test_nothing_of_a_push_lands_when_one_ref_is_refused(strict: Any, developer: Person, tmp_path: Path) -> None:
    _commit(strict)
    work = new_repository(tmp_path / "w", with_token(strict.http_url_to_repo, developer.token))
    work.run("pull", "--quiet", "origin", "main")
    work.commit({"f": "1"})
    assert work.push("main:topic", "main:main", ok=False).returncode != 0
    assert [item.name for item in strict.branches.list(get_all=True)] == ["main"]


def test_a_wildcard_protects_what_it_matches(filled: Any, developer: Person, work: Git) -> None:
    filled.protectedbranches.create({"name": "release/*", "push_access_level": 40})
    work.run("pull", "--quiet", "origin", "main")
    assert REFUSED in work.push("main:release/1/x", ok=False).stderr
    work.push("main:released")
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        developer.api.projects.get(filled.id).branches.create({"branch": "release/2", "ref": "main"})
    assert caught.value.response_code == 403


def test_level_zero_is_nobody(filled: Any, work: Git, admin: gitlab.Gitlab) -> None:
    filled.protectedbranches.create({"name": "frozen", "push_access_level": 0, "merge_access_level": 0})
    work.run("pull", "--quiet", "origin", "main")
    assert admin.private_token is not None
    url = with_token(filled.http_url_to_repo, admin.private_token)
    assert REFUSED in work.run("push", url, "main:frozen", ok=False).stderr


def test_a_protected_branch_is_not_rewritten_unless_it_says_so(filled: Any, work: Git) -> None:
    work.run("pull", "--quiet", "origin", "main")
    work.commit({"f": "1"})
    work.push("main")
    filled.protectedbranches.create({"name": "main", "push_access_level": 30})
    work.run("commit", "--quiet", "--amend", "-m", "rewritten")
    assert "force push" in work.push("--force", "main", ok=False).stderr
    rule = filled.protectedbranches.get("main")
    filled.protectedbranches.update(rule.name, {"allow_force_push": True})
    work.push("--force", "main")


def test_an_unprotected_branch_may_be_rewritten(filled: Any, work: Git) -> None:
    work.run("pull", "--quiet", "origin", "main")
    work.commit({"f": "1"})
    work.push("main:topic")
    work.run("commit", "--quiet", "--amend", "-m", "rewritten")
    work.push("--force", "main:topic")


def test_protected_and_default_branches_are_not_deleted_by_push(filled: Any, work: Git) -> None:
    filled.protectedbranches.create({"name": "kept", "push_access_level": 30})
    work.run("pull", "--quiet", "origin", "main")
    work.push("main:kept", "main:free")
    for branch in ("kept", "main"):
        assert work.push("--delete", branch, ok=False).returncode != 0
    work.push("--delete", "free")


def test_protected_tags_are_made_by_those_who_may_and_stay(filled: Any, work: Git, developer: Person) -> None:
    filled.protectedtags.create({"name": "v*", "create_access_level": 40})
    work.run("pull", "--quiet", "origin", "main")
    work.run("tag", "v1")
    work.run("tag", "other")
    assert "protected" in work.push("v1", ok=False).stderr
    work.push("other")
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        developer.api.projects.get(filled.id).tags.create({"tag_name": "v2", "ref": "main"})
    assert caught.value.response_code == 403
    filled.tags.create({"tag_name": "v2", "ref": "main"})


def test_a_rule_is_made_once(filled: Any) -> None:
    filled.protectedbranches.create({"name": "main"})
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        filled.protectedbranches.create({"name": "main"})
    assert (caught.value.response_code, caught.value.error_message) == (409, "Protected branch 'main' already exists")
    filled.protectedbranches.delete("main")
    assert filled.protectedbranches.list(get_all=True) == []


def test_a_rule_whose_name_would_break_out_of_the_hook_is_refused(filled: Any) -> None:
    for name in ("a b", "x\nbranch * 1 1", "[a-z]", "a?b", "$(id)\\"):
        with pytest.raises(gitlab.GitlabCreateError) as caught:
            filled.protectedbranches.create({"name": name})
        assert caught.value.response_code == 422
