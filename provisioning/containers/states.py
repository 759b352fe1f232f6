"""The state of a container, read from the answer of the engine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

MISSING = "missing"


UNHEALTHY = "unhealthy"


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    """One container of a workload. `state` is Docker's: created, running, restarting, exited, dead, ...

    `networks` are the names of those it is on. `exit_code`, `oom_killed`, `started_at` and `restart_count` are known
    where it does not run, and `None` elsewhere: for a running one they would cost a call each.
    """

    name: str
    id: str
    app: str
    environment: str
    release: int
    deployment: int
    role: str
    part: str
    state: str
    health: str
    networks: frozenset[str] = frozenset()
    exit_code: int | None = None
    oom_killed: bool | None = None
    started_at: datetime | None = None
    restart_count: int | None = None


def state_of(row: dict[str, Any]) -> str:
    if row["State"] == "running" and "(unhealthy)" in row["Status"]:
        return UNHEALTHY
    return str(row["State"])


def container_state(row: dict[str, Any], details: dict[str, Any]) -> ContainerState:
    labels, state = row["Labels"], details.get("State", {})
    status = row["Status"]
    health = next((word for word in ("unhealthy", "starting", "healthy") if word in status), "none")
    # After a pause the engine says so although no check has failed, until it has made the next one.
    if health == UNHEALTHY and not state.get("Health", {}).get("FailingStreak"):
        health = "starting"
    return ContainerState(
        name=row["Names"][0].lstrip("/"),
        id=row["Id"],
        app=labels.get("berth.app", ""),
        environment=labels.get("berth.environment", ""),
        release=int(labels.get("berth.release", 0)),
        deployment=int(labels.get("berth.deployment", 0)),
        role=labels.get("berth.role", ""),
        part=labels.get("berth.part", ""),
        state=row["State"],
        health=health,
        networks=frozenset((row.get("NetworkSettings") or {}).get("Networks") or {}),
        exit_code=state.get("ExitCode"),
        oom_killed=state.get("OOMKilled"),
        started_at=_time(state.get("StartedAt")),
        restart_count=details.get("RestartCount"),
    )


def _time(text: str | None) -> datetime | None:
    """Docker writes nanoseconds, and the year 1 for never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text[:19] + "+00:00")
