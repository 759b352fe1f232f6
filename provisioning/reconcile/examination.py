"""How the containers of serving workloads are found: a first look from one list of all, and a close look at a few.

Labels say whose a container is, never its name: what a stranger made under the name of one of Berth's is left alone.
"""

import errno
import json
import socket
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.instances import target_of
from provisioning.containers.models import Workload
from provisioning.containers.states import ContainerState
from provisioning.inventory.choices import Transport
from provisioning.inventory.transport import transport_for
from provisioning.reconcile.care import Care, settings_of_service
from provisioning.reconcile.repair_table import Condition, Finding
from provisioning.releases.workflow.specs import environment_docker_name, release_home, role_of
from provisioning.rendering.specs import Part, container_name, parts_of

LOOK_TIMEOUT_S = 20
CONNECT_TIMEOUT_S = 2
# Of files on the host and what a running container sees in their place. Where the process can't be looked into (Berth
# is not root there) nothing is said.
_COMPARE = """
while [ $# -gt 0 ]; do
    [ ! -e "$3" ] || [ "$2" -ef "$3" ] || echo "$1"
    shift 3
done
"""

Place = tuple[str, str, str, str]


@dataclass
class Seen:
    """What is there of one workload, by part, and what is wrong with it."""

    containers: dict[Part, ContainerState] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Those of parts that nothing was found of before: the first thing found is mended first."""
        self.findings += [new for new in findings if new.part not in {known.part for known in self.findings}]


def by_place(containers: Collection[ContainerState]) -> dict[Place, list[ContainerState]]:
    found: dict[Place, list[ContainerState]] = defaultdict(list)
    for container in containers:
        found[container.app, container.environment, container.role, container.part].append(container)
    return found


def first_look(workload: Workload, containers: Mapping[Place, Collection[ContainerState]]) -> Seen:
    """From the list alone: it asks nobody anything, since every workload is looked at so every few seconds."""
    seen = Seen()
    environment = workload.environment
    network = environment_docker_name(environment)
    for part in parts_of(workload.release.app.stack):
        name = container_name(network, workload.release.number, role_of(workload), part)
        candidates = containers.get((environment.app.public_id, environment.name, workload.role, part), ())
        # By its name first: somebody may have renamed one, and it serves all the same.
        named = sorted(candidates, key=lambda container: container.name != name)
        mine = next((one for one in named if one.deployment == workload.deployment_id), None)
        if mine is None:
            other = next((one for one in named if one.name == name), None)
            condition = Condition.MISSING if other is None else Condition.OTHER_DEPLOYMENT
            seen.findings.append(Finding(part, name, condition, other.id if other else ""))
            continue
        seen.containers[part] = mine
        condition = _condition(mine, {network} if part == "web" else {"none"})
        if condition != Condition.RUNNING:
            seen.findings.append(Finding(part, mine.name, condition, mine.id))
    return seen


def _condition(container: ContainerState, networks: set[str]) -> Condition:
    if container.state != "running":
        return Condition(container.state) if container.state in set(Condition) else Condition.EXITED
    if container.networks != networks:
        return Condition.OTHER_NETWORK
    return Condition.UNHEALTHY if container.health == "unhealthy" else Condition.RUNNING


def is_settled(workload: Workload, seen: Seen) -> bool:
    """Whether everything runs, and has passed a check since the last part of it was started."""
    if seen.findings or any(container.health == "starting" for container in seen.containers.values()):
        return False
    care = Care(engine_for(workload.host.docker_url))
    return care.was_checked([container.id for container in seen.containers.values()])


def strangers_named(workload: Workload, seen: Seen) -> None:
    """Tells what is missing from what a stranger stands in the place of."""
    missing = [finding.name for finding in seen.findings if finding.condition == Condition.MISSING]
    if not missing:
        return
    holders = Care(engine_for(workload.host.docker_url)).holders(missing)
    seen.findings = [
        Finding(finding.part, finding.name, Condition.STRANGER, detail=holders[finding.name])
        if finding.condition == Condition.MISSING and finding.name in holders
        else finding
        for finding in seen.findings
    ]


def close_look(workload: Workload, seen: Seen) -> None:
    """Adds what the list does not say: files, image, settings, the socket and the port of what runs."""
    document = deployed(workload)
    if document is None:
        part = parts_of(workload.release.app.stack)[0]
        path = str(release_home(workload.release, workload.host))
        seen.add([Finding(part, path, Condition.FILES_GONE)])
        return
    care = Care(engine_for(workload.host.docker_url))
    wrong = {finding.part for finding in seen.findings}
    running = {part: found for part, found in seen.containers.items() if part not in wrong}
    images = care.image_ids() if running else {}
    pids: dict[Part, int] = {}
    for part, container in running.items():
        service, details = document["services"][f"{workload.role}-{part}"], care.details(container.id)
        if details is None:
            continue
        pids[part] = details.pid
        asked_for, settings = service["image"], settings_of_service(service)
        # Where the tag is gone since, what it was made from is all there is to go by.
        if details.image != images.get(asked_for, details.image) or (
            asked_for not in images and details.asked_for != asked_for
        ):
            seen.add([Finding(part, container.name, Condition.OTHER_IMAGE, container.id, details.asked_for)])
        elif changed := sorted(name for name in settings if settings[name] != details.settings[name]):
            found = ", ".join(changed)
            seen.add([Finding(part, container.name, Condition.OTHER_SETTINGS, container.id, found)])
    # What is replaced or set back gets its own mounts with that.
    changed_parts = {finding.part for finding in seen.findings}
    pids = {part: pid for part, pid in pids.items() if part not in changed_parts}
    seen.add(_compared(workload, document, running, pids))
    if "web" in running and workload.host.transport == Transport.LOCAL and _is_refused(workload):
        seen.add([Finding("web", running["web"].name, Condition.UNREACHABLE, running["web"].id, str(workload.port))])


def deployed(workload: Workload) -> dict[str, Any] | None:
    """The compose file that the workload's containers were made from, on its host; `None` where the release is gone."""
    home = release_home(workload.release, workload.host)
    argv = ["sh", "-c", '[ -d "$1/code" ] && exec cat -- "$1/conf/compose.json"', "look", str(home)]
    result = transport_for(target_of(workload.host)).run(argv, timeout_s=LOOK_TIMEOUT_S)
    if result.returncode != 0:
        return None
    try:
        found: dict[str, Any] = json.loads(result.stdout)
    except ValueError:
        return None
    return found


