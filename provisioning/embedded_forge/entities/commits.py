"""Commits, branches, tags and differences."""

from typing import Any

from provisioning.embedded_forge.entities.projects import web_url
from provisioning.embedded_forge.entities.times import git_moment
from provisioning.embedded_forge.git.diff import Change
from provisioning.embedded_forge.git.history import Commit
from provisioning.embedded_forge.git.refs import Tag
from provisioning.embedded_forge.models import Project


def basic(project: Project, commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.sha,
        "short_id": commit.sha[:8],
        "created_at": git_moment(commit.committed_at),
        "parent_ids": list(commit.parents),
        "title": commit.title,
        "message": commit.message,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "authored_date": git_moment(commit.authored_at),
        "committer_name": commit.committer_name,
        "committer_email": commit.committer_email,
        "committed_date": git_moment(commit.committed_at),
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{web_url(project.full_path)}/-/commit/{commit.sha}",
    }


def detail(project: Project, commit: Commit, stats: dict[str, int] | None, status: str | None = None) -> dict[str, Any]:
    shown = basic(project, commit) | {"status": status, "project_id": project.pk, "last_pipeline": None}
    return shown | {"stats": stats} if stats is not None else shown


def branch(
    project: Project, name: str, commit: Commit, *, is_protected: bool, can_push: bool, developers_can_push: bool
) -> dict[str, Any]:
    return {
        "name": name,
        "commit": basic(project, commit),
        "merged": False,
        "protected": is_protected,
        "developers_can_push": developers_can_push,
        "developers_can_merge": developers_can_push,
        "can_push": can_push,
        "default": name == project.default_branch,
        "web_url": f"{web_url(project.full_path)}/-/tree/{name}",
    }


def tag(project: Project, row: Tag, commit: Commit | None, *, is_protected: bool) -> dict[str, Any]:
    return {
        "name": row.name,
        "message": row.message,
        "target": row.target,
        "commit": basic(project, commit) if commit else None,
        "release": None,
        "protected": is_protected,
        "created_at": None,
    }


def change(row: Change) -> dict[str, Any]:
    return {
        "diff": row.text,
        "new_path": row.new_path,
        "old_path": row.old_path,
        "a_mode": row.old_mode,
        "b_mode": row.new_mode,
        "new_file": row.status == "A",
        "renamed_file": row.status == "R",
        "deleted_file": row.status == "D",
        "generated_file": None,
        "collapsed": False,
        "too_large": row.is_too_large,
    }
