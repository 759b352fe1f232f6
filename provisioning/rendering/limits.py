"""How an environment's limits become those of its processes: pure arithmetic, in one place."""

from dataclasses import dataclass

MAX_BODY_MIB = 20
# The platform's nginx beside the plugin has two memory disks: one for bodies until the plugin takes them, one for
# answers until slow visitors take them. In the first more bodies fit than one address may send at once at the edge;
# a full one refuses the next body. The second can't be full: so many answers, each so large, and no more.
BODIES_MIB = 128
ANSWERS = 16
ANSWER_MIB = 8
ANSWERS_MIB = ANSWERS * ANSWER_MIB + 4
SIDECAR_MEMORY_MIB = BODIES_MIB + ANSWERS_MIB + 64
# The kernel leaves it this much if memory is scarce: without slow visitors it takes no more.
SIDECAR_RESERVED_MIB = 24
SIDECAR_PIDS = 16
# A static plugin's answers are its files, and it takes no bodies.
STATIC_DISK_MIB = 48
# Containers of one app at once, in both environments: live and standby, old and new, web and app.
_CONTAINERS_OF_AN_APP = 16


@dataclass(frozen=True, kw_only=True)
class PhpLimits:
    """Of one php-fpm pool. Memory in MiB."""

    children: int
    start_children: int
    memory_mib: int
    opcache_mib: int
    body_mib: int


def php_limits(*, memory_mib: int, pids: int, disk_mib: int) -> PhpLimits:
    """As many workers as the memory bears at 32 MiB each, and the processes allow; one request may use half of it."""
    opcache = max(8, min(128, memory_mib // 8))
    # init, env and the master take their share of the processes; a worker may start a few of its own.
    by_pids = max(1, (pids - 4) // 2)
    by_memory = max(1, (memory_mib - opcache) // 32)
    children = min(by_pids, by_memory, 64)
    return PhpLimits(
        children=children,
        start_children=min(2, children),
        memory_mib=max(16, memory_mib // 2),
        opcache_mib=opcache,
        body_mib=max(1, min(MAX_BODY_MIB, disk_mib // 2)),
    )


def fallback_children(limits: PhpLimits, *, memory_mib: int) -> int:
    """Without a container PHP alone counts: so few workers that their requests together stay in the memory."""
    return max(1, min(limits.children, memory_mib // limits.memory_mib))


def reserved_memory_mib(memory_mib: int) -> int:
    """A quarter of the limit: what the kernel leaves a container when memory is scarce. At least Docker's 6."""
    return max(6, memory_mib // 4)


def tmpfs_inodes(disk_mib: int) -> int:
    """128 files a MiB: enough for sessions and uploads, and a bound on the kernel memory that inodes take."""
    return disk_mib * 128


def session_disk_mib(disk_mib: int) -> int:
    """Sessions lie in a memory of their own, beside /tmp: half as large."""
    return max(4, disk_mib // 2)


def session_files(disk_mib: int) -> int:
    """How many sessions there can be before the kernel has no room for another."""
    return max(4096, tmpfs_inodes(session_disk_mib(disk_mib)))


def nproc_limit(pids: int) -> int:
    return pids * _CONTAINERS_OF_AN_APP
