"""How a container stands, or how it ended and why, in words for people."""

import time
from typing import Any

from docker import APIClient

# The exit code of a process that SIGKILL has ended.
KILLED = 137
OVER_ITS_LIMIT = "after it used more memory than its limit"
# The engine may learn of the end before it learns of the reason, and then never names it.
LIKELY_OVER = "(killed, most likely since it used more memory than its limit)"


def how_it_stands(api: APIClient, details: dict[str, Any]) -> str:
    """`details` is what the engine says of the container (`GET /containers/{id}/json`)."""
    state = details["State"]
    if state["Status"] == "running":
        health = state.get("Health", {}).get("Status")
        return f"running{f' ({health})' if health else ''}{_restarts(api, details)}"
    why = ""
    if state.get("OOMKilled"):
        why = f" {OVER_ITS_LIMIT}"
    elif state["ExitCode"] == KILLED:
        why = f" {LIKELY_OVER}"
    error = f": {state['Error']}" if state.get("Error") else ""
    return f"{state['Status']} with exit code {state['ExitCode']}{why}{error}"


def _restarts(api: APIClient, details: dict[str, Any]) -> str:
    """How often the engine has started it again, and why: of one that runs again, its state says nothing of that."""
    count = details.get("RestartCount", 0)
    if not count:
        return ""
    filters = {"container": details["Id"], "event": ["oom", "die"]}
    # The engine keeps its last 256 events.
    events = list(api.events(since=0, until=int(time.time()) + 1, filters=filters, decode=True))
    codes = {event["Actor"]["Attributes"].get("exitCode") for event in events if event["Action"] == "die"}
    why = ""
    if any(event["Action"] == "oom" for event in events):
        why = f" {OVER_ITS_LIMIT}"
    elif str(KILLED) in codes:
        why = f" {LIKELY_OVER}"
    return f", started again {count} {'time' if count == 1 else 'times'}{why}"
