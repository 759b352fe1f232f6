"""Commits through the API: several files at once, or nothing."""

import base64
from typing import Any

import gitlab
import pytest

from tests.contracts.forge.conftest import Person, Raw


def _commit(project: Any, *actions: dict[str, Any], branch: str = "main", **options: Any) -> Any:
    return project.commits.create({"branch": branch, "commit_message": "change", "actions": list(actions), **options})


def _content(project: Any, path: str, ref: str = "main") -> bytes:
    content: bytes = project.files.get(path, ref=ref).decode()
    return content


def test_the_first_commit_makes_the_branch(filled: Any) -> None:
    assert [branch.name for branch in filled.branches.list(get_all=True)] == ["main"]
    assert _content(filled, "conf/app.conf") == b"a = 1\n"


def test_all_actions_land_in_one_commit(filled: Any) -> None:
    before = len(filled.commits.list(get_all=True))
    binary = bytes(range(256))
    made = _commit(
        filled,
        {
            "action": "create",
            "file_path": "new/ü b.bin",
            "content": base64.b64encode(binary).decode(),
            "encoding": "base64",
        },
        {"action": "update", "file_path": "README.md", "content": "# Changed\n"},
        {"action": "move", "file_path": "conf/moved.conf", "previous_path": "conf/app.conf"},
        {"action": "chmod", "file_path": "bin/run", "execute_filemode": False},
    )
    assert made.message == "change"
    assert made.stats["total"] > 0
    assert len(filled.commits.list(get_all=True)) == before + 1
    assert _content(filled, "new/ü b.bin") == binary
    assert _content(filled, "README.md") == b"# Changed\n"
    modes = {item["path"]: item["mode"] for item in filled.repository_tree(recursive=True, get_all=True)}
    assert modes["bin/run"] == "100644"
    assert "conf/app.conf" not in modes
    assert "conf/moved.conf" in modes
    _commit(filled, {"action": "delete", "file_path": "conf/moved.conf"})
    assert "conf" not in {item["path"] for item in filled.repository_tree(get_all=True)}


def test_an_update_keeps_the_mode(filled: Any) -> None:
    _commit(filled, {"action": "update", "file_path": "bin/run", "content": "#!/bin/bash\n"})
    assert filled.files.get("bin/run", ref="main").execute_filemode is True


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ({"action": "create", "file_path": "README.md", "content": "x"}, "A file with this name already exists"),
        ({"action": "update", "file_path": "absent", "content": "x"}, "A file with this name doesn't exist"),
        ({"action": "delete", "file_path": "absent"}, "A file with this name doesn't exist"),
        ({"action": "move", "file_path": "b", "previous_path": "absent"}, "A file with this name doesn't exist"),
    ],
)
def test_one_bad_action_undoes_all(filled: Any, action: dict[str, str], text: str) -> None:
    head = filled.branches.get("main").commit["id"]
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(filled, {"action": "create", "file_path": "good", "content": "x"}, action)
    assert (caught.value.response_code, caught.value.error_message) == (400, text)
    assert filled.branches.get("main").commit["id"] == head


@pytest.mark.parametrize("path", ["../up", "a/../../b", ".git/config", "a/.GIT/hooks/x", "", "a//b"])
def test_a_path_that_leaves_the_tree_is_refused(filled: Any, path: str) -> None:
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(filled, {"action": "create", "file_path": path, "content": "x"})
    assert caught.value.response_code == 400


def test_a_file_that_changed_meanwhile_is_not_overwritten(filled: Any) -> None:
    seen = filled.files.get("conf/app.conf", ref="main").last_commit_id
    action = {"action": "update", "file_path": "conf/app.conf", "content": "a = 2\n", "last_commit_id": seen}
    _commit(filled, action)
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(filled, action | {"content": "a = 3\n"})
    assert caught.value.response_code == 400
    assert _content(filled, "conf/app.conf") == b"a = 2\n"


def test_a_new_branch_starts_where_it_is_told(filled: Any) -> None:
    main = filled.branches.get("main").commit["id"]
    made = _commit(
        filled, {"action": "create", "file_path": "f", "content": "x"}, branch="topic/one", start_branch="main"
    )
    assert made.parent_ids == [main]
    assert filled.branches.get("topic/one").commit["id"] == made.id
    assert filled.branches.get("main").commit["id"] == main


