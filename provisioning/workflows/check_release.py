"""Resolves what a release asks for to one commit, at once, and checks that commit before a reviewer's time is spent."""

import posixpath
from contextlib import suppress

from django.conf import settings

from provisioning.exceptions import DeveloperError, PermanentError, ReleaseRefused, RetryableError
from provisioning.forge.client import ForgeClient, forge_from_settings
from provisioning.forge.contents import list_tree, read_file, resolve_commit
from provisioning.forge.types import TreeEntry
from provisioning.rendering.release import configuration_sha256
from provisioning.services.repositories import repository_of
from provisioning.workflows.authors import record_pushers
from provisioning.workflows.engine import Cancelled, Run, Workflow, steps
from tenants.choices import ReleaseState
from tenants.exceptions import InvalidTransition
from tenants.models import Release
from tenants.services import releases

SYMLINK, SUBMODULE = "120000", "160000"
MAX_LINK_BYTES = 4096
# How long the request for a release waits for the forge before it leaves the resolving to a worker.
AT_ONCE_TIMEOUT_S = 3


def resolve_at_once(release: Release) -> None:
    """Resolves in the request that asked, so that its answer has the commit. Where the forge is away, a worker does."""
    try:
        _resolve(release, forge_from_settings(timeout_s=AT_ONCE_TIMEOUT_S))
    except RetryableError:
        return
    except PermanentError as error:
        with suppress(InvalidTransition):  # a worker was faster
            releases.release_failed(release=release, error=str(error), whose_move=error.actor)


def _resolve(release: Release, forge: ForgeClient) -> None:
    code_project_id = repository_of(release.app).code_project_id
    if code_project_id is None:
        raise DeveloperError("the app has no repository yet: wait until it is active")
    commit = resolve_commit(forge, code_project_id, release.requested_ref)
    try:
        releases.release_checking(
            release=release,
            commit_sha=commit.sha,
            commit_title=commit.title,
            commit_author=commit.author,
            commit_author_emails=list(commit.emails),
            configuration_sha256=rendered_sha256(release),
        )
    except InvalidTransition:
        release.refresh_from_db()  # another worker was faster: a release is resolved once


def rendered_sha256(release: Release) -> str:
    """Over the release's configuration as it renders now, whatever ports, networks and uids it gets."""
    snapshot = release.configuration
    return configuration_sha256(
        app_id=release.app.public_id,
        environment=release.environment.name,
        stack=snapshot["stack"],
        stack_version=snapshot["stack_version"],
        hostnames=tuple(snapshot["hostnames"]),
        memory_mib=snapshot["memory_mib"],
        cpu_millis=snapshot["cpu_millis"],
        pids=snapshot["pids"],
        disk_mib=snapshot["disk_mib"],
        health_check_path=snapshot["health_check_path"],
    )


def _release(run: Run, *states: ReleaseState) -> Release:
    release = run.operation.release
    if release is None:
        raise TypeError(f"operation {run.operation.pk} checks nothing")
    release.refresh_from_db()
    if release.state not in states:
        raise Cancelled
    return release


def ensure_resolved(run: Run) -> None:
    release = _release(run, ReleaseState.SUBMITTED, ReleaseState.CHECKING)
    if release.state == ReleaseState.SUBMITTED:
        _resolve(release, forge_from_settings())
    run.note(f"{release.requested_ref} is {release.commit_sha}")


def ensure_pushers_known(run: Run) -> None:
    """Who pushed the commits, so that none of them decides on it. What is not known fails nothing here: it is said, and
    nobody can approve the release before it is known."""
    release = _release(run, ReleaseState.CHECKING)
    pushers = record_pushers(forge=forge_from_settings(), release=release)
    run.note(pushers.in_doubt or "who pushed each commit is known")


def ensure_tree_checked(run: Run) -> None:
    """Refuses a tree that must not be deployed. The pipeline looks again at what it really fetched."""
    release = _release(run, ReleaseState.CHECKING)
    forge = forge_from_settings()
    code_project_id = repository_of(release.app).code_project_id
    if code_project_id is None:
        raise DeveloperError("the app has no repository")
    limit = settings.MAX_RELEASE_FILES
    entries = list_tree(forge, code_project_id, release.commit_sha, limit=limit)
    if len(entries) > limit:
        raise ReleaseRefused(f"the commit has more than {limit} files: remove what the plugin does not need")
    if not entries:
        raise ReleaseRefused("the commit has no files: push the plugin, then ask for the release again")
    for entry in entries:
        if entry.mode == SUBMODULE:
            raise ReleaseRefused(f"{entry.path} is a submodule: put its files into the repository itself")
        if entry.mode == SYMLINK:
            _check_link(entry, read_file(forge, code_project_id, release.commit_sha, entry.path))
    run.note(f"{len(entries)} files, no submodules, no links that leave the tree")


def _check_link(entry: TreeEntry, content: bytes) -> None:
    if leaves_the_tree(entry.path, content[:MAX_LINK_BYTES].decode(errors="replace")):
        raise ReleaseRefused(f"{entry.path} is a link that leaves the tree: replace it by the file itself")


def leaves_the_tree(path: str, target: str) -> bool:
    """Whether a symbolic link at `path` points out of the tree, by its text alone."""
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return target.startswith("/") or reached == ".." or reached.startswith("../")


def succeeded(run: Run) -> None:
    release = run.operation.release
    if release is None:
        return
    release.refresh_from_db()
    if release.state == ReleaseState.CHECKING:
        checks = [
            {"name": step.name, "state": step.state, "detail": step.output}
            for step in run.operation.steps.order_by("position")
        ]
        releases.release_checked(release=release, checks=checks)


def failed(run: Run, error: PermanentError) -> None:
    release = run.operation.release
    if release is None:
        return
    release.refresh_from_db()
    if release.state in {ReleaseState.SUBMITTED, ReleaseState.CHECKING}:
        releases.release_failed(release=release, error=str(error), whose_move=error.actor)


def cancelled(_run: Run) -> None:
    """Somebody cancelled the release, or it failed at once: nothing was made."""


WORKFLOW = Workflow(
    steps=steps(ensure_resolved, ensure_pushers_known, ensure_tree_checked),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
