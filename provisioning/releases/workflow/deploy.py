"""Makes an approved release live, and leaves the old one serving where that fails.

Management repository and pipeline, new containers beside the old ones, health check, edge, a look through the edge,
standby, and then the old containers go. Does not decide whether a release may go live: a review did, and the first
step holds the release against it.
"""

import hmac
import json

from django.conf import settings
from django.db import transaction

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.faults import stranger_found
from provisioning.containers.models import Workload
from provisioning.edge.fallback.workflow import ensure_fallback, fallback_refusal, tell_refusal
from provisioning.exceptions import (
    DigestChanged,
    NotApproved,
    PermanentError,
)
from provisioning.inventory import leases
from provisioning.inventory.placement import choose_host
from provisioning.operations.engine import Run, Workflow, steps
from provisioning.operations.subject import subject_of
from provisioning.reconcile.care import Care
from provisioning.releases.services.readings import scopes_renew
from provisioning.releases.workflow.check import rendered_sha256
from provisioning.releases.workflow.draining import remove_old_containers
from provisioning.releases.workflow.early_start import end_early_start
from provisioning.releases.workflow.images import images_of
from provisioning.releases.workflow.pipeline import (
    end_pipeline,
    ensure_output_kept,
    ensure_pipeline,
    ensure_pipeline_finished,
)
from provisioning.releases.workflow.publication import ensure_configuration_committed
from provisioning.releases.workflow.reachability import ensure_names_still_answer
from provisioning.releases.workflow.release_checks import ensure_php_still_good
from provisioning.releases.workflow.specs import container_names, release_spec, roles_of
from provisioning.releases.workflow.switchover import (
    ensure_edge_switched,
    ensure_healthy,
    ensure_reachable,
    ensure_standby,
    put_back,
)
from tenants.releases.choices import ReleaseState
from tenants.releases.digest import release_digest
from tenants.releases.services import releases
from tenants.reviews.choices import ReviewDecision


def ensure_approved(run: Run) -> None:
    """Holds what would be deployed against what a reviewer approved: commit, stack, configuration, variables.

    A release that was live before may go back although the platform's own templates changed since: its commit, settings
    and variables are those that were approved. One that was never live is then to be reviewed anew.
    """
    release, _environment = subject_of(run)
    review = release.reviews.filter(decision=ReviewDecision.APPROVE).first()
    if review is None:
        raise NotApproved("nobody approved this release: ask a reviewer")
    digest = release_digest(
        commit_sha=release.commit_sha,
        configuration=release.configuration,
        stack_version=release.stack_version,
        configuration_sha256=release.configuration_sha256,
        variables=json.loads(release.variables),
    )
    if not hmac.compare_digest(digest, review.digest):
        raise DigestChanged("what would be deployed is not what was approved: ask for a new release of the same commit")
    run.note(f"digest {digest}, approved by {review.reviewer.username}")
    if rendered_sha256(release) != release.configuration_sha256:
        if release.went_live_at is None:
            raise DigestChanged(
                "the platform's templates changed since the approval: ask for a new release of the same commit"
            )
        run.note("the platform's templates changed since the approval; commit, settings and variables did not")
    if release.state != ReleaseState.DEPLOYING:
        releases.release_deploying(release=release)


def ensure_leases(run: Run) -> None:
    """A host that has the images, the ports of the new workloads, network and user id of the app.

    No stranger has one of the containers' names there.
    """
    release, environment = subject_of(run)
    host = choose_host(environment)
    images_of(run, host)
    ensure_php_still_good(run, release, host)
    why_not = fallback_refusal(release, environment, host)
    if why_not:
        run.note(f"a standby takes the place of the fallback to the host: {why_not}")
        if not run.operation.workloads.exists():
            tell_refusal(release, environment, why_not)
    for role in roles_of(environment, can_fall_back=not why_not):
        if run.operation.workloads.filter(role=role).exists():
            continue
        with transaction.atomic():
            lease = leases.port_lease(host=host, use=f"{release} {role}")
            Workload.objects.create(
                environment=environment,
                release=release,
                deployment=run.operation,
                host=host,
                role=role,
                port_lease=lease,
                port=lease.port,
            )
    spec = release_spec(run.operation)
    names = [name for instance in spec.instances for name in container_names(spec, instance.role)]
    strangers = Care(engine_for(host.docker_url)).holders(names, but_of=settings.INSTALLATION)
    if strangers:
        name, runs = min(strangers.items())
        raise stranger_found(name, runs)
    ports = ", ".join(f"{instance.role} {instance.address}:{instance.port}" for instance in spec.instances)
    run.note(f"host {host.name}, {ports}, network {spec.subnet}, uid {spec.uid}, sidecar {spec.sidecar_uid}")


def ensure_live(run: Run) -> None:
    release, _environment = subject_of(run)
    if release.state != ReleaseState.LIVE:
        releases.release_went_live(release=release, is_rollback=run.operation.is_rollback)


def succeeded(run: Run) -> None:
    """`ensure_live` said so already. What waits for a review is held against what is live now."""
    if run.operation.environment is not None:
        scopes_renew(run.operation.environment)


def failed(run: Run, error: PermanentError) -> None:
    """Puts the edge back to what served before, removes the new containers, and says why on the release."""
    end_pipeline(run)
    end_early_start(run)
    put_back(run)
    release = run.operation.release
    if release is None:
        return
    release.refresh_from_db()
    if release.state == ReleaseState.APPROVED:
        releases.release_deploying(release=release)
    if release.state == ReleaseState.DEPLOYING:
        releases.release_deployment_failed(release=release, error=str(error), whose_move=error.actor)


def cancelled(run: Run) -> None:
    """The app is going, or somebody cancelled the release before its deployment began."""
    end_pipeline(run)
    end_early_start(run)
    put_back(run)
    release = run.operation.release
    if release is not None and release.state == ReleaseState.DEPLOYING:
        releases.release_deployment_failed(release=release, error="the app was retired during the deployment")


WORKFLOW = Workflow(
    steps=steps(
        ensure_approved,
        ensure_leases,
        ensure_configuration_committed,
        ensure_pipeline,
        ensure_pipeline_finished,
        ensure_healthy,
        ensure_fallback,
        ensure_edge_switched,
        ensure_reachable,
        ensure_live,
        ensure_standby,
        ensure_names_still_answer,
        ensure_output_kept,
        remove_old_containers,
    ),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
