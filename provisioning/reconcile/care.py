"""What the reconciler needs of an engine beyond start and stop: a close look at containers, and ways to mend them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docker.errors import APIError, NotFound, create_api_error_from_http_exception
from requests import HTTPError

from provisioning.containers.docker_engine import Engine

# What is given to one that hangs or is of no use; requests under way are not finished.
KILL_AFTER_S = 2
# What `docker update` can change of a container that runs, as the engine names it.
Settings = Mapping[str, Any]
_UNITS = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True)
class Details:
    """`image` is the id, `asked_for` what it was made from; `pid` is 0 where it does not run."""

    image: str
    asked_for: str
    pid: int
    settings: Settings


def settings_of_service(service: Mapping[str, Any]) -> Settings:
    """Of a service in Berth's compose file. What that leaves out must be as the engine has it by default."""
    name, _, retries = str(service["restart"]).partition(":")
    return {
        "Memory": _bytes(service["mem_limit"]),
        "MemorySwap": _bytes(service["memswap_limit"]),
        "MemoryReservation": _bytes(service["mem_reservation"]),
        "NanoCpus": round(float(service["cpus"]) * 1_000_000_000),
        "CpuShares": int(service["cpu_shares"]),
        "PidsLimit": int(service["pids_limit"]),
        "RestartPolicy": {"Name": name, "MaximumRetryCount": int(retries or 0)},
        "CpusetCpus": "",
        "CpusetMems": "",
        "BlkioWeight": 0,
    }


class Care:
    """Of the containers on one engine, by their ids. Nothing here takes a name: a name may be anybody's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def holders(self, names: Iterable[str], *, but_of: str = "") -> dict[str, str]:
        """Of the names those that a container has, whoever made it, with what it runs.

        `but_of` leaves out what is labelled as that installation's own.
        """
        filters = {"name": [f"^/{name}$" for name in names]}
        if not filters["name"]:
            return {}
        with self._engine.speaking("list the containers") as client:
            rows = client.api.containers(all=True, filters=filters)
        return {
            row["Names"][0].lstrip("/"): f"{row['Image']}, {row['State']}"
            for row in rows
            if not but_of or row["Labels"].get("berth.installation") != but_of
        }

    def details(self, container: str) -> Details | None:
        """`None` for one that has gone."""
        with self._engine.speaking("inspect a container") as client:
            try:
                found = client.api.inspect_container(container)
            except NotFound:
                return None
        host = found["HostConfig"]
        settings = {
            **{name: host.get(name) or 0 for name in _NUMBERS},
            "CpusetCpus": host.get("CpusetCpus") or "",
            "CpusetMems": host.get("CpusetMems") or "",
            "RestartPolicy": {
                "Name": host["RestartPolicy"]["Name"],
                "MaximumRetryCount": host["RestartPolicy"]["MaximumRetryCount"],
            },
        }
        return Details(found["Image"], found["Config"]["Image"], int(found["State"]["Pid"] or 0), settings)

    def was_checked(self, containers: Collection[str]) -> bool:
        """Whether a health check passed that began after the last of them was started: the sidecar's asks both."""
        with self._engine.speaking("inspect containers") as client:
            try:
                states = [client.api.inspect_container(container)["State"] for container in containers]
            except NotFound:
                return False
        started = max(datetime.fromisoformat(state["StartedAt"]) for state in states)
        checks = [check for state in states for check in state.get("Health", {}).get("Log") or ()]
        return any(check["ExitCode"] == 0 and datetime.fromisoformat(check["Start"]) > started for check in checks)

    def image_ids(self) -> dict[str, str]:
        """Tag -> id, and each id to itself, of every image that the engine has."""
        with self._engine.speaking("list the images") as client:
            rows = client.api.images()
        return {row["Id"]: row["Id"] for row in rows} | {
            tag: row["Id"] for row in rows for tag in row["RepoTags"] or []
        }

    def unpause(self, container: str) -> None:
        with self._engine.speaking("let a container go on") as client:
            client.api.unpause(container)

    def set_back(self, container: str, settings: Settings) -> None:
        """While it runs. Raises `RetryableError` where the engine refuses one of them."""
        with self._engine.speaking("set a container back", timeout_s=20) as client:
            # The SDK's own call knows neither `NanoCpus` nor `PidsLimit`.
            answer = client.api.post(
                f"{client.api.base_url}/v{client.api.api_version}/containers/{container}/update", json=dict(settings)
            )
            try:
                answer.raise_for_status()
            except HTTPError as error:
                create_api_error_from_http_exception(error)

    def restart_together(self, containers: Iterable[str]) -> None:
        """All of them are stopped before the first is started, so that what they share is made anew."""
        ids = list(containers)
        self._engine.stop(ids, timeout_s=KILL_AFTER_S)
        for container in ids:
            self._engine.start(container)

    def remove(self, container: str) -> None:
        """Whatever state it is in. One that has gone is as good. The caller has made sure that it is Berth's own."""
        self._engine.stop([container], timeout_s=KILL_AFTER_S)
        with self._engine.speaking("remove a container", timeout_s=30) as client:
            try:
                client.api.remove_container(container, force=True, v=True)
            except NotFound:
                return
            except APIError as exc:
                # 409: it is going already.
                if exc.status_code != 409:
                    raise


_NUMBERS = ("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "PidsLimit", "BlkioWeight")


def _bytes(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1].lower()]
