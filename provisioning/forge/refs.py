"""The one commit that a branch, a tag or a commit's name stands for: no guess if it could be two."""

import re

import gitlab
from gitlab.v4.objects import Project as GitlabProject

from provisioning.exceptions import AmbiguousRef, RefNotFound

HEADS, TAGS = "refs/heads/", "refs/tags/"
_FULL_SHA = re.compile(r"[0-9a-f]{40}")
# Long enough to be taken from a list of commits, and no date.
_LIKE_A_SHORT_SHA = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,39}")


def commit_named(project: GitlabProject, ref: str) -> dict[str, str]:
    """The forge's own description of the commit: `id`, `title`, `author_name`, `author_email`, `committer_email`.

    Raises `RefNotFound`, and `AmbiguousRef` for a name that a branch and a tag have, or one of them and a commit.
    """
    if _FULL_SHA.fullmatch(ref):
        return _commit(project, ref)
    if ref.startswith(HEADS):
        return _named(_branch(project, ref.removeprefix(HEADS)), ref)
    if ref.startswith(TAGS):
        return _named(_tag(project, ref.removeprefix(TAGS)), ref)
    branch, tag = _branch(project, ref), _tag(project, ref)
    if branch and tag:
        raise AmbiguousRef(
            f"{ref} is a branch (at {branch['id'][:12]}) and a tag (at {tag['id'][:12]}): "
            f"ask for the release again with {HEADS}{ref} or {TAGS}{ref}"
        )
    found = branch or tag
    if found is None:
        return _commit(project, ref)
    if _LIKE_A_SHORT_SHA.fullmatch(ref):
        kind, full = ("branch", HEADS) if branch else ("tag", TAGS)
        raise AmbiguousRef(
            f"{ref} is a {kind} (at {found['id'][:12]}) and could be the beginning of a commit's name: "
            f"ask for the release again with {full}{ref} or all 40 digits of the commit"
        )
    return found


def _branch(project: GitlabProject, name: str) -> dict[str, str] | None:
    try:
        return dict(project.branches.get(name).commit) if name else None
    except gitlab.GitlabGetError as exc:
        _refuse_all_but_absent(exc)
        return None


def _tag(project: GitlabProject, name: str) -> dict[str, str] | None:
    try:
        return dict(project.tags.get(name).commit) if name else None
    except gitlab.GitlabGetError as exc:
        _refuse_all_but_absent(exc)
        return None


def _commit(project: GitlabProject, ref: str) -> dict[str, str]:
    try:
        return dict(project.commits.get(ref).attributes)
    except gitlab.GitlabGetError as exc:
        _refuse_all_but_absent(exc)
        return _named(None, ref)


def _refuse_all_but_absent(exc: gitlab.GitlabGetError) -> None:
    # GitLab answers 400 for a name that git would not take.
    if exc.response_code not in (400, 404):
        raise exc


def _named(commit: dict[str, str] | None, ref: str) -> dict[str, str]:
    if commit is None:
        raise RefNotFound(f"the repository has no branch, tag or commit {ref}: push it, then ask for the release again")
    return commit
