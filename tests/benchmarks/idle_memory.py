"""What the platform itself takes of the machine's memory when nobody asks anything of it."""

import re
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.stage import Stage

IDLE_S = 20
LIMIT_MIB = 450


def measure(stage: Stage) -> list[Figure]:
    """The sum of PSS: memory that several processes share counts once. Docker's own, and the apps', stay out."""
    _ = stage.plugin
    stage.say(f"  idle for {IDLE_S} s")
    time.sleep(IDLE_S)
    status = stage.platform.supervisor("status")
    roots = {name: int(pid) for name, pid in re.findall(r"^(\w+) +RUNNING +pid (\d+)", status, re.MULTILINE)}
    supervisor = int((stage.platform.home / "run" / "supervisord.pid").read_text())
    found = {name: [_pss_mib(pid) for pid in _family(root)] for name, root in roots.items()}
    found["supervisor"] = [_pss_mib(supervisor)]
    for name, processes in sorted(found.items(), key=lambda item: -sum(item[1])):
        stage.say(f"  {name:<12} {sum(processes):7.1f} MiB  {len(processes)} process{'es' * (len(processes) > 1)}")
    return [
        Figure(
            name="idle memory of the whole platform",
            value=sum(sum(processes) for processes in found.values()),
            unit="MiB",
            reference=f"the limit; PSS of {', '.join(found)} after {IDLE_S} s without a request",
            reference_value=LIMIT_MIB,
            target=Target("value", "<=", LIMIT_MIB),
        )
    ]


def _family(root: int) -> list[int]:
    """The process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _pss_mib(pid: int) -> float:
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"/proc/{pid}/smaps_rollup says nothing of Pss")
    return int(match[1]) / 1024
