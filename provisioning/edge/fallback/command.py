"""The command line of the one php-fpm, and what it takes from it before it runs."""

from collections.abc import Sequence
from pathlib import Path

from provisioning.edge.rendering.fallback import MASTER_SETTINGS

PHP_FPM = "php-fpm8.2"
CONFIGURATION = "php-fpm.conf"
# As root it may become the pools' users and nothing more of what root may; a program it would start, no more than it.
_CAPABILITIES = "-all,+setuid,+setgid,+sys_chroot,+chown,+kill,+dac_read_search"
# Twice the largest `memory_limit`: what extensions allocate is not PHP's to count, and this much is a process's end.
MAX_PROCESS_BYTES = 4 * 1024**3
# The shell waits, and costs nothing, until there is a pool: who never uses this has no php-fpm running. No network, no
# process of another's in sight; no worker may have a child (`nproc` counts for every user but root). In one line, for
# process managers that take no other.
_SCRIPT = " ".join(
    [
        'home="$1" capabilities="$2" bytes="$3"; shift 3;',
        'until [ -e "$home/php-fpm.conf" ]; do sleep 2; done;',
        'cd "$home" || exit 1;',
        f'program="$(command -v {PHP_FPM})" || {{ echo "{PHP_FPM} is not installed"; exit 1; }};',
        'exec env -i PATH="$PATH" LC_ALL=C.UTF-8 unshare --net --ipc --uts --pid --fork --kill-child --',
        'prlimit --nproc=0:0 --core=0:0 --as="$bytes" --',
        'setpriv --no-new-privs --bounding-set="$capabilities" --',
        '"$program" --nodaemonize --fpm-config "$home/php-fpm.conf" "$@"',
    ]
)


def fallback_command(home: Path) -> list[str]:
    """Runs php-fpm in the foreground for a process manager that starts it again whenever it ends. It takes root.

    Until there is a first pool it waits for one. SIGHUP ends it with all workers; SIGTERM does not reach
    php-fpm, which has a session of its own.
    """
    arguments = [str(home), _CAPABILITIES, str(MAX_PROCESS_BYTES)]
    return ["/bin/sh", "-c", _SCRIPT, "berth-fallback", *arguments, *master_settings()]


def master_settings() -> Sequence[str]:
    return [part for setting in MASTER_SETTINGS for part in ("-d", setting)]