def test_force_moves_a_branch_that_exists(filled: Any) -> None:
    first = filled.branches.get("main").commit["id"]
    _commit(filled, {"action": "create", "file_path": "f", "content": "x"}, branch="topic", start_branch="main")
    with pytest.raises(gitlab.GitlabCreateError):
        _commit(filled, {"action": "create", "file_path": "g", "content": "y"}, branch="topic", start_branch="main")
    made = _commit(
        filled, {"action": "create", "file_path": "g", "content": "y"}, branch="topic", start_branch="main", force=True
    )
    assert made.parent_ids == [first]


def test_a_branch_that_is_not_there_takes_no_commit(filled: Any) -> None:
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(filled, {"action": "create", "file_path": "f", "content": "x"}, branch="absent")
    assert caught.value.error_message == "You can only create or edit files when you are on a branch"


def test_the_author_can_be_named(filled: Any) -> None:
    made = _commit(
        filled,
        {"action": "create", "file_path": "f", "content": "x"},
        author_name="A <B>",
        author_email="a@example.org",
    )
    assert (made.author_name, made.author_email) == ("A B", "a@example.org")


def test_history_is_listed_by_branch_and_by_path(filled: Any) -> None:
    _commit(filled, {"action": "update", "file_path": "README.md", "content": "2"})
    assert [row.title for row in filled.commits.list(ref_name="main", get_all=True)] == ["change", "First commit"]
    assert [row.title for row in filled.commits.list(query_parameters={"path": "conf/app.conf"}, get_all=True)] == [
        "First commit"
    ]
    assert len(filled.commits.list(all=True, get_all=True)) == 2


def test_a_commit_shows_what_it_changed(filled: Any) -> None:
    made = _commit(filled, {"action": "update", "file_path": "conf/app.conf", "content": "a = 2\n"})
    (change,) = filled.commits.get(made.id).diff(get_all=True)
    assert change["new_path"] == "conf/app.conf"
    assert change["diff"] == "@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    first = filled.commits.get(made.parent_ids[0])
    assert {item["new_path"] for item in first.diff(get_all=True)} == {"README.md", "bin/run", "conf/app.conf"}


def test_a_revision_is_a_name_or_a_sha_and_no_expression(raw: Raw, filled: Any) -> None:
    for revision in ("main~1", "main:README.md", "@{-1}", "--all", "main..main"):
        answer = raw("GET", f"projects/{filled.id}/repository/commits/{revision}")
        assert answer.status_code in {400, 404}, revision


def test_a_file_is_read_in_every_way(raw: Raw, filled: Any) -> None:
    base = f"projects/{filled.id}/repository/files/conf%2Fapp.conf"
    facts = raw("GET", f"{base}?ref=main").json()
    assert (facts["file_name"], facts["size"], facts["encoding"]) == ("app.conf", 6, "base64")
    assert base64.b64decode(facts["content"]) == b"a = 1\n"
    assert raw("GET", f"{base}/raw?ref=main").content == b"a = 1\n"
    head = raw("HEAD", f"{base}?ref=main")
    assert head.headers["X-Gitlab-Blob-Id"] == facts["blob_id"]
    assert head.content == b""


def test_a_missing_file_and_a_missing_ref_are_told_apart(raw: Raw, filled: Any) -> None:
    base = f"projects/{filled.id}/repository/files"
    answer = raw("GET", f"{base}/absent?ref=main")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 File Not Found"})
    answer = raw("GET", f"{base}/README.md?ref=absent")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Commit Not Found"})


def test_a_file_is_written_one_at_a_time(filled: Any) -> None:
    sent = {"branch": "main", "commit_message": "m", "content": "1"}
    made = filled.files.create({"file_path": "conf/x.y", **sent})
    assert made.file_path == "conf/x.y"
    filled.files.update("conf/x.y", {"branch": "main", "commit_message": "m", "content": "2"})
    assert _content(filled, "conf/x.y") == b"2"
    filled.files.delete("conf/x.y", commit_message="m", branch="main")
    with pytest.raises(gitlab.GitlabGetError):
        filled.files.get("conf/x.y", ref="main")


def test_a_reporter_commits_nothing(filled: Any, stranger: Person) -> None:
    filled.members.create({"user_id": stranger.id, "access_level": 20})
    with pytest.raises(gitlab.GitlabCreateError) as caught:
        _commit(stranger.api.projects.get(filled.id), {"action": "create", "file_path": "f", "content": "x"})
    assert caught.value.response_code == 403
