"""Trees, branches, tags, differences, submodules."""

from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import Raw
from tests.contracts.forge.git import Git


def test_a_tree_is_listed_flat_deep_and_below_a_path(filled: Any) -> None:
    assert [(item["type"], item["path"]) for item in filled.repository_tree(get_all=True)] == [
        ("tree", "bin"), ("tree", "conf"), ("blob", "README.md"),
    ]  # fmt: skip
    deep = {item["path"] for item in filled.repository_tree(recursive=True, get_all=True)}
    assert deep == {"README.md", "bin", "bin/run", "conf", "conf/app.conf"}
    (only,) = filled.repository_tree(path="conf", ref="main", get_all=True)
    assert (only["name"], only["path"], only["mode"]) == ("app.conf", "conf/app.conf", "100644")


def test_the_tree_of_an_empty_repository_is_a_404(raw: Raw, project: Any) -> None:
    answer = raw("GET", f"projects/{project.id}/repository/tree")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Tree Not Found"})


def test_a_branch_with_a_slash_lives_and_dies(filled: Any) -> None:
    filled.branches.create({"branch": "f/x", "ref": "main"})
    branch = filled.branches.get("f/x")
    assert (branch.name, branch.default, branch.commit["title"]) == ("f/x", False, "First commit")
    assert [item.name for item in filled.branches.list(search="^f", get_all=True)] == ["f/x"]
    filled.branches.delete("f/x")
    with pytest.raises(gitlab.GitlabGetError) as caught:
        filled.branches.get("f/x")
    assert caught.value.error_message == "404 Branch Not Found"


def test_a_branch_is_made_once_from_what_exists(raw: Raw, filled: Any) -> None:
    path = f"projects/{filled.id}/repository/branches"
    answer = raw("POST", path, json={"branch": "main", "ref": "main"})
    assert (answer.status_code, answer.json()) == (400, {"message": "Branch already exists"})
    answer = raw("POST", path, json={"branch": "b", "ref": "absent"})
    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid reference name: absent"})


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "a~1", "refs.lock", "a\nb", "a:b", "@{", "x/"])
def test_a_name_that_git_would_misread_is_no_branch(raw: Raw, filled: Any, name: str) -> None:
    answer = raw("POST", f"projects/{filled.id}/repository/branches", json={"branch": name, "ref": "main"})
    assert answer.status_code == 400
    assert [item.name for item in filled.branches.list(get_all=True)] == ["main"]


def test_the_default_branch_is_not_deleted(raw: Raw, filled: Any) -> None:
    assert raw("DELETE", f"projects/{filled.id}/repository/branches/main").status_code in {400, 403, 405}
    assert filled.branches.get("main").default is True


def test_tags_are_light_or_annotated(filled: Any) -> None:
    light = filled.tags.create({"tag_name": "v1", "ref": "main"})
    noted = filled.tags.create({"tag_name": "r/v2", "ref": "main", "message": "second"})
    assert light.target == light.commit["id"]
    assert noted.target != noted.commit["id"]
    assert noted.message == "second"
    again = filled.tags.get("r/v2")
    assert (again.message, again.target) == ("second", noted.target)
    assert {item.name for item in filled.tags.list(get_all=True)} == {"v1", "r/v2"}
    filled.tags.delete("r/v2")
    with pytest.raises(gitlab.GitlabGetError):
        filled.tags.get("r/v2")


def test_tags_are_sorted_by_version(filled: Any) -> None:
    for name in ("v1.10.0", "v1.9.0", "v1.2.0"):
        filled.tags.create({"tag_name": name, "ref": "main"})
    assert [item.name for item in filled.tags.list(order_by="version", sort="asc", get_all=True)] == [
        "v1.2.0", "v1.9.0", "v1.10.0",
    ]  # fmt: skip


def test_a_tag_is_made_once_and_of_something(raw: Raw, filled: Any) -> None:
    filled.tags.create({"tag_name": "v1", "ref": "main"})
    path = f"projects/{filled.id}/repository/tags"
    answer = raw("POST", path, json={"tag_name": "v1", "ref": "main"})
    assert (answer.status_code, answer.json()) == (400, {"message": "Tag v1 already exists"})
    answer = raw("POST", path, json={"tag_name": "v2", "ref": "absent"})
    assert (answer.status_code, answer.json()) == (400, {"message": "Target absent is invalid"})


def _edit(project: Any, branch: str, path: str, content: str) -> str:
    made = project.commits.create(
        {"branch": branch, "commit_message": f"{branch} {path}",
         "actions": [{"action": "create", "file_path": path, "content": content}]}
    )  # fmt: skip
    return str(made.id)


def test_a_comparison_starts_at_the_merge_base_unless_it_is_straight(filled: Any) -> None:
    filled.branches.create({"branch": "topic", "ref": "main"})
    _edit(filled, "topic", "on-topic", "t\n")
    _edit(filled, "main", "on-main", "m\n")
    three_dots = filled.repository_compare("main", "topic")
    assert [item["new_path"] for item in three_dots["diffs"]] == ["on-topic"]
    assert [item["title"] for item in three_dots["commits"]] == ["topic on-topic"]
    straight = filled.repository_compare("main", "topic", straight=True)
    assert {item["new_path"]: item["deleted_file"] for item in straight["diffs"]} == {
        "on-main": True,
        "on-topic": False,
    }
    assert filled.repository_compare("main", "main")["compare_same_ref"] is True


def test_renames_modes_and_binaries_are_named_in_a_comparison(filled: Any, work: Git) -> None:
    work.run("pull", "--quiet", "origin", "main")
    work.run("mv", "README.md", "docs.md")
    (work.where / "bin/run").chmod(0o644)
    work.commit({"logo.png": bytes(range(256))})
    (work.where / "conf/app.conf").unlink()
    (work.where / "conf/app.conf").symlink_to("/etc/passwd")
    work.commit({})
    work.push("HEAD:refs/heads/changes")
    diffs = {item["new_path"]: item for item in filled.repository_compare("main", "changes")["diffs"]}
    assert diffs["docs.md"]["renamed_file"] is True
    assert diffs["docs.md"]["old_path"] == "README.md"
    assert (diffs["bin/run"]["a_mode"], diffs["bin/run"]["b_mode"]) == ("100755", "100644")
    assert "Binary files" in diffs["logo.png"]["diff"]
    assert diffs["conf/app.conf"]["b_mode"] == "120000"
    assert "/etc/passwd" in diffs["conf/app.conf"]["diff"]


def test_a_submodule_is_moved_and_not_made(filled: Any, work: Git) -> None:
    other = "1" * 40
    with pytest.raises(gitlab.GitlabUpdateError) as caught:
        filled.update_submodule(submodule="codes", branch="main", commit_sha=other, commit_message="bump")
    assert caught.value.response_code == 400
    work.run("pull", "--quiet", "origin", "main")
    work.commit({".gitmodules": '[submodule "codes"]\n\tpath = codes\n\turl = ../codes.git\n'})
    work.run("update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},codes")
    work.run("commit", "--quiet", "-m", "submodule")
    work.push("HEAD:main")
    moved = filled.update_submodule(submodule="codes", branch="main", commit_sha=other, commit_message="bump")
    assert moved["title"] == "bump"
    tree = {item["path"]: (item["type"], item["id"]) for item in filled.repository_tree(get_all=True)}
    assert tree["codes"] == ("commit", other)
