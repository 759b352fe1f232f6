"""Starts a deployment's live containers while its configuration and its pipeline are on their way.

They are the platform's own nginx and php-fpm before a tree that is still empty: no file of the plugin's is on the host
until the pipeline has checked it. The pipeline makes sure of all containers afterwards, and tells every fault. So a
fault here is of no account, and a retry, whose directory is there already, starts nothing early.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

from django.conf import settings

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.instances import target_of
from provisioning.containers.start import start_early
from provisioning.exceptions import ProvisioningError
from provisioning.inventory.models.host import Host
from provisioning.operations.engine import Run
from provisioning.releases.workflow.specs import engine_seen_from
from provisioning.rendering.specs import ReleaseSpec

logger = logging.getLogger(__name__)

JOIN_S = 30
_under_way: dict[int, threading.Thread] = {}


def begin_early_start(
    run: Run, host: Host, spec: ReleaseSpec, files: Mapping[str, str], *, services: Sequence[str]
) -> None:
    """Returns at once. `files` are those of the release but its tree, by their paths: all that the services mount."""
    if run.operation.pk in _under_way:
        return
    target, docker_url = target_of(host), engine_seen_from(host)

    def start() -> None:
        try:
            start_early(target, spec, files, services=services, docker_url=docker_url)
        except ProvisioningError as error:
            logger.info("the containers of %s are left to the pipeline: %s", spec.project, error)

    try:
        # Before the pipeline begins: two programs that make it at the same moment would make two of one name.
        engine_for(host.docker_url).ensure_network(
            spec.environment_name, spec.subnet, spec.bridge, settings.INSTALLATION
        )
    except ProvisioningError as error:
        logger.info("the network of %s is left to the pipeline: %s", spec.project, error)
        return
    thread = threading.Thread(target=start, daemon=True, name=f"early start of {spec.project}")
    _under_way[run.operation.pk] = thread
    thread.start()


def end_early_start(run: Run) -> None:
    """Waits until this worker starts nothing more for the deployment, so that a removal after this is for good."""
    thread = _under_way.pop(run.operation.pk, None)
    if thread is not None:
        thread.join(JOIN_S)
