"""The reading copy of a code repository, of a real repository at the embedded forge."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provisioning.exceptions import DeveloperError, OperatorError, ServiceUnavailable
from provisioning.repositories.reading import process
from provisioning.repositories.reading.copy import CommitGone, CommitUnreadable, reading_copy
from tests.code_repositories import Plugin
from tests.factories import make_app


def test_every_kind_of_change_is_told_with_types_modes_and_sizes(plugin: Plugin) -> None:
    base = plugin.push(
        {"a.php": "<?php 1;", "b.php": "<?php 2;", "gone.txt": "x", "run": "#!/bin/sh\n", "old.txt": "y" * 90}
    )
    (plugin.work.where / "a.php").unlink()
    (plugin.work.where / "a.php").symlink_to("b.php")
    (plugin.work.where / "run").chmod(0o755)
    (plugin.work.where / "old.txt").rename(plugin.work.where / "new.txt")
    head = plugin.push({"b.php": "<?php 3333;", "added\n\xff.txt": "z"}, "gone.txt")
    head = plugin.push({os.fsdecode(b"not-utf8-\xff.txt"): b"bytes"})
    plugin.copy.ensure_commits([base, head])
    found = {change.path: change for change in plugin.copy.changes(base, head)}
    assert {path: change.status for path, change in found.items()} == {
        b"a.php": "type changed",
        b"b.php": "modified",
        b"gone.txt": "deleted",
        b"run": "modified",
        b"new.txt": "renamed",
        b"not-utf8-\xff.txt": "added",
        "added\n\xff.txt".encode(): "added",
    }
    assert (found[b"a.php"].old_mode, found[b"a.php"].new_mode) == ("100644", "120000")
    assert plugin.copy.blob(found[b"a.php"].new_blob) == b"b.php"
    assert (found[b"run"].old_mode, found[b"run"].new_mode) == ("100644", "100755")
    assert (found[b"b.php"].old_size, found[b"b.php"].new_size) == (8, 11)
    assert found[b"new.txt"].old_path == b"old.txt"
    assert (found[b"gone.txt"].new_blob, found[b"gone.txt"].new_size) == ("", 0)


def test_a_first_release_is_every_file(plugin: Plugin) -> None:
    head = plugin.push({f"f{number}.php": str(number) for number in range(302)})
    plugin.copy.ensure_commits([head])
    changes = plugin.copy.changes(None, head)
    assert len(changes) == 302 == len(plugin.copy.tree(head))
    assert {change.status for change in changes} == {"added"}
    contents = dict(plugin.copy.blobs(change.new_blob for change in changes))
    assert contents[changes[0].new_blob] == b"0"


def test_commits_between_two_are_listed_with_their_claims(plugin: Plugin) -> None:
    base = plugin.push({"a": "1"})
    plugin.work.run("commit", "--quiet", "--allow-empty", "-m", "Second\n\nbody", "--author", "Eve <eve@example.org>")
    head = plugin.push({"a": "2"})
    plugin.copy.ensure_commits([head])
    found = plugin.copy.commits(base, head)
    assert [(commit.title, commit.author_email, commit.committer_email) for commit in found] == [
        ("change", "dev@example.org", "dev@example.org"),
        ("Second", "eve@example.org", "dev@example.org"),
    ]
    assert found[-1].parents == (base,)
    assert [commit.sha for commit in plugin.copy.commits(None, head)][-1] == base


def test_a_commit_that_is_taken_back_stays_readable_and_an_unknown_one_is_the_developers(plugin: Plugin) -> None:
    first = plugin.push({"a": "1"})
    plugin.copy.ensure_commits([first])
    plugin.work.run("checkout", "--quiet", "--orphan", "other")
    plugin.work.commit({"a": "2"})
    plugin.work.push("--force", "HEAD:main")
    plugin.copy.ensure_commits([first])
    assert [file.path for file in plugin.copy.tree(first)] == [b"a"]
    with pytest.raises(CommitGone, match="gone from the code repository: push it again") as caught:
        plugin.copy.ensure_commits(["1" * 40])
    assert isinstance(caught.value, DeveloperError)


def test_a_blob_is_no_commit_and_leaves_nothing(plugin: Plugin) -> None:
    head = plugin.push({"a": "1"})
    plugin.copy.ensure_commits([head])
    blob = plugin.copy.tree(head)[0].blob
    with pytest.raises(DeveloperError):
        plugin.copy.ensure_commits([blob])
    assert not plugin.copy.has(blob)
    with pytest.raises(ValueError, match="not an object's full id"):
        plugin.copy.has("--upload-pack=touch /tmp/x")


def test_a_forge_that_is_down_or_refuses_is_told_as_what_it_is(plugin: Plugin, settings: Any) -> None:
    head = plugin.push({"a": "1"})
    url, token = settings.FORGE_URL, settings.FORGE_TOKEN
    settings.FORGE_URL = "http://127.0.0.1:1/forge"
    with pytest.raises(ServiceUnavailable):
        plugin.copy.ensure_commits([head])
    settings.FORGE_URL, settings.FORGE_TOKEN = url, "glpat-wrong"
    with pytest.raises(OperatorError, match="FORGE_TOKEN"):
        plugin.copy.ensure_commits([head])
    settings.FORGE_TOKEN = token
    plugin.copy.ensure_commits([head])
    with pytest.raises(DeveloperError, match="no repository yet"):
        reading_copy(make_app())


def test_a_history_that_is_too_large_is_refused_and_leaves_nothing(plugin: Plugin, settings: Any) -> None:
    head = plugin.push({"a": os.urandom(400_000)})
    settings.MAX_REPOSITORY_BYTES = 100_000
    with pytest.raises(CommitUnreadable, match="more than 100000 bytes"):
        plugin.copy.ensure_commits([head])
    assert [path.name for path in (plugin.copy.directory / "objects" / "pack").iterdir()] == []
    settings.MAX_REPOSITORY_BYTES = 10_000_000
    plugin.copy.ensure_commits([head])


def test_many_at_once_fetch_once_and_the_copy_is_for_its_owner_alone(plugin: Plugin) -> None:
    head = plugin.push({"a": "1"})
    copy = plugin.copy
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: copy.ensure_commits([head]), range(6)))
    assert stat.S_IMODE(copy.directory.stat().st_mode) == 0o700
    assert len(list((copy.directory / "objects" / "pack").glob("*.pack"))) == 1
    # A copy that a killed worker left half made is made anew.
    (copy.directory / "info" / "attributes").unlink()
    (copy.directory / "refs" / "commits" / head).unlink()
    copy.ensure_commits([head])
    assert [file.path for file in copy.tree(head)] == [b"a"]
    copy.remove()
    assert not copy.directory.exists()
    assert not copy.has(head)
    copy.remove()


def test_the_token_is_in_no_argument_and_the_environment_is_gits_alone(plugin: Plugin, monkeypatch: Any) -> None:
    head = plugin.push({"a": "1"})
    seen: list[Any] = []
    real = process.subprocess.Popen
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setattr(
        process.subprocess, "Popen", lambda command, **more: seen.append((command, more)) or real(command, **more)
    )
    plugin.copy.ensure_commits([head])
    token = plugin.copy._token
    assert seen
    assert all(token not in " ".join(command) for command, _ in seen)
    assert all("GIT_DIR" not in more["env"] for _, more in seen)


def test_attributes_and_filters_of_the_repository_change_nothing(plugin: Plugin) -> None:
    head = plugin.push(
        {".gitattributes": "*.php -diff export-ignore filter=evil\n", "a.php": "<?php\r\n$Id$;", ".gitmodules": ""}
    )
    plugin.copy.ensure_commits([head])
    blobs = {file.path: file.blob for file in plugin.copy.tree(head)}
    assert plugin.copy.blob(blobs[b"a.php"]) == b"<?php\r\n$Id$;"
