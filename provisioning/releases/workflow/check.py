"""Resolves what a release asks for to one commit, at once, and checks that commit before a reviewer's time is spent."""

from contextlib import suppress
from typing import Any

from provisioning.exceptions import DeveloperError, PermanentError, RetryableError
from provisioning.forge.client import ForgeClient
from provisioning.forge.config import forge_from_settings
from provisioning.forge.contents import resolve_commit
from provisioning.operations.engine import Cancelled, Run, Workflow, steps
from provisioning.releases.rendering.release import configuration_sha256
from provisioning.releases.services.readings import scope_ensure
from provisioning.releases.workflow.authors import record_pushers
from provisioning.releases.workflow.release_checks import check_php, check_tree, refuse_errors
from provisioning.repositories.services.repositories import repository_of
from tenants.exceptions import AlreadyExists, InvalidTransition
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.releases.services import releases

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
    except AlreadyExists as error:
        raise DeveloperError(error.detail) from error
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
    """The pipeline runs the same program on what it really fetched."""
    check_tree(run, _release(run, ReleaseState.CHECKING))


def ensure_php_checked(run: Run) -> None:
    check_php(run, _release(run, ReleaseState.CHECKING))


def ensure_difference_read(run: Run) -> None:
    """What the review has to cover is known before anybody reviews: every changed file, and which one answer lacks."""
    release = _release(run, ReleaseState.CHECKING)
    base, difference = scope_ensure(release)
    against = f"release {base.number}" if base is not None else "nothing, since nothing is live"
    beyond = len(difference.unshown())
    run.note(f"{len(difference.files)} files differ from {against}; {beyond} of them are beyond one answer")


def ensure_no_errors(run: Run) -> None:
    """Refuses the release with all that was found, so that nobody has to ask again for each fault."""
    _release(run, ReleaseState.CHECKING)
    refuse_errors(run)


def succeeded(run: Run) -> None:
    release = run.operation.release
    if release is None:
        return
    release.refresh_from_db()
    if release.state == ReleaseState.CHECKING:
        releases.release_checked(release=release, checks=_checks(run))


def failed(run: Run, error: PermanentError) -> None:
    release = run.operation.release
    if release is None:
        return
    release.refresh_from_db()
    if release.state in {ReleaseState.SUBMITTED, ReleaseState.CHECKING}:
        releases.release_failed(release=release, error=str(error), whose_move=error.actor, checks=_checks(run))


def _checks(run: Run) -> list[dict[str, Any]]:
    """What the list of checks has found so far."""
    return list(run.operation.data.get("checks", []))


def cancelled(_run: Run) -> None:
    """Somebody cancelled the release, or it failed at once: nothing was made."""


WORKFLOW = Workflow(
    steps=steps(
        ensure_resolved,
        ensure_pushers_known,
        ensure_tree_checked,
        ensure_php_checked,
        ensure_no_errors,
        ensure_difference_read,
    ),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
