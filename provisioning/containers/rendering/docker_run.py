"""The services of the compose file as `docker run` takes them. A release is started with these arguments: a compose
program takes longer to load than the engine to make the containers.

The compose file stays the record. Both say the same: a key that is not known here is an error.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from provisioning.rendering.specs import ReleaseSpec

Service = Mapping[str, Any]
# By this label the second run of a deployment knows a container that has the same arguments.
ARGUMENTS_LABEL = "berth.arguments"
_COMPOSE = "com.docker.compose"
# Once for the whole service, in this order.
_OPTIONS: dict[str, Callable[[Any], list[str]]] = {
    "labels": lambda labels: [f"--label={name}={value}" for name, value in labels.items()],
    "user": lambda user: [f"--user={user}"],
    "cap_drop": lambda names: [f"--cap-drop={name}" for name in names],
    # compose separates the profile by a colon, docker by an equals sign.
    "security_opt": lambda options: [f"--security-opt={text.replace('seccomp:', 'seccomp=', 1)}" for text in options],
    "read_only": lambda is_read_only: _flag("--read-only", is_read_only),
    "tmpfs": lambda mounts: [f"--tmpfs={mount}" for mount in mounts],
    "pids_limit": lambda number: [f"--pids-limit={number}"],
    "mem_limit": lambda size: [f"--memory={size}"],
    "memswap_limit": lambda size: [f"--memory-swap={size}"],
    "mem_reservation": lambda size: [f"--memory-reservation={size}"],
    "cpus": lambda number: [f"--cpus={number}"],
    "cpu_shares": lambda number: [f"--cpu-shares={number}"],
    "shm_size": lambda size: [f"--shm-size={size}"],
    "ipc": lambda mode: [f"--ipc={mode}"],
    "ulimits": lambda limits: [f"--ulimit={name}={_ulimit(limit)}" for name, limit in limits.items()],
    "init": lambda is_wanted: _flag("--init", is_wanted),
    "restart": lambda policy: [f"--restart={policy}"],
    "stop_signal": lambda signal: [f"--stop-signal={signal}"],
    "stop_grace_period": lambda period: [f"--stop-timeout={period.removesuffix('s')}"],
    "oom_kill_disable": lambda is_disabled: _flag("--oom-kill-disable", is_disabled),
    "oom_score_adj": lambda number: [f"--oom-score-adj={number}"],
    "logging": lambda logging: [
        f"--log-driver={logging['driver']}",
        *(f"--log-opt={name}={value}" for name, value in logging["options"].items()),
    ],
    "healthcheck": lambda health: _health(health),
    "environment": lambda variables: [f"--env={name}={value}" for name, value in variables.items()],
    "network_mode": lambda mode: [f"--network={mode}"],
    "ports": lambda ports: [f"--publish={port}" for port in ports],
}
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
_ELSEWHERE = {"container_name", "networks", "volumes", "image", "command"}


def render_docker_run(spec: ReleaseSpec, document: Mapping[str, Any]) -> dict[str, str]:
    """Path in the release -> the arguments of `docker run`, one a line, for each service of the compose file.

    The first line names the container, the second is a label over all others. Raises `ValueError` naming a key that
    has no argument here, or a value that does not fit into a line.
    """
    return {
        f"conf/containers/{name}": _lines(_arguments(spec, document, name, service))
        for name, service in document["services"].items()
    }


def _arguments(spec: ReleaseSpec, document: Mapping[str, Any], name: str, service: Service) -> list[str]:
    unknown = service.keys() - _OPTIONS.keys() - _ELSEWHERE
    if unknown:
        raise ValueError(f"compose: no argument of docker run is known for {', '.join(sorted(unknown))}")
    arguments = [word for key, words in _OPTIONS.items() if key in service for word in words(service[key])]
    # As compose labels its own, so that `docker-compose ps`, `logs`, `stop` and `down` find them.
    arguments += [
        f"--label={_COMPOSE}.{key}={value}"
        for key, value in (
            ("project", spec.project),
            ("service", name),
            ("oneoff", "False"),
            ("container-number", "1"),
            ("project.working_dir", spec.home),
            ("project.config_files", spec.home / "conf" / "compose.json"),
        )
    ]
    arguments += [f"--network={document['networks'][network]['name']}" for network in service.get("networks", ())]
    arguments += [f"--mount={_mount(spec, mount, document.get('volumes', {}))}" for mount in service["volumes"]]
    arguments += [service["image"], *service.get("command", ())]
    # In compose's file each dollar sign stands twice, since one alone begins a variable's name.
    arguments = [argument.replace("$$", "$") for argument in arguments]
    digest = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()
    return [f"--name={service['container_name']}", f"--label={ARGUMENTS_LABEL}={digest}", *arguments]


def _lines(arguments: list[str]) -> str:
    if any("\n" in argument or "\0" in argument for argument in arguments):
        raise ValueError("compose: an argument of docker run can't have a line break in it")
    return "".join(f"{argument}\n" for argument in arguments)


def _flag(option: str, is_wanted: bool) -> list[str]:
    return [option] if is_wanted else []


def _ulimit(limit: Any) -> str:
    return f"{limit['soft']}:{limit['hard']}" if isinstance(limit, Mapping) else str(limit)


def _health(health: Service) -> list[str]:
    """docker's `--health-cmd` goes through a shell, compose's `CMD` does not: words that no shell changes are both."""
    kind, *words = health["test"]
    if kind == "NONE":
        return ["--no-healthcheck"]
    if kind != "CMD" or not all(_PLAIN.fullmatch(word) for word in words):
        raise ValueError("compose: a health check is a program and its arguments, of plain characters")
    timing = [f"--health-{key.replace('_', '-')}={value}" for key, value in health.items() if key != "test"]
    return [f"--health-cmd={' '.join(words)}", *timing]


def _mount(spec: ReleaseSpec, mount: Service, volumes: Mapping[str, Any]) -> str:
    """A volume is described as a whole: the first of the containers that share it makes it."""
    if mount["type"] == "bind":
        words = ["type=bind", f"source={mount['source']}", f"target={mount['target']}"]
        return ",".join([*words, *(["readonly"] if mount.get("read_only") else [])])
    volume = volumes[mount["source"]]
    words = ["type=volume", f"source={volume['name']}", f"target={mount['target']}"]
    words += ["volume-nocopy"] if mount["volume"]["nocopy"] else []
    words += [f"volume-driver={volume['driver']}"]
    words += [f"volume-opt={key}={value}" for key, value in volume["driver_opts"].items()]
    labels = {**volume["labels"], f"{_COMPOSE}.project": spec.project, f"{_COMPOSE}.volume": mount["source"]}
    words += [f"volume-label={key}={value}" for key, value in labels.items()]
    # A field with commas in it stands in quotes, as in any CSV.
    return ",".join(f'"{word}"' if "," in word else word for word in words)
