"""Takes a retired app away: its deployments end, its records go, then its hostnames stop answering, its containers,
networks and access go. Records first: no name of an app's ever leads to where the app is not.

The repositories are archived, not deleted: what ran stays readable to the platform. The platform's hostnames are
never used again; customers' own are held for their organization for a while.
"""

from provisioning.containers.choices import WorkloadState
from provisioning.containers.docker_engine import engine_for
from provisioning.containers.instances import remove_release_trees, remove_workloads
from provisioning.dns.workflow.names import remove_dns_records
from provisioning.edge import edge_from_settings
from provisioning.exceptions import PermanentError
from provisioning.forge.config import forge_from_settings
from provisioning.inventory import leases
from provisioning.inventory.models.host import Host
from provisioning.operations.choices import UNFINISHED
from provisioning.operations.engine import Run, Wait, Workflow, steps
from provisioning.operations.models import Operation
from provisioning.releases.workflow.specs import environment_docker_name
from provisioning.rendering.specs import SiteSpec
from provisioning.repositories.reading.copy import reading_copy
from provisioning.repositories.services.repositories import repository_of
from tenants.apps.choices import AppState
from tenants.apps.services import apps
from tenants.names.services.domains import names_hold

OTHERS_PAUSE_S = 1


def ensure_nothing_else_runs(run: Run) -> None:
    """Other operations see that the app is retiring and end at their next step."""
    others = Operation.objects.filter(app=run.app, state__in=UNFINISHED).exclude(pk=run.operation.pk)
    others.update(next_run_at=None)
    if others.exists():
        raise Wait("other work on the app ends first", seconds=OTHERS_PAUSE_S)


def remove_edge_entries(run: Run) -> None:
    names: dict[str, str | None] = {}
    for environment in run.app.environments.all():
        site = SiteSpec(app_id=run.app.public_id, environment=environment.name, hostnames=(), servers=())
        names[site.name] = None
    edge_from_settings().apply(names)
    run.note("hostnames answer 404: " + ", ".join(names))


def hold_names(run: Run) -> None:
    """Last of all that concerns names: until here they are the app's, and from here on they are held for its owner."""
    names_hold(app=run.app)


def remove_containers(run: Run) -> None:
    for environment in run.app.environments.all():
        for workload in remove_workloads(environment.workloads.exclude(state=WorkloadState.REMOVED)):
            run.note(f"{workload} removed")


def remove_networks(run: Run) -> None:
    app = run.app
    for environment in app.environments.all():
        for host in Host.objects.filter(workloads__environment=environment).distinct():
            engine_for(host.docker_url).remove_network(environment_docker_name(environment))
        leases.subnet_release(environment=environment)


def remove_release_files(run: Run) -> None:
    app = run.app
    for host in Host.objects.filter(workloads__environment__app=app).distinct():
        remove_release_trees(host, [f"{host.releases_home}/{app.public_id}"])


def remove_forge_access(run: Run) -> None:
    """Archives both repositories: nobody pushes any more, and no pipeline runs."""
    repository, forge = repository_of(run.app), forge_from_settings()
    for project_id in (repository.code_project_id, repository.management_project_id):
        if project_id is not None:
            forge.archive_project(project_id)


def remove_reading_copy(run: Run) -> None:
    """The forge's archived repository keeps what there was to read."""
    if repository_of(run.app).code_project_id is not None:
        reading_copy(run.app).remove()


def succeeded(run: Run) -> None:
    app = run.app
    app.refresh_from_db()
    if app.state == AppState.RETIRING:
        apps.app_retired(app=app)


def failed(run: Run, error: PermanentError) -> None:
    app = run.app
    app.refresh_from_db()
    if app.state == AppState.RETIRING:
        apps.app_failed(app=app, error=str(error))


def cancelled(_run: Run) -> None:
    """Nothing cancels a retirement."""


WORKFLOW = Workflow(
    steps=steps(
        ensure_nothing_else_runs,
        remove_dns_records,
        remove_edge_entries,
        hold_names,
        remove_containers,
        remove_networks,
        remove_release_files,
        remove_forge_access,
        remove_reading_copy,
    ),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
