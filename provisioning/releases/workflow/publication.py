"""The part of a deployment that the forge keeps: the rendered configuration, and the pointer to the commit."""

import json
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from provisioning.apps.workflow.provision import renew_pipeline_credential
from provisioning.containers.choices import WorkloadRole
from provisioning.containers.rendering.compose import service_names
from provisioning.exceptions import (
    OperatorError,
)
from provisioning.forge import contents
from provisioning.forge.client import ForgeClient
from provisioning.forge.config import forge_from_settings
from provisioning.inventory.choices import Transport
from provisioning.inventory.models.host import Host
from provisioning.operations.engine import Run
from provisioning.operations.subject import subject_of
from provisioning.releases.rendering.pipeline import render_check_tree, render_deploy_script, render_gitlab_ci
from provisioning.releases.rendering.release import encode_variables, render_release, render_variables
from provisioning.releases.workflow.early_start import begin_early_start
from provisioning.releases.workflow.images import images_of
from provisioning.releases.workflow.specs import release_spec
from provisioning.repositories.models.repository import Repository
from provisioning.repositories.services.repositories import repository_of


def ensure_configuration_committed(run: Run) -> None:
    """Rendered files and the pointer to the approved commit, on the environment's branch at the forge."""
    release, environment = subject_of(run)
    repository = repository_of(release.app)
    forge, project_id, branch = forge_from_settings(), management_project(repository), environment.name
    spec = release_spec(run.operation)
    configuration = render_release(spec, images_of(run, host_of(run)))
    variables = render_variables(json.loads(release.variables))
    early = {**configuration, "variables.php": variables}
    begin_early_start(run, host_of(run), spec, early, services=service_names(spec.stack, WorkloadRole.LIVE))
    files = {
        ".gitlab-ci.yml": render_gitlab_ci(),
        "deploy.sh": render_deploy_script(),
        "check_tree.py": render_check_tree(),
        **configuration,
    }
    message = f"Release {release.number} to {environment.name} (deployment {run.operation.pk})"
    with ThreadPoolExecutor(1) as pool:
        # A client of its own: a session of requests is for one thread.
        reading = pool.submit(contents.read_branch, forge_from_settings(), project_id, branch)
        renew_pipeline_credential(repository)
        _ensure_host_credential(forge, project_id, host_of(run))
        forge.ensure_variable(
            project_id,
            f"BERTH_VARIABLES_{environment.name.upper()}",
            encode_variables(variables),
            is_masked=True,
        )
        present = reading.result()
    if present is None or "codes" not in present:
        contents.push_branch(
            url=f"{forge.url}/{repository.management_path}.git",
            token=forge.token,
            branch=branch,
            files=files,
            submodule=("codes", f"../../{repository.code_path}.git", release.commit_sha),
            message=message,
        )
        run.note(f"branch {branch} made")
        return
    if contents.ensure_files(forge, project_id, branch=branch, present=present, files=files, message=message):
        run.note("configuration committed")
    if present["codes"] != release.commit_sha:
        contents.move_gitlink(
            forge, project_id, branch=branch, path="codes", commit_sha=release.commit_sha, message=message
        )
        run.note(f"codes -> {release.commit_sha}")


def management_project(repository: Repository) -> int:
    """The id of the app's management repository. Raises `OperatorError` where it was never made."""
    if repository.management_project_id is None:
        raise OperatorError("the app has no management repository: an operator must provision the app again")
    return repository.management_project_id


def host_of(run: Run) -> Host:
    """All instances of a deployment run on one host."""
    return run.operation.workloads.select_related("host").order_by("pk")[0].host


def _ensure_host_credential(forge: ForgeClient, project_id: int, host: Host) -> None:
    """The pipeline reaches the host over SSH with Berth's key, and only if the host is the one it was."""
    if host.transport != Transport.SSH:
        return
    try:
        key = settings.SSH_KEY_PATH.read_text()
    except OSError as exc:
        raise OperatorError(
            f"host {host.name} is reached over SSH, but {settings.SSH_KEY_PATH} can't be read ({exc.strerror}): "
            "an operator must put the private key there or set BERTH_SSH_KEY_PATH"
        ) from exc
    forge.ensure_variable(project_id, "BERTH_SSH_KEY", key, is_file=True)
    forge.ensure_variable(project_id, "BERTH_SSH_KNOWN_HOSTS", host.ssh_known_host + "\n", is_file=True)
