"""What the reconciler does about each condition that a container can be found in: one table, and nothing but it.

`docs/operate/repair.md` shows the same table; a test holds both equal, and tries each row on the real Docker Engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from provisioning.rendering.specs import Part


class Condition(StrEnum):
    """How a container of a workload was found. Those of Docker's own states have Docker's names."""

    RUNNING = "running"
    CREATED = "created"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    UNHEALTHY = "unhealthy"
    MISSING = "missing"
    STRANGER = "replaced by a stranger"
    OTHER_DEPLOYMENT = "of another deployment"
    OTHER_IMAGE = "of another image"
    OTHER_SETTINGS = "with other settings"
    OTHER_NETWORK = "not on its network"
    OTHER_FILES = "with other files"
    OTHER_SOCKET = "with another socket"
    UNREACHABLE = "not reachable"
    FILES_GONE = "without its release"


class Action(StrEnum):
    NOTHING = "leave it alone"
    WAIT = "wait for the engine"
    START = "start it"
    UNPAUSE = "let it go on"
    RESTART = "restart it"
    SET_BACK = "set it back while it runs"
    MAKE = "make it anew from the release's files"
    REPLACE = "remove it, and make it anew"
    TELL = "tell the operator"


class Look(StrEnum):
    """How soon a condition is seen."""

    ROUND = "each round"
    CLOSE = "within a minute"


@dataclass(frozen=True)
class Repair:
    """One row. `parts` says for each part that is found so which parts are acted on, in this order.

    `interrupts`: what is acted on may be serving, so it is done to live only while the standby is whole.
    """

    action: Action
    look: Look
    how: str
    parts: Mapping[Part, tuple[Part, ...]]
    interrupts: bool = False


ITSELF: Mapping[Part, tuple[Part, ...]] = {"web": ("web",), "app": ("app",)}
# nginx may hang since PHP behind it does: the plugin's own part first, then the one that asks it.
WITH_WHAT_IT_ASKS: Mapping[Part, tuple[Part, ...]] = {"web": ("app", "web"), "app": ("app",)}
# Both must have the same socket.
PAIR: Mapping[Part, tuple[Part, ...]] = {"web": ("app", "web"), "app": ("app", "web")}

TABLE: Mapping[Condition, Repair] = {
    Condition.RUNNING: Repair(Action.NOTHING, Look.ROUND, "its check passes, or has not been made yet", ITSELF),
    Condition.CREATED: Repair(Action.START, Look.ROUND, "somebody made it and did not start it", ITSELF),
    Condition.PAUSED: Repair(Action.UNPAUSE, Look.ROUND, "`docker pause`", ITSELF),
    Condition.RESTARTING: Repair(
        Action.WAIT, Look.ROUND, "the engine starts it again itself, five times at most; then it is exited", ITSELF
    ),
    Condition.REMOVING: Repair(Action.WAIT, Look.ROUND, "it is going; then it is missing", ITSELF),
    Condition.EXITED: Repair(Action.START, Look.ROUND, "it crashed, was killed or was stopped", ITSELF),
    Condition.DEAD: Repair(Action.REPLACE, Look.ROUND, "the engine could not remove all of it", ITSELF),
    Condition.UNHEALTHY: Repair(
        Action.RESTART, Look.ROUND, "it runs, and has failed its check three times", WITH_WHAT_IT_ASKS
    ),
    Condition.MISSING: Repair(Action.MAKE, Look.ROUND, "`docker rm`", ITSELF),
    Condition.STRANGER: Repair(
        Action.TELL, Look.ROUND, "it is missing, and a container that is not Berth's has its name", ITSELF
    ),
    Condition.OTHER_DEPLOYMENT: Repair(
        Action.REPLACE, Look.ROUND, "Berth's own, with its name, and labelled with another deployment", ITSELF, True
    ),
    Condition.OTHER_IMAGE: Repair(
        Action.REPLACE, Look.CLOSE, "with its name and labels, and it runs another image than the release's", ITSELF,
        True,
    ),
    Condition.OTHER_SETTINGS: Repair(
        Action.SET_BACK, Look.CLOSE, "`docker update` changed its memory, CPU, processes or restarts", ITSELF
    ),
    Condition.OTHER_NETWORK: Repair(
        Action.REPLACE, Look.ROUND, "`docker network disconnect`, or it was connected to one more", ITSELF, True
    ),
    Condition.OTHER_FILES: Repair(
        Action.RESTART, Look.CLOSE, "the release's directory was replaced on the host: it sees the one of before",
        ITSELF, True,
    ),
    Condition.OTHER_SOCKET: Repair(
        Action.RESTART, Look.CLOSE, "the volume of the socket was unmounted, and its two parts see different ones",
        PAIR, True,
    ),
    Condition.UNREACHABLE: Repair(
        Action.RESTART, Look.CLOSE, "it runs, and its port refuses connections: the engine's forwarder has died",
        ITSELF, True,
    ),
    Condition.FILES_GONE: Repair(
        Action.TELL, Look.CLOSE, "the release's directory is gone from the host", ITSELF
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Obstacle:
    """What keeps a repair from being made, and whose move it is then."""

    found: str
    said: str


# Each is told on the app's timeline and to `manage.py doctor`, and the repair is tried again after a pause.
OBSTACLES: tuple[Obstacle, ...] = (
    Obstacle("its port is taken by a stranger", "an operator must end what listens there"),
    Obstacle("its image is gone", "an operator must run manage.py build_images"),
    Obstacle("its network has another subnet, and is not Berth's or is in use", "an operator must remove the network"),
    Obstacle("its subnet is somebody else's", "an operator must change BERTH_SUBNET_POOL"),
    Obstacle("the release's files are gone", "an operator must put them back"),
    Obstacle("the disk is full", "an operator must free space"),
    Obstacle("the engine does not answer", "an operator must start it"),
)


@dataclass(frozen=True)
class Finding:
    """One part of a workload that is not as it should be. `container` is its id, where it has one."""

    part: Part
    name: str
    condition: Condition
    container: str = ""
    detail: str = ""

    @property
    def repair(self) -> Repair:
        return TABLE[self.condition]

    @property
    def cause(self) -> str:
        """What tries are counted by."""
        return f"{self.part} {self.condition}"
