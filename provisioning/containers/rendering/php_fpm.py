"""The php-fpm configuration of one release: one pool, master and workers under the app's uid, no capability needed."""

from collections.abc import Iterable

from provisioning.containers.rendering import php_stack
from provisioning.rendering.grammar import check_release
from provisioning.rendering.limits import php_limits
from provisioning.rendering.specs import ReleaseSpec
from provisioning.rendering.text import fill


def startup_settings(spec: ReleaseSpec) -> tuple[str, ...]:
    """What PHP reads once, before there is a pool, and so from its command line."""
    limits = php_limits(memory_mib=spec.memory_mib, pids=spec.pids, disk_mib=spec.disk_mib)
    return tuple(f"{setting.name}={setting.value}" for setting in php_stack.startup_settings(limits))


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
        SETTINGS=pool_lines(php_stack.pool_settings(limits)),
        TERMINATE=spec.times.terminate_s,
        SHUTDOWN=spec.times.shutdown_s,
    )


def pool_lines(settings: Iterable[php_stack.Setting]) -> str:
    """The settings as a pool has them: those that a plugin can't change, and the others."""
    return "".join(
        f"php_{'admin_' if setting.is_fixed else ''}value[{setting.name}] = {setting.value}\n" for setting in settings
    )
