"""A release without its containers, on the edge's own machine: a server of the edge's nginx, and a pool of php-fpm.

What serves the tree and the tree's rules are the sidecar's own; what is different is what stands around the plugin: a
directory as its file system, its app's user, and the limits that PHP and php-fpm have.
"""

from dataclasses import replace
from pathlib import PurePosixPath

from provisioning.containers.rendering import php_stack
from provisioning.containers.rendering.php_fpm import pool_lines
from provisioning.containers.rendering.sidecar import render_tree, render_types
from provisioning.rendering.grammar import check_fallback, check_home
from provisioning.rendering.limits import fallback_children, php_limits
from provisioning.rendering.specs import FallbackSpec
from provisioning.rendering.text import fill
from provisioning.rendering.times import SERVER_IDLE_S, SIDECAR_SEND_S

# On top of what a plugin in a container can't call: what starts programs, changes limits, or reaches memory that no
# limit counts and other pools could share.
_DISABLED = (
    *php_stack.DISABLED_FUNCTIONS,
    "posix_mkfifo", "posix_mknod", "posix_setrlimit", "posix_setpgid", "posix_setsid", "posix_seteuid", "posix_setegid",
    "posix_initgroups", "shmop_open", "shm_attach", "sem_get", "msg_get_queue",
)  # fmt: skip
# Read once by the master. Compiled code and APCu's values would be kept in memory that all pools share: none is kept.
MASTER_SETTINGS = (
    "opcache.enable=0", "apc.enabled=0", "expose_php=0", "ffi.enable=0", "phar.readonly=1", "enable_dl=0",
    "zend.assertions=-1", "sendmail_path=/bin/false",
)  # fmt: skip


def render_fallback_server(spec: FallbackSpec) -> str:
    """The server for the environment's site file. Raises `ValueError` naming a bad field."""
    check_fallback(spec)
    tree = render_tree(spec.stack, socket=str(spec.socket), prefix=str(spec.root), times=spec.times)
    return fill(
        "fallback/server.conf",
        PORT=spec.port,
        BODY=spec.times.sidecar_body_s,
        SEND=SIDECAR_SEND_S,
        IDLE=SERVER_IDLE_S,
        BODIES=f"    client_body_temp_path {spec.bodies};\n" if spec.stack == "php" else "",
        TYPES=render_types(indent="    "),
        TREE=tree,
    )


def render_fallback_pool(spec: FallbackSpec) -> str:
    """The pool, for pools/`spec.name`.conf. No text of a tenant's enters."""
    check_fallback(spec)
    limits = php_limits(memory_mib=spec.memory_mib, pids=spec.pids, disk_mib=spec.disk_mib)
    return fill(
        "fallback/pool.conf",
        NAME=spec.name,
        UID=spec.uid,
        ROOT=spec.root,
        SOCKET=spec.socket,
        WORKER_USER=spec.worker_user,
        CHILDREN=fallback_children(limits, memory_mib=spec.memory_mib),
        SETTINGS=pool_lines(_own(setting) for setting in php_stack.pool_settings(limits)),
        TERMINATE=spec.times.terminate_s,
    )


def render_fallback_main(*, pools: PurePosixPath) -> str:
    """php-fpm.conf, which includes every pool of the directory `pools`."""
    check_home(pools)
    return fill("fallback/php-fpm.conf", POOLS=pools)


def _own(setting: php_stack.Setting) -> php_stack.Setting:
    return replace(setting, value=",".join(_DISABLED)) if setting.name == "disable_functions" else setting
