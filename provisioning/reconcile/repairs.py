"""Mends what was found wrong with a workload's containers, as `repair_table` says; tells it on the app's timeline."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.faults import stranger_found
from provisioning.containers.instances import target_of
from provisioning.containers.models import Workload
from provisioning.containers.start import start_containers
from provisioning.exceptions import OperatorError, ProvisioningError, RetryableError, ServiceUnavailable
from provisioning.reconcile.backoff import repair_failed, repair_noted
from provisioning.reconcile.care import Care, settings_of_service
from provisioning.reconcile.examination import Seen, deployed
from provisioning.reconcile.repair_table import Action, Condition, Finding
from provisioning.releases.workflow.specs import engine_seen_from, release_home, release_spec
from provisioning.rendering.specs import Part
from tenants.audit.services.record import audit_record


@dataclass
class _Outcome:
    done: list[Finding] = field(default_factory=list)
    failed: list[tuple[Finding, ProvisioningError]] = field(default_factory=list)
    to_make: list[Finding] = field(default_factory=list)


def repair(workload: Workload, seen: Seen, due: Sequence[Finding], *, may_interrupt: Callable[[], bool]) -> None:
    """Mends the findings that are due. `may_interrupt`: what serves may be stopped, since something else serves.

    One that can't be mended keeps no other back. Raises nothing of what fails: it is told, counted and tried again.
    """
    started, outcome = timezone.now(), _Outcome()
    acted_on: set[Part] = set()
    for finding in due:
        if finding.repair.action in {Action.NOTHING, Action.WAIT} or finding.part in acted_on:
            continue
        if finding.repair.interrupts and not may_interrupt():
            continue
        # Counted before it is tried: a worker that dies in the middle of it has tried.
        repair_noted(workload, finding.cause)
        try:
            _mend(workload, seen, finding, outcome, may_interrupt=may_interrupt)
            acted_on.update(finding.repair.parts[finding.part])
        except ProvisioningError as error:
            outcome.failed.append((finding, error))
    if outcome.to_make:
        try:
            _make(workload, outcome.to_make)
            outcome.done += outcome.to_make
        except ProvisioningError as error:
            outcome.failed += [(finding, error) for finding in outcome.to_make]
    _tell(workload, outcome, (timezone.now() - started).total_seconds())


def _mend(
    workload: Workload, seen: Seen, finding: Finding, outcome: _Outcome, *, may_interrupt: Callable[[], bool]
) -> None:
    engine = engine_for(workload.host.docker_url)
    care = Care(engine)
    match finding.repair.action:
        case Action.MAKE:
            outcome.to_make.append(finding)
            return
        case Action.TELL:
            raise _told(workload, finding)
        case Action.REPLACE:
            care.remove(finding.container)
            outcome.to_make.append(finding)
            return
        case Action.START:
            try:
                engine.start(finding.container)
            except ServiceUnavailable:
                raise
            except RetryableError:
                # It may be what it was made from that is gone: its network, its volume, a layer of its image.
                care.remove(finding.container)
                outcome.to_make.append(finding)
                return
        case Action.UNPAUSE:
            care.unpause(finding.container)
        case Action.RESTART:
            parts = [seen.containers[part] for part in finding.repair.parts[finding.part] if part in seen.containers]
            care.restart_together(container.id for container in parts if container.state == "running")
        case Action.SET_BACK:
            if not _set_back(workload, care, finding):
                if may_interrupt():
                    care.remove(finding.container)
                    outcome.to_make.append(finding)
                return
    outcome.done.append(finding)


def _set_back(workload: Workload, care: Care, finding: Finding) -> bool:
    """Whether it has the release's settings again; some can be changed while it runs, and not changed back."""
    document = deployed(workload)
    if document is None:
        raise _files_gone(workload)
    wanted = settings_of_service(document["services"][f"{workload.role}-{finding.part}"])
    care.set_back(finding.container, wanted)
    now = care.details(finding.container)
    return now is None or now.settings == wanted


def _make(workload: Workload, findings: Iterable[Finding]) -> None:
    """Makes containers anew as the pipeline left them on the host. Nothing is fetched: an image must be there."""
    document = deployed(workload)
    if document is None:
        raise _files_gone(workload)
    services = [f"{workload.role}-{finding.part}" for finding in findings]
    engine = engine_for(workload.host.docker_url)
    have = Care(engine).image_ids()
    wanted = [document["services"][service]["image"] for service in services]
    if missing := sorted({image for image in wanted if image not in have}):
        raise OperatorError(
            f"the image {', '.join(missing)} is gone from {workload.host.name}: an operator must run manage.py "
            "build_images there; where that makes another one, somebody must deploy the release again (ask for a "
            "release of the same commit)"
        )
    spec = release_spec(workload.deployment)
    engine.ensure_network(spec.environment_name, spec.subnet, spec.bridge, settings.INSTALLATION)
    start_containers(target_of(workload.host), spec, services=services, docker_url=engine_seen_from(workload.host))


def _told(workload: Workload, finding: Finding) -> ProvisioningError:
    if finding.condition == Condition.STRANGER:
        return stranger_found(finding.name, finding.detail)
    return _files_gone(workload)


def _files_gone(workload: Workload) -> OperatorError:
    home = release_home(workload.release, workload.host)
    return OperatorError(
        f"the files of {workload.release} are gone from {home} on {workload.host.name}: an operator must put them back "
        "from a backup, or somebody deploy the release again (ask for a release of the same commit)"
    )


def _tell(workload: Workload, outcome: _Outcome, took_s: float) -> None:
    for finding, error in outcome.failed:
        repair_failed(workload, finding.cause, error=str(error))
    if outcome.done:
        verb = "set back" if all(one.repair.action == Action.SET_BACK for one in outcome.done) else "started again"
        _record(workload, "workload.repaired", outcome.done, f"{_found(outcome.done)}; {verb} in {took_s:.1f} s")
    for text in dict.fromkeys(str(error) for _finding, error in outcome.failed):
        failed = [finding for finding, error in outcome.failed if str(error) == text]
        message = f"{_found(failed)}; it could not be started again: {text}"
        _record(workload, "workload.repair_failed", failed, message)


def _found(findings: Iterable[Finding]) -> str:
    return ", ".join(
        f"{finding.name} was {finding.condition}{f' ({finding.detail})' if finding.detail else ''}"
        for finding in findings
    )


def _record(workload: Workload, action: str, findings: Iterable[Finding], message: str) -> None:
    app = workload.environment.app
    audit_record(
        action=action,
        message=message,
        organization=app.organization,
        app=app,
        environment=workload.environment.name,
        release=workload.release,
        data={"role": workload.role, "containers": {finding.name: str(finding.condition) for finding in findings}},
    )
