"""The fallbacks of this installation, from Django's settings; and whether this machine can have any."""

import os
import shutil
import subprocess
from pathlib import Path

from django.conf import settings

from provisioning.containers.rendering.php_stack import EXTENSIONS
from provisioning.edge import edge_spec_from_settings
from provisioning.edge.fallback.command import PHP_FPM
from provisioning.edge.fallback.php_fpm import HostFallback

# Of a unix socket's path, with the NUL at its end.
_MAX_SOCKET = 108


def fallback_from_settings() -> HostFallback:
    return HostFallback(Path(settings.FALLBACK_HOME), worker_user=edge_spec_from_settings().user or "root")


def refusal(stack: str) -> str:
    """Why this machine can't serve `stack` without containers, and what an operator must do; empty where it can."""
    if stack != "php":
        return ""
    if os.geteuid() != 0:
        return "Berth does not run as root, and php-fpm could not become the app's user: run bin/up as root"
    if _php_fpm() is None:
        return f"{PHP_FPM} is not installed: run apt-get install php8.2-fpm"
    if len(f"{settings.FALLBACK_HOME}/run/65535.sock") >= _MAX_SOCKET:
        return f"{settings.FALLBACK_HOME} is too long a path for a socket: set BERTH_HOME to a shorter one"
    return ""


def missing_extensions() -> list[str]:
    """Extensions that the containers' PHP has and this machine's php-fpm lacks; nothing where it does not say."""
    program = _php_fpm()
    if program is None:
        return []
    try:
        listed = subprocess.run(
            [program, "-m"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    loaded = {line.strip().lower() for line in listed.stdout.splitlines()}
    return sorted({name.lower() for name in EXTENSIONS} - loaded)


def _php_fpm() -> str | None:
    return shutil.which(PHP_FPM, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
