"""The Docker Engine, and the only home of its SDK beside the image build and the log driver.

What comes out of here are plain values; what goes wrong is a `RetryableError` (the engine is down or slow) or an
`OperatorError` (somebody must free space, build an image, widen an address pool).
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from provisioning.containers import networks
from provisioning.containers.endings import how_it_stands
from provisioning.containers.faults import operators_fault
from provisioning.containers.states import MISSING, ContainerState, container_state, state_of
from provisioning.exceptions import OperatorError, ProvisioningError, RetryableError, ServiceUnavailable
from provisioning.rendering.times import TIMES

# So long a container may finish its requests.
STOP_TIMEOUT_S = TIMES.stop_s


@cache
def engine_for(docker_url: str) -> "Engine":
    """The engine at the URL; one for each in this process, with its own pool of connections."""
    return Engine(docker_url)


class Engine:
    def __init__(self, docker_url: str, *, timeout_s: int = 10) -> None:
        self._url = docker_url
        self._timeout_s = timeout_s
        self._client: docker.DockerClient | None = None

    def ping(self) -> None:
        """Raises `RetryableError` where the engine does not answer."""
        with self.speaking("ping") as client:
            client.ping()

    def missing_images(self, tags: Iterable[str]) -> list[str]:
        """Those of the tags that the engine does not have."""
        with self.speaking("list the images") as client:
            present = {tag for row in client.api.images() for tag in row["RepoTags"] or []}
        return [tag for tag in tags if tag not in present]

    def image_ids(self, references: Iterable[str]) -> dict[str, str]:
        """Reference -> id, of those tags and ids that the engine has."""
        with self.speaking("list the images") as client:
            rows = client.api.images(all=True)
        ids = {row["Id"]: row["Id"] for row in rows}
        ids |= {tag: row["Id"] for row in rows for tag in row["RepoTags"] or []}
        return {reference: ids[reference] for reference in references if reference in ids}

    def list_workload_containers(self, installation: str) -> list[ContainerState]:
        """Every container of the installation's plugins, in one call, and one more for each that does not run well."""
        with self.speaking("list the containers") as client:
            rows = client.api.containers(all=True, filters={"label": [f"berth.installation={installation}"]})
            found = []
            for row in rows:
                try:
                    runs_well = state_of(row) == "running"
                    details = {} if runs_well else client.api.inspect_container(row["Id"])
                except NotFound:
                    continue
                found.append(container_state(row, details))
        return found

    def states(self, names: Iterable[str]) -> dict[str, str]:
        """Name -> Docker's state, `unhealthy` for one that runs and fails its check, `missing` for one not there."""
        wanted = list(names)
        with self.speaking("list the containers") as client:
            rows = client.api.containers(all=True, filters={"name": [f"^/{name}$" for name in wanted]})
        present = {row["Names"][0].lstrip("/"): row for row in rows}
        return {name: state_of(present[name]) if name in present else MISSING for name in wanted}

    def subnets(self) -> list[ipaddress.IPv4Network]:
        """The addresses of every network that the engine has, whoever made it."""
        with self.speaking("list the networks") as client:
            rows = client.api.networks()
        configs = [config for row in rows for config in (row.get("IPAM") or {}).get("Config") or []]
        found = [ipaddress.ip_network(config["Subnet"]) for config in configs if config.get("Subnet")]
        return [network for network in found if isinstance(network, ipaddress.IPv4Network)]

    def ensure_network(self, name: str, subnet: str, bridge: str, installation: str) -> None:
        """The environment's bridge. Raises `OperatorError` where a stranger's network or subnet is in its way."""
        with self.speaking(f"make the network {name}") as client:
            networks.ensure_network(client, name=name, subnet=subnet, bridge=bridge, installation=installation)

    def start(self, name: str) -> None:
        with self.speaking(f"start {name}") as client:
            client.api.start(name)

    def restart(self, name: str) -> None:
        """For one that hangs: it gets two seconds, not the time to finish its requests."""
        with self.speaking(f"restart {name}", timeout_s=self._timeout_s + 2) as client:
            client.api.restart(name, timeout=2)

    def stop(self, names: Iterable[str], timeout_s: int = STOP_TIMEOUT_S) -> None:
        """All at once; each may finish its requests for `timeout_s`. One that does not run is as good."""
        self._each(names, lambda client, name: client.api.stop(name, timeout=timeout_s), timeout_s)

    def remove_project(self, project: str) -> None:
        """Containers and volumes of one release of one environment."""
        self._remove({"label": [f"com.docker.compose.project={project}"]})

    def remove_role(self, project: str, role: str) -> None:
        self._remove({"label": [f"com.docker.compose.project={project}", f"berth.role={role}"]})

    def remove_deployment(self, installation: str, deployment: int) -> None:
        """Containers and volumes that the deployment made; a later one of the same release keeps its own."""
        self._remove({"label": [f"berth.installation={installation}", f"berth.deployment={deployment}"]})

    def remove_network(self, name: str) -> None:
        """One that is not there is as good. Raises `RetryableError` while a container is on it."""
        with self.speaking(f"remove the network {name}") as client:
            try:
                client.api.remove_network(name)
            except NotFound:
                return
            except APIError as exc:
                if exc.status_code == 403:
                    raise RetryableError(f"the network {name} still has containers on it") from exc
                raise

    def endings(self, names: Iterable[str]) -> dict[str, str]:
        """Name -> how the container stands, or how it ended and why."""
        return {name: self._how(name) for name in names}

    def _how(self, name: str) -> str:
        with self.speaking(f"inspect {name}") as client:
            try:
                return how_it_stands(client.api, client.api.inspect_container(name))
            except NotFound:
                return "there is no such container"

    def run_throwaway(
        self, image: str, command: list[str], *, sent: bytes, installation: str, timeout_s: int, memory_mib: int
    ) -> bytes:
        """Runs the command on `sent`, its standard input, and gives its standard output; the container is gone then.

        It has nothing of the host's, no network, no privilege, one core, and memory to write in alone. Raises
        `RetryableError` if it takes longer than `timeout_s`. Its exit status says nothing: a file may have ended it.
        """
        with self.speaking("run a check", timeout_s=timeout_s) as client:
            api = client.api
            limits = api.create_host_config(
                network_mode="none", read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], init=True,
                mem_limit=memory_mib * 2**20, memswap_limit=memory_mib * 2**20, nano_cpus=10**9, pids_limit=32,
                tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=128m,mode=1777"},  # noqa: S108 - the container's
                log_config=docker.types.LogConfig(type="json-file", config={"max-size": "8m"}),
            )  # fmt: skip
            made = api.create_container(
                image, command, stdin_open=True, user="65534:65534", host_config=limits,
                labels={"berth.installation": installation, "berth.role": "check"},
            )  # fmt: skip
            try:
                stream = api.attach_socket(made, params={"stdin": 1, "stream": 1})
                api.start(made)
                # A container that ended takes nothing more.
                with suppress(BrokenPipeError, ConnectionResetError), closing(stream):
                    stream._sock.sendall(sent)
                api.wait(made, timeout=timeout_s)
                return bytes(api.logs(made, stdout=True, stderr=False))
            finally:
                api.remove_container(made, force=True, v=True)

    def _remove(self, filters: dict[str, list[str]]) -> None:
        with self.speaking("list the containers") as client:
            rows = client.api.containers(all=True, filters=filters)
        names = [row["Id"] for row in rows]
        # The sidecars first: their plugin goes on until no request is left, not even one that waits for a worker.
        sidecars = [row["Id"] for row in rows if (row.get("Labels") or {}).get("berth.part") == "web"]
        self.stop(sidecars)
        self.stop(name for name in names if name not in sidecars)
        self._each(names, lambda client, name: client.api.remove_container(name, force=True, v=True), STOP_TIMEOUT_S)
        volumes = {mount["Name"] for row in rows for mount in row["Mounts"] if mount["Type"] == "volume"}
        self._each(volumes, lambda client, name: client.api.remove_volume(name), self._timeout_s)

    def _each(self, names: Iterable[str], act: Callable[[docker.DockerClient, str], Any], timeout_s: int) -> None:
        def one(name: str) -> None:
            with self.speaking(f"stop or remove {name}", timeout_s=timeout_s + self._timeout_s) as client:
                try:
                    act(client, name)
                except NotFound:
                    return
                except APIError as exc:
                    # 304: it does not run; 409: it is going already, or another container still has the volume.
                    if exc.status_code not in {304, 409}:
                        raise

        wanted = list(names)
        if wanted:
            with ThreadPoolExecutor(max_workers=min(8, len(wanted))) as pool:
                list(pool.map(one, wanted))

    @contextmanager
    def speaking(self, what: str, *, timeout_s: int | None = None) -> Iterator[docker.DockerClient]:
        """The client; its exceptions, and those of what lies below it, stop here."""
        try:
            if timeout_s is not None:
                with _closing(docker.DockerClient(base_url=self._url, timeout=timeout_s)) as client:
                    yield client
                return
            if self._client is None:
                self._client = docker.DockerClient(base_url=self._url, timeout=self._timeout_s)
            yield self._client
        except ProvisioningError:
            raise
        except (DockerException, requests.RequestException, OSError) as exc:
            raise _translated(exc, what=what, url=self._url) from exc


@contextmanager
def _closing(client: docker.DockerClient) -> Iterator[docker.DockerClient]:
    try:
        yield client
    finally:
        client.close()


def _translated(exc: Exception, *, what: str, url: str) -> ProvisioningError:
    text = (exc.explanation if isinstance(exc, APIError) else None) or str(exc)
    lowered = str(text).lower()
    if isinstance(exc, ImageNotFound) or "no such image" in lowered:
        return OperatorError(f"can't {what}: an image is missing: run manage.py build_images on that host ({text})")
    if operators := operators_fault(str(text)):
        return OperatorError(f"can't {what}: {operators}")
    if "non-overlapping" in lowered or "pool overlaps" in lowered:
        return OperatorError(
            f"can't {what}: its addresses are in use by another network: change BERTH_SUBNET_POOL ({text})"
        )
    if isinstance(exc, NotFound):
        return RetryableError(f"can't {what}: it is not there any more")
    if isinstance(exc, APIError):
        return RetryableError(f"can't {what}: the Docker Engine says: {text}")
    return ServiceUnavailable(f"can't {what}: the Docker Engine at {url} does not answer: start it ({text})")
