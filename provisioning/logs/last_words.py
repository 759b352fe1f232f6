"""The last lines of single containers, for the error of a deployment: masked, the same line once."""

import asyncio
import re
from collections.abc import Iterable

from provisioning.exceptions import ProvisioningError
from provisioning.logs.docker_logs import LogContainer, LogEngine
from provisioning.logs.query import LogQuery
from provisioning.logs.reading import read_container
from provisioning.logs.redaction import Redactor

# So many lines are read, and so many different ones kept.
LINES, KEPT = 400, 20
# In characters, after the mask.
LONGEST = 400
# What PHP, php-fpm and nginx write before a message, and what differs in the same message from one time to the next.
_PREFIX = re.compile(
    r"^(\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d(\.\d+)?( [\w/+-]+)?\] "
    r"|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] [\d#]+: (\*\d+ )?)"
)
_VARYING = re.compile(r"\bchild \d+|\bpid \d+|\bafter \d+(\.\d+)? seconds|\bport: \d+")


def last_words(docker_url: str, names: Iterable[str], redactor: Redactor) -> dict[str, list[str]]:
    """Name -> what the container said last, the oldest first. A line that came several times stands there once.

    A container that is not there has said nothing; a log that can't be read is told as such.
    """
    wanted = list(names)
    return dict(zip(wanted, asyncio.run(_read_all(docker_url, wanted, redactor)), strict=True))


async def _read_all(docker_url: str, names: list[str], redactor: Redactor) -> list[list[str]]:
    engine = LogEngine(docker_url)
    return await asyncio.gather(*(_read(engine, name, redactor) for name in names))


async def _read(engine: LogEngine, name: str, redactor: Redactor) -> list[str]:
    container = LogContainer(id=name, name=name, role="", release=0)
    try:
        lines = await read_container(engine, container, LogQuery(tail=LINES), redactor)
    except ProvisioningError as error:
        return [f"(its log can't be read: {error})"]
    return told_once([line.line for line in lines])


def told_once(lines: Iterable[str]) -> list[str]:
    """Each line once, without its time, where it stood last; `(said 20 times)` behind one that was said so often."""
    times: dict[str, int] = {}
    texts: dict[str, str] = {}
    for line in lines:
        text = _PREFIX.sub("", line.rstrip())
        if not text.strip():
            continue
        key = _VARYING.sub("", text)
        times[key] = times.pop(key, 0) + 1
        texts[key] = text[:LONGEST]
    shown = [f"{texts[key]} (said {count} times)" if count > 1 else texts[key] for key, count in times.items()]
    return shown[-KEPT:]
