"""What the endpoints of a repository have in common: reaching the code, and being allowed to change it."""

import base64
import binascii
from pathlib import Path
from typing import Any

from provisioning.embedded_forge import access, protection, spool, wake
from provisioning.embedded_forge.git import commits, refs, repository
from provisioning.embedded_forge.git.commits import Action, CommitRefused, Identity
from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.errors import bad_request, forbidden, not_found
from provisioning.embedded_forge.models import Project


def readable(call: Call) -> tuple[Project, Path]:
    """The project and its repository, for a caller who may read code."""
    project = call.project()
    if not access.may_download(call.caller, project):
        raise forbidden()
    return project, repository.ensure(project)


def resolved(project: Project, path: Path, revision: str | None, what: str) -> str:
    """The commit of `revision` (default: the default branch). Raises a 404 that says `what` is missing."""
    sha = refs.resolve(path, revision or project.default_branch)
    if sha is None:
        raise not_found(what)
    return sha


def inner_path(path: str) -> str:
    """A path to look at. Raises a 404 for one that can't be in a repository."""
    try:
        return commits.check_path(path.strip("/"))
    except CommitRefused:
        raise not_found("invalid revision or path") from None


def content_of(values: dict[str, Any]) -> bytes | None:
    """The bytes that `content` and `encoding` say."""
    content = values.get("content")
    if content is None:
        return None
    if values.get("encoding", "text") != "base64":
        return str(content).encode()
    try:
        return base64.b64decode(str(content))
    except (binascii.Error, ValueError):
        raise bad_request("content is not valid base64") from None


def commit(
    call: Call, project: Project, *, branch: str, message: str, actions: list[Action], start_branch: str | None = None,
    start_sha: str | None = None, author_name: str | None = None, author_email: str | None = None, force: bool = False,
) -> str:  # fmt: skip
    """One commit on `branch`, which may be new: from `start_branch` or `start_sha`, or the first one of an empty
    repository. Returns its SHA. Raises GitLab's 400s and 403s."""
    call.require(project, access.DEVELOPER)
    if not protection.may_push(call.caller, project, branch):
        raise forbidden("You are not allowed to push into this branch")
    path = repository.ensure(project)
    if not refs.is_valid_name(branch):
        raise bad_request(f"Invalid reference name: {branch[:255]}")
    expected = refs.branch(path, branch)
    parent = expected
    start = start_branch or start_sha
    if start and start != branch:
        parent = refs.resolve(path, start)
        if parent is None:
            raise bad_request(f"Cannot find start_branch '{start[:255]}'")
        if expected is not None and not force:
            text = f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
            raise bad_request(text)
        if expected is not None and not protection.may_force(call.caller, project, branch):
            raise forbidden("You are not allowed to force push code to a protected branch on this project.")
    elif expected is None and not refs.is_empty(path):
        raise bad_request("You can only create or edit files when you are on a branch")
    who = Identity(call.user.name, call.user.email)
    author = Identity(author_name or who.name, author_email or who.email)
    try:
        sha = commits.make(
            path, branch=branch, message=message, actions=actions, author=author, committer=who, parent=parent,
            expected=expected, force=force,
        )  # fmt: skip
    except CommitRefused as refusal:
        raise bad_request(str(refusal)) from refusal
    moved(call, project, [(expected or refs.ZERO, sha, f"refs/heads/{branch}")])
    return sha


def moved(call: Call, project: Project, updates: list[tuple[str, str, str]]) -> None:
    """Says that refs moved: the default branch of a new repository is settled, and the runner tells the webhooks."""
    protection.settle_default_branch(project)
    spool.record(project_id=project.pk, user_id=call.user.pk, updates=updates)
    wake.runner()
