"""The compose file of one release: data, dumped as JSON (which is YAML), for docker-compose 1.29 and compose v2.

It names no version: both read it as the Compose Specification, and v2 would warn of one.

Nothing in it is a template that text could break out of, and nothing in it is there that a plugin could use: no
capability, no privilege, no writable mount but capped memory, no socket of the engine's, no way to the host's
namespaces. The plugin's own container has no network at all.
"""

import json
from collections.abc import Mapping
from typing import Any

from provisioning.containers.rendering.php_fpm import startup_settings
from provisioning.containers.rendering.php_stack import PRELUDE, SESSIONS, VARIABLES
from provisioning.rendering.grammar import check_images, check_release
from provisioning.rendering.limits import (
    ANSWERS_MIB,
    BODIES_MIB,
    SIDECAR_MEMORY_MIB,
    SIDECAR_PIDS,
    SIDECAR_RESERVED_MIB,
    STATIC_DISK_MIB,
    nproc_limit,
    reserved_memory_mib,
    session_disk_mib,
    session_files,
    tmpfs_inodes,
)
from provisioning.rendering.specs import InstanceSpec, ReleaseSpec, parts_of

# What the label says where the spec leaves the name out.
DEFAULT_INSTALLATION = "berth"
SOCKET_HOME = "/run/app"
# Inside the sidecar.
ANSWERS_HOME = "/tmp/answers"  # noqa: S108 - inside the container
SOCKET = f"{SOCKET_HOME}/php-fpm.sock"
SIDECAR_PORT = 8080
# All that the master of a plugin's php-fpm finds in its environment. Nothing of a tenant's is in it.
_MASTER_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8")
_LIBRARY_THREADS = ("OMP_NUM_THREADS=1", "OMP_THREAD_LIMIT=1", "MAGICK_THREAD_LIMIT=1")

Service = dict[str, Any]


def services(spec: ReleaseSpec) -> tuple[str, ...]:
    """The services to start, in the order they are named: `live-web`, `live-app`, then those of the standby."""
    return tuple(name for instance in spec.instances for name in service_names(spec.stack, instance.role))


def service_names(stack: str, role: str) -> list[str]:
    """The services of one instance."""
    return [f"{role}-{part}" for part in parts_of(stack)]


def render_compose(spec: ReleaseSpec, images: Mapping[str, str]) -> str:
    """The compose file. `images` needs `web`, and `php` for that stack: by id, if the same shall run after a repair.

    Raises `ValueError` naming a bad field.
    """
    check_release(spec)
    check_images(dict(images))
    rendered: dict[str, Service] = {}
    volumes: dict[str, Any] = {}
    for instance in spec.instances:
        rendered[f"{instance.role}-web"] = _web(spec, instance, images["web"])
        if spec.stack == "php":
            rendered[f"{instance.role}-app"] = _app(spec, instance, images["php"])
            volumes[f"{instance.role}-run"] = _socket_volume(spec, instance)
            volumes[f"{instance.role}-code"] = _code_volume(spec, instance)
    document = {
        "services": rendered,
        "networks": {"environment": {"external": True, "name": spec.environment_name}},
    }
    if volumes:
        document["volumes"] = volumes
    return json.dumps(document, indent=1) + "\n"


