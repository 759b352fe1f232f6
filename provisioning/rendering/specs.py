"""What rendering takes: frozen values, no rows, no settings. Every text in here passed a validator before."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from provisioning.rendering.times import TIMES, Times

Role = Literal["live", "standby"]
Part = Literal["web", "app"]


def environment_name(installation: str, app_id: str, environment: str) -> str:
    """The Docker name of an environment; an empty `installation` is the default one and leaves no trace."""
    return "-".join(part for part in (installation, app_id, environment) if part)


def container_name(environment: str, number: int, role: Role, part: Part) -> str:
    """`…-r12-web`, `…-r12-app`, `…-r12-standby-web`, `…-r12-standby-app`; `environment` is its Docker name."""
    return f"{environment}-r{number}-{part}" if role == "live" else f"{environment}-r{number}-{role}-{part}"


def parts_of(stack: str) -> tuple[Part, ...]:
    """The containers of one instance: the sidecar, and the plugin's own where the stack runs code."""
    return ("web", "app") if stack == "php" else ("web",)


@dataclass(frozen=True, kw_only=True)
class InstanceSpec:
    """One copy of the release on the host: its role and the port its sidecar is published on."""

    role: Role
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class ReleaseSpec:
    """One release of one environment, as it shall run on one host.

    `uid` is the plugin's user; the sidecar is `sidecar_uid`, and of the plugin's group.

    `home` is the directory of the release on the host (`…/releases/APP/ENV/NUMBER`): `code/` and `conf/` lie in it.
    `installation` is empty for the default installation; any other name stands in front of every Docker name.
    """

    installation: str
    app_id: str
    environment: str
    number: int
    deployment: int
    stack: str
    stack_version: int
    hostnames: tuple[str, ...]
    memory_mib: int
    cpu_millis: int
    pids: int
    disk_mib: int
    health_check_path: str
    uid: int
    sidecar_uid: int
    subnet: str
    home: PurePosixPath
    instances: tuple[InstanceSpec, ...]
    times: Times = TIMES

    @property
    def environment_name(self) -> str:
        """The Docker name of the environment: its network has it."""
        return environment_name(self.installation, self.app_id, self.environment)

    @property
    def project(self) -> str:
        """The compose project, which container names start with: `app1000001-production-r12`."""
        return f"{self.environment_name}-r{self.number}"

    @property
    def bridge(self) -> str:
        """The network's interface on the host: `pa-` and 10 hex digits of its name (an interface has at most 15)."""
        return "pa-" + hashlib.sha256(self.environment_name.encode()).hexdigest()[:10]

    def container(self, role: Role, part: Part) -> str:
        return container_name(self.environment_name, self.number, role, part)


@dataclass(frozen=True, kw_only=True)
class UpstreamServer:
    address: str
    port: int
    is_backup: bool = False


@dataclass(frozen=True, kw_only=True)
class SiteCertificate:
    """The hostnames of a site that share a certificate: `file` in the edge's `tls/`, or (empty) the zone's."""

    hostnames: tuple[str, ...]
    file: str = ""

    @property
    def is_zones(self) -> bool:
        return not self.file


@dataclass(frozen=True, kw_only=True)
class FallbackSpec:
    """One deployment as the edge's own machine serves it without containers.

    `home` is where the fallbacks of this machine lie, `code` the release's tree there, `worker_user` who the edge's
    workers run as.
    """

    app_id: str
    environment: str
    deployment: int
    stack: str
    port: int
    uid: int
    memory_mib: int
    pids: int
    disk_mib: int
    home: PurePosixPath
    code: PurePosixPath
    worker_user: str
    times: Times = TIMES

    @property
    def name(self) -> str:
        """Of its pool and its directory: those of two deployments stand side by side for a while."""
        return f"{self.app_id}-{self.environment}-d{self.deployment}"

    @property
    def root(self) -> PurePosixPath:
        """What a worker of its pool sees as `/`; the tree is `app` in it."""
        return self.home / "roots" / self.name

    @property
    def socket(self) -> PurePosixPath:
        """Named after the port, since a socket's path must be short."""
        return self.home / "run" / f"{self.port}.sock"

    @property
    def bodies(self) -> PurePosixPath:
        """The edge keeps bodies here until PHP takes them: memory of its own, outside the pool's view."""
        return self.home / "bodies" / self.name


@dataclass(frozen=True, kw_only=True)
class SiteSpec:
    """One environment at the edge: its hostnames, and the servers behind them, the live one first.

    A hostname that no certificate names is served over HTTP only. With a `fallback`, one of the backups is a server of
    the edge's own.
    """

    app_id: str
    environment: str
    hostnames: tuple[str, ...]
    servers: tuple[UpstreamServer, ...]
    certificates: tuple[SiteCertificate, ...] = ()
    fallback: FallbackSpec | None = None

    @property
    def name(self) -> str:
        return f"{self.app_id}-{self.environment}"


@dataclass(frozen=True, kw_only=True)
class EdgeSpec:
    """The edge nginx itself: its home (absolute), where it listens, how many workers it has.

    `user` is who the workers run as; empty where the master is no superuser. `read_timeout_s` is how long an upstream
    may be silent: longer than a sidecar ever is, so that one which is silent for longer is dead.

    `tls_port` is 0 for an edge without TLS. `zone_certificate` is the file in `tls/` that most sites share; without one
    their names are served over HTTP only. `is_https_enforced` sends plain HTTP for names with a certificate to HTTPS.
    """

    home: PurePosixPath
    listen_address: str
    listen_port: int
    user: str
    tls_port: int = 0
    zone_certificate: str = ""
    is_https_enforced: bool = False
    worker_processes: int = 2
    worker_shutdown_timeout_s: int = TIMES.shutdown_s
    read_timeout_s: int = TIMES.edge_read_s
