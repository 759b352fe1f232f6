"""A name that two things have is refused, and each of them is named in full: at the embedded forge, and at a GitLab."""

from typing import Any

import pytest

from provisioning.exceptions import AmbiguousRef, RefNotFound
from provisioning.forge.refs import commit_named
from tests.contracts.forge.git import Git


@pytest.fixture
def commits(work: Git) -> tuple[str, str]:
    """Two commits, the second one on `main`."""
    first = work.commit({"index.php": "<?php echo 1;"}, message="first")
    second = work.commit({"index.php": "<?php echo 2;"}, message="second")
    work.push("main")
    return first, second


@pytest.mark.parametrize("name", ["v1", "release/1.0", "2026-12-01"])
def test_a_name_of_a_branch_and_a_tag_is_refused_and_each_is_taken_in_full(
    project: Any, work: Git, commits: tuple[str, str], name: str
) -> None:
    first, second = commits
    work.push(f"{first}:refs/heads/{name}")
    assert commit_named(project, name)["id"] == first
    work.push(f"{second}:refs/tags/{name}")
    with pytest.raises(AmbiguousRef) as refused:
        commit_named(project, name)
    text = str(refused.value)
    assert f"{name} is a branch (at {first[:12]}) and a tag (at {second[:12]})" in text
    assert f"with refs/heads/{name} or refs/tags/{name}" in text
    assert commit_named(project, f"refs/heads/{name}")["id"] == first
    found = commit_named(project, f"refs/tags/{name}")
    assert (found["id"], found["title"], found["author_email"]) == (second, "second", "dev@example.org")
    work.push(f":refs/heads/{name}")
    assert commit_named(project, name)["id"] == second


def test_an_annotated_tag_is_the_commit_that_it_is_about(project: Any, work: Git, commits: tuple[str, str]) -> None:
    first, _second = commits
    work.run("tag", "-a", "v2", "-m", "the second version", first)
    work.push("refs/tags/v2")
    assert [commit_named(project, ref)["id"] for ref in ("v2", "refs/tags/v2")] == [first, first]


@pytest.mark.parametrize("kind", ["heads", "tags"])
def test_a_name_that_could_be_a_commit_is_refused(project: Any, work: Git, commits: tuple[str, str], kind: str) -> None:
    first, second = commits
    short = next(first[:length] for length in range(7, 40) if not first[:length].isdigit())
    assert commit_named(project, short)["id"] == first
    work.push(f"{second}:refs/{kind}/{short}")
    with pytest.raises(AmbiguousRef, match=f"with refs/{kind}/{short} or all 40 digits of the commit"):
        commit_named(project, short)
    assert commit_named(project, f"refs/{kind}/{short}")["id"] == second
    assert commit_named(project, first)["id"] == first


@pytest.mark.parametrize(
    "ref", ["nothing", "refs/heads/nothing", "refs/tags/nothing", "refs/heads/", "refs/tags/", "0" * 40, "abcdef1"]
)
def test_a_name_of_nothing_is_not_found(project: Any, commits: tuple[str, str], ref: str) -> None:
    with pytest.raises(RefNotFound, match="no branch, tag or commit"):
        commit_named(project, ref)


@pytest.mark.parametrize("ref", ["main", "refs/heads/main"])
def test_a_branch_alone_is_no_tag_and_a_tag_no_branch(
    project: Any, work: Git, commits: tuple[str, str], ref: str
) -> None:
    assert commit_named(project, ref)["id"] == commits[1]
    with pytest.raises(RefNotFound):
        commit_named(project, "refs/tags/main")
