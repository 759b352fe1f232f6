"""The php-fpm configuration of one release: one pool, master and workers under the app's uid, no capability needed."""

from provisioning.rendering.grammar import check_release
from provisioning.rendering.limits import php_limits
from provisioning.rendering.specs import ReleaseSpec
from provisioning.rendering.text import fill

# The container is the boundary. This only takes away the first tools of somebody who got in.
DISABLED_FUNCTIONS = (
    "exec", "passthru", "shell_exec", "system", "proc_open", "popen", "dl", "pcntl_exec", "pcntl_fork",
    "proc_nice", "posix_kill", "posix_setuid", "posix_setgid", "show_source", "highlight_file",
)  # fmt: skip


def startup_settings(spec: ReleaseSpec) -> tuple[str, ...]:
    """What PHP reads once, before there is a pool, and so from its command line.

    The code of a release never changes: it is not looked at again once it is compiled.
    """
    limits = php_limits(memory_mib=spec.memory_mib, pids=spec.pids, disk_mib=spec.disk_mib)
    return (
        "expose_php=0",
        "opcache.enable=1",
        f"opcache.memory_consumption={limits.opcache_mib}",
        f"opcache.interned_strings_buffer={max(1, limits.opcache_mib // 8)}",
        "opcache.max_accelerated_files=10000",
        "opcache.validate_timestamps=0",
        "opcache.jit_buffer_size=0",
        "opcache.lockfile_path=/tmp",
    )


def render_php_fpm(spec: ReleaseSpec) -> str:
    """The pool. Only numbers that follow from the environment's limits enter it: no text of a tenant's."""
    check_release(spec)
    limits = php_limits(memory_mib=spec.memory_mib, pids=spec.pids, disk_mib=spec.disk_mib)
    return fill(
        "php-fpm/pool.conf",
        PROCESS_MAX=limits.children,
        CHILDREN=limits.children,
        START=limits.start_children,
        SPARE=max(limits.start_children, limits.children // 2),
        DISABLED=",".join(DISABLED_FUNCTIONS),
        MEMORY=limits.memory_mib,
        BODY=limits.body_mib,
        TERMINATE=spec.times.terminate_s,
        SHUTDOWN=spec.times.shutdown_s,
    )
