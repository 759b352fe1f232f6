"""The text of a failure: one line with the fault, its file and line number, and below it the containers' last words."""

import re
from collections.abc import Mapping, Sequence

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.models import Workload
from provisioning.logs.last_words import last_words
from provisioning.logs.sources import log_source

_PHP_ERROR = re.compile(
    r"PHP (?:Parse|Fatal|Recoverable fatal) error:\s+(?:PHP \w+ error:\s+)?(?P<what>.+?) in (?:/app/)?"
    r"(?P<file>[^\s:]+?)(?: on line |:)(?P<line>\d+)\b"
)


def failure_text(summary: str, workload: Workload, names: Sequence[str]) -> str:
    """`summary` with its cause, where PHP's own message names one, and how the containers `names` stand."""
    redactor = log_source(workload.environment, release=workload.release).redactor
    endings = engine_for(workload.host.docker_url).endings(names)
    words = last_words(workload.host.docker_url, names, redactor)
    return compose(summary, endings, words)


def compose(summary: str, endings: Mapping[str, str], words: Mapping[str, Sequence[str]]) -> str:
    cause = next((cause for lines in words.values() for line in reversed(lines) if (cause := _cause(line))), "")
    lines = [f"{summary}: {cause}" if cause else summary]
    for name, ending in endings.items():
        lines.append(f"{name}: {ending}")
        lines += [f"  {line}" for line in words.get(name, ())]
    return "\n".join(lines)


def _cause(line: str) -> str:
    found = _PHP_ERROR.search(line)
    return f"{found['file']}, line {found['line']}: {found['what']}" if found else ""


def first_line(text: str) -> str:
    """What stands for the whole where there is room for one line."""
    return text.partition("\n")[0]
