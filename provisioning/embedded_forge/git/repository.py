"""Bare repositories on disk, found by the project's id."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.git.process import run
from provisioning.embedded_forge.models import Project


def root() -> Path:
    return configuration.home() / "projects"


def path_of(project_id: int) -> Path:
    return root() / f"{project_id}.git"


def ensure(project: Project) -> Path:
    """The project's repository, made if it is not there: a row without a repository is thereby mended. It appears
    whole or not at all. Raises `Project.DoesNotExist` where the project was removed meanwhile: its repository stays
    away."""
    path = path_of(project.pk)
    if (path / "HEAD").exists():
        return path
    beside = root() / f".new-{uuid.uuid4().hex}"
    beside.mkdir(parents=True, mode=0o700)
    run(beside, "init", "--quiet", "--bare", "--template=", f"--initial-branch={project.default_branch}")
    try:
        beside.rename(path)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not (path / "HEAD").exists():
            raise
    # Whoever removes a project removes the repository after the row; the row's absence is seen here, or this by them.
    if not Project.objects.filter(pk=project.pk).exists():
        remove(project.pk)
        raise Project.DoesNotExist(f"project {project.pk} was removed meanwhile")
    return path


def remove(project_id: int) -> None:
    """Takes the repository out of sight at once, then deletes it."""
    gone = root() / f".gone-{uuid.uuid4().hex}"
    with contextlib.suppress(FileNotFoundError):
        path_of(project_id).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def remove_leftovers(known: set[int]) -> None:
    """Deletes what a killed process left: repositories without a row, half-made and half-deleted ones."""
    if not root().is_dir():
        return
    for entry in root().iterdir():
        stem = entry.name.removesuffix(".git")
        if entry.name.startswith((".new-", ".gone-")) or (stem.isdigit() and int(stem) not in known):
            shutil.rmtree(entry, ignore_errors=True)


def head_branch(path: Path) -> str:
    """The branch that HEAD names; it need not exist."""
    return (path / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")


def set_head(path: Path, branch: str) -> None:
    beside = path / f"HEAD.{uuid.uuid4().hex}"
    beside.write_text(f"ref: refs/heads/{branch}\n")
    os.replace(beside, path / "HEAD")  # noqa: PTH105
