"""The one rule for whether a page is healthy: it answers 2xx or 3xx before the deadline, however slowly.

Each look may take as long as is left until then: a page that takes three seconds is slow, and not ill.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from provisioning.edge import probes

LOOK_S = 0.05
# How often the containers are looked at meanwhile.
ENDED_S = 1.0


@dataclass(frozen=True)
class Health:
    """`answer` says what came back, and which limit was met where nothing did."""

    is_healthy: bool
    answer: str
    took_s: float


def look_until_healthy(
    ask: Callable[[float], tuple[str, bool]],
    *,
    deadline_s: float,
    patience_s: float | None = None,
    has_ended: Callable[[], bool] = lambda: False,
    is_over: Callable[[], bool] = lambda: False,
) -> Health:
    """`ask(timeout_s)` is called until it says that the page is healthy.

    It ends at `deadline_s`; with `patience_s` also after the first bad answer past that time, since no answer is waited
    for then. `has_ended` says that nothing can answer any more, `is_over` that nobody wants to know.
    """
    started = time.monotonic()
    looked, said = started, ""
    while (left_s := deadline_s - (time.monotonic() - started)) > 0 and not is_over():
        answer, is_healthy = ask(left_s)
        took_s = time.monotonic() - started
        if is_healthy:
            return Health(True, answer, took_s)
        if not answer.startswith(probes.NO_ANSWER):
            said = answer
        if patience_s is not None and took_s > patience_s:
            break
        if time.monotonic() - looked > ENDED_S:
            looked = time.monotonic()
            if has_ended():
                return Health(False, "a container ended", took_s)
        time.sleep(LOOK_S)
    return Health(False, said or f"{probes.NO_ANSWER} within {deadline_s:g} s", time.monotonic() - started)
