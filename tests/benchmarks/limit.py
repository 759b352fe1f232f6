"""The limit of a deployment: `docker run` of the containers that its compose file describes, until the first 200."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.benchmarks.engine import docker
from tests.benchmarks.stage import free_ports

NAME = "berthbench-limit"
TIMEOUT_S = 30
LOOK_S = 0.005


def seconds_until_first_200(release: Path, hostname: str) -> float:
    """Starts `live-web` and `live-app` of the release at once, on a port of their own, and removes them again.

    The volume that they share is made before the clock runs. Raises `TimeoutError` where no 200 comes.
    """
    document = json.loads((release / "conf" / "compose.json").read_text())
    network = document["networks"]["environment"]["name"]
    port = free_ports(1)[0]
    with _volume(document["volumes"]["live-run"]) as volume:
        commands = [
            _argv(part, document["services"][f"live-{part}"], port=port, network=network, volume=volume)
            for part in ("web", "app")
        ]
        try:
            started = time.monotonic()
            running = [subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for argv in commands]
            _wait_for_200(port, hostname)
            took = time.monotonic() - started
            for process in running:
                _output, errors = process.communicate(timeout=TIMEOUT_S)
                if process.returncode:
                    raise RuntimeError(f"docker run: {errors.decode(errors='replace')}")
        finally:
            docker("rm", "--force", "--volumes", f"{NAME}-web", f"{NAME}-app")
    return took


@contextmanager
def _volume(volume: dict[str, Any]) -> Iterator[str]:
    name = f"{NAME}-run"
    options = [word for key, value in volume["driver_opts"].items() for word in ("--opt", f"{key}={value}")]
    docker("volume", "create", "--driver", volume["driver"], *options, name)
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name)


def _argv(part: str, service: dict[str, Any], *, port: int, network: str, volume: str) -> list[str]:
    """The service as `docker run` takes it. Raises `KeyError` for a key that the service has no more."""
    health = service["healthcheck"]
    logging = service["logging"]
    argv = ["docker", "--host", settings.DOCKER_URL, "run", "--detach", "--name", f"{NAME}-{part}"]
    argv += ["--user", service["user"], "--init", "--read-only", "--restart", service["restart"]]
    argv += [word for name in service["cap_drop"] for word in ("--cap-drop", name)]
    argv += [word for option in service["security_opt"] for word in ("--security-opt", option)]
    argv += [word for mount in service["tmpfs"] for word in ("--tmpfs", mount)]
    argv += ["--pids-limit", str(service["pids_limit"]), "--memory", service["mem_limit"]]
    argv += ["--memory-swap", service["memswap_limit"], "--memory-reservation", service["mem_reservation"]]
    argv += ["--cpus", str(service["cpus"]), "--cpu-shares", str(service["cpu_shares"])]
    argv += ["--shm-size", service["shm_size"], "--ipc", service["ipc"]]
    argv += ["--oom-score-adj", str(service["oom_score_adj"]), "--stop-signal", service["stop_signal"]]
    for name, limit in service["ulimits"].items():
        argv += [
            "--ulimit",
            f"{name}={limit['soft']}:{limit['hard']}" if isinstance(limit, dict) else f"{name}={limit}",
        ]
    argv += ["--log-driver", logging["driver"]]
    argv += [word for key, value in logging["options"].items() for word in ("--log-opt", f"{key}={value}")]
    argv += ["--health-cmd", " ".join(health["test"][1:]), "--health-interval", health["interval"]]
    argv += ["--health-timeout", health["timeout"], "--health-retries", str(health["retries"])]
    argv += ["--health-start-period", health["start_period"]]
    if part == "web":
        argv += ["--network", network, "--publish", f"127.0.0.1:{port}:{service['ports'][0].rpartition(':')[2]}"]
    else:
        argv += ["--network", service["network_mode"]]
    for mount in service["volumes"]:
        if mount["type"] == "volume":
            argv += ["--mount", f"type=volume,source={volume},target={mount['target']},volume-nocopy"]
        else:
            argv += ["--mount", f"type=bind,source={mount['source']},target={mount['target']},readonly"]
    return [*argv, service["image"], *service.get("command", ())]


def _wait_for_200(port: int, hostname: str) -> None:
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        if answers_200(port, hostname):
            return
        time.sleep(LOOK_S)
    raise TimeoutError(f"the containers did not answer within {TIMEOUT_S} s")


def answers_200(port: int, hostname: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": hostname})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