def _compared(
    workload: Workload, document: Mapping[str, Any], running: Mapping[Part, ContainerState], pids: Mapping[Part, int]
) -> list[Finding]:
    """Those whose mounts are not the files that lie on the host now, or not those of the other part."""
    arguments = []
    for part, pid in pids.items():
        for mount in document["services"][f"{workload.role}-{part}"]["volumes"]:
            inside = f"/proc/{pid}/root{mount['target']}"
            driver = document.get("volumes", {}).get(mount["source"], {}).get("driver_opts", {})
            if mount["type"] == "bind":
                arguments += [part, mount["source"], inside]
            elif driver.get("type") == "none":
                # A directory of the host as well, which a volume makes unexecutable.
                arguments += [part, driver["device"], inside]
            elif part == "web" and "app" in pids:
                arguments += ["socket", f"/proc/{pids['app']}/root{mount['target']}", inside]
    if not arguments:
        return []
    result = transport_for(target_of(workload.host)).run(
        ["sh", "-c", _COMPARE, "compare", *arguments], timeout_s=LOOK_TIMEOUT_S
    )
    said = set(result.stdout.split())
    conditions = dict.fromkeys(pids, Condition.OTHER_SOCKET if "socket" in said else Condition.OTHER_FILES)
    return [
        Finding(part, running[part].name, condition, running[part].id)
        for part, condition in conditions.items()
        if part in said or (part == "web" and "socket" in said)
    ]


def _is_refused(workload: Workload) -> bool:
    """Whether nobody listens on the workload's port. One that is slow to answer is no matter here."""
    try:
        with socket.create_connection((workload.host.address, workload.port), timeout=CONNECT_TIMEOUT_S):
            return False
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
