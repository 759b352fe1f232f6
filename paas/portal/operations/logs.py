"""The last log lines for a page, which is there also while the Docker Engine is not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from provisioning.exceptions import ProvisioningError
from provisioning.logs.query import LogQuery
from provisioning.logs.reading import LogLine, read_tail
from provisioning.logs.sources import LogSource, log_source
from tenants.apps.models.environment import Environment

# A page waits so long for the engine at most.
PATIENCE_S = 5.0


@dataclass(frozen=True)
class ShownLogs:
    """The oldest line first. `notice` says why there are none, or none that could be read."""

    lines: Sequence[LogLine]
    notice: str


def last_lines(environment: Environment, query: LogQuery) -> ShownLogs:
    """Raises `InvalidInput` for a container that is not the environment's."""
    try:
        lines = async_to_sync(_read)(log_source(environment), query)
    except ProvisioningError as error:
        return ShownLogs([], f"The logs can't be read right now: {error}")
    except TimeoutError:
        return ShownLogs([], f"The logs can't be read right now: the Docker Engine took more than {PATIENCE_S:.0f} s.")
    return ShownLogs(lines, "" if lines else "No lines.")


async def _read(source: LogSource, query: LogQuery) -> list[LogLine]:
    async with asyncio.timeout(PATIENCE_S):
        return await read_tail(source, query)