def _web(spec: ReleaseSpec, instance: InstanceSpec, image: str) -> Service:
    """The platform's sidecar. With the static stack it is the whole plugin and has the environment's limits."""
    is_whole = spec.stack == "static"
    memory = spec.memory_mib if is_whole else SIDECAR_MEMORY_MIB
    service = _hardened(
        spec, instance, "web", image, uid=spec.sidecar_uid,
        memory_mib=memory, pids=SIDECAR_PIDS, files=4096,
        disk_mib=min(memory // 2, STATIC_DISK_MIB) if is_whole else BODIES_MIB,
    )  # fmt: skip
    service["networks"] = {"environment": {}}
    service["ports"] = [f"{instance.address}:{instance.port}:{SIDECAR_PORT}"]
    service["volumes"] = [
        _read_only(spec, "code", "/app"),
        _read_only(spec, "conf/nginx.conf", "/etc/berth/nginx.conf"),
    ]
    # For `docker ps`, and for the reconciler, which starts a hung pair anew; a deployment looks for itself, over HTTP.
    # It asks php-fpm as well: the plugin's own user may not. Each check is a process in the container, and an idle
    # plugin should cost nothing: hence not every few seconds.
    service["healthcheck"] = {
        "test": ["CMD", "/usr/local/bin/probe"] + ([] if is_whole else [SOCKET]),
        "interval": "30s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "20s",
    }
    if not is_whole:
        service["volumes"].append(_socket_mount(instance))
        service["mem_reservation"] = f"{SIDECAR_RESERVED_MIB}m"
        service["tmpfs"].append(_memory_disk(spec.sidecar_uid, ANSWERS_HOME, ANSWERS_MIB))
    return service


def _app(spec: ReleaseSpec, instance: InstanceSpec, image: str) -> Service:
    service = _hardened(
        spec, instance, "app", image, uid=spec.uid,
        memory_mib=spec.memory_mib, pids=spec.pids, disk_mib=spec.disk_mib, files=1024,
    )  # fmt: skip
    # The plugin's code gets no network: requests come over the socket.
    service["network_mode"] = "none"
    sessions = session_files(spec.disk_mib)
    service["tmpfs"].append(_memory_disk(spec.uid, SESSIONS, session_disk_mib(spec.disk_mib), inodes=sessions))
    service["command"] = [
        "env", "-i", *_MASTER_ENVIRONMENT, *_LIBRARY_THREADS,
        "php-fpm8.2", "--nodaemonize", "--fpm-config", "/etc/berth/php-fpm.conf",
        *(f"-d{setting}" for setting in startup_settings(spec)),
    ]  # fmt: skip
    service["volumes"] = [
        # Read-only and not executable by the volume's own options: one of docker's would take them all away.
        {"type": "volume", "source": f"{instance.role}-code", "target": "/app", "volume": {"nocopy": True}},
        _read_only(spec, "conf/php-fpm.conf", "/etc/berth/php-fpm.conf"),
        _read_only(spec, "conf/prelude.php", PRELUDE),
        _read_only(spec, "variables.php", VARIABLES),
        _socket_mount(instance),
    ]
    return service


def _hardened(
    spec: ReleaseSpec, instance: InstanceSpec, part: Any, image: str, *, uid: int,
    memory_mib: int, pids: int, disk_mib: int, files: int,
) -> Service:  # fmt: skip
    """What every container has, the platform's sidecar too."""
    return {
        "image": image,
        "container_name": spec.container(instance.role, part),
        "labels": {
            "berth.installation": spec.installation or DEFAULT_INSTALLATION,
            "berth.app": spec.app_id,
            "berth.environment": spec.environment,
            "berth.release": str(spec.number),
            "berth.deployment": str(spec.deployment),
            "berth.role": instance.role,
            "berth.part": part,
        },
        "user": f"{uid}:{spec.uid}",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", f"seccomp:{spec.home / 'conf/seccomp.json'}"],
        "read_only": True,
        "tmpfs": [_memory_disk(uid, "/tmp", disk_mib)],  # noqa: S108 - inside the container
        "pids_limit": pids,
        "mem_limit": f"{memory_mib}m",
        "memswap_limit": f"{memory_mib}m",
        "mem_reservation": f"{reserved_memory_mib(memory_mib)}m",
        "cpus": spec.cpu_millis / 1000,
        "cpu_shares": 256,
        "shm_size": "16m",
        "ipc": "private",
        "ulimits": {
            "nofile": {"soft": files, "hard": files},
            # Counted over all containers of one user: pids_limit is the limit of one container.
            "nproc": nproc_limit(pids),
            "core": 0,
            # Above what /tmp holds, so that a full disk is an error that a program can handle, and not a signal.
            "fsize": (disk_mib + 1) * 1024 * 1024,
        },
        "init": True,
        "restart": "on-failure:5",
        "stop_signal": "SIGQUIT",
        "stop_grace_period": f"{spec.times.stop_s}s",
        "oom_kill_disable": False,
        "oom_score_adj": 500,
        "logging": {
            "driver": "json-file",
            "options": {"max-size": "10m", "max-file": "3", "mode": "non-blocking", "max-buffer-size": "4m"},
        },
    }


def _memory_disk(uid: int, path: str, mib: int, *, inodes: int = 0) -> str:
    size = f"size={mib}m,nr_inodes={inodes or tmpfs_inodes(mib)}"
    return f"{path}:rw,noexec,nosuid,nodev,{size},mode=0700,uid={uid},gid={uid}"


def _socket_volume(spec: ReleaseSpec, instance: InstanceSpec) -> dict[str, Any]:
    """A megabyte of memory for the plugin's socket: its own user makes it there, the sidecar passes through to it."""
    options = f"size=1m,nr_inodes=64,uid={spec.uid},gid={spec.uid},mode=0710,nosuid,nodev,noexec"
    return {
        "name": f"{spec.project}-{instance.role}-run",
        "driver": "local",
        "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": options},
        "labels": {"berth.installation": spec.installation or DEFAULT_INSTALLATION, "berth.app": spec.app_id},
    }


def _code_volume(spec: ReleaseSpec, instance: InstanceSpec) -> dict[str, Any]:
    """The release's tree, of which nothing can be executed, mapped as a library or loaded as an extension."""
    return {
        "name": f"{spec.project}-{instance.role}-code",
        "driver": "local",
        "driver_opts": {"type": "none", "device": str(spec.home / "code"), "o": "bind,ro,noexec,nosuid,nodev"},
        "labels": {"berth.installation": spec.installation or DEFAULT_INSTALLATION, "berth.app": spec.app_id},
    }


def _socket_mount(instance: InstanceSpec) -> dict[str, Any]:
    return {"type": "volume", "source": f"{instance.role}-run", "target": SOCKET_HOME, "volume": {"nocopy": True}}


def _read_only(spec: ReleaseSpec, path: str, target: str) -> dict[str, Any]:
    return {"type": "bind", "source": str(spec.home / path), "target": target, "read_only": True}
