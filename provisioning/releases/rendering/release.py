"""Everything that one release needs on a host, as files of the management repository; and what of it is approved."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from provisioning.containers.rendering.compose import render_compose
from provisioning.containers.rendering.docker_run import render_docker_run
from provisioning.containers.rendering.php_fpm import render_php_fpm
from provisioning.containers.rendering.seccomp import render_seccomp
from provisioning.containers.rendering.sidecar import render_sidecar_nginx
from provisioning.containers.rendering.variables import encode_variables, render_prelude, render_variables
from provisioning.releases.rendering.pipeline import render_check_tree, render_deploy_script, render_gitlab_ci
from provisioning.rendering.specs import InstanceSpec, ReleaseSpec

__all__ = [
    "configuration_sha256",
    "encode_variables",
    "render_check_tree",
    "render_compose",
    "render_deploy_script",
    "render_gitlab_ci",
    "render_php_fpm",
    "render_release",
    "render_sidecar_nginx",
    "render_variables",
]

# What is leased or counted stands in for itself with these: the digest is over what was decided, not over which port
# happened to be free.
_PLACEHOLDERS: dict[str, Any] = {
    "installation": "placeholder",
    "number": 1,
    "deployment": 0,
    "uid": 10_000,
    "sidecar_uid": 10_001,
    "subnet": "10.0.0.0/29",
    "home": PurePosixPath("/placeholder"),
    "instances": (
        InstanceSpec(role="live", address="127.0.0.1", port=1024),
        InstanceSpec(role="standby", address="127.0.0.1", port=1025),
    ),
}
_IMAGES = {"web": "placeholder-web", "php": "placeholder-php"}


def render_release(spec: ReleaseSpec, images: Mapping[str, str]) -> dict[str, str]:
    """Path in the management repository -> text. Raises `ValueError` naming a bad field; nothing is half rendered."""
    compose = render_compose(spec, images)
    files = {
        "conf/compose.json": compose,
        **render_docker_run(spec, json.loads(compose)),
        "conf/nginx.conf": render_sidecar_nginx(spec),
        "conf/seccomp.json": render_seccomp(),
    }
    if spec.stack == "php":
        files["conf/php-fpm.conf"] = render_php_fpm(spec)
        files["conf/prelude.php"] = render_prelude(disk_mib=spec.disk_mib)
    return files


def configuration_sha256(
    *,
    app_id: str,
    environment: str,
    stack: str,
    stack_version: int,
    hostnames: tuple[str, ...],
    memory_mib: int,
    cpu_millis: int,
    pids: int,
    disk_mib: int,
    health_check_path: str,
) -> str:
    """64 hex digits over the rendered configuration and the settings behind it: a part of a release's digest.

    The same settings and stack version give the same digest whatever port, subnet, uid, home, number, host or image
    build the release gets. Raises `ValueError` naming a bad field.
    """
    settings: dict[str, Any] = {
        "app_id": app_id,
        "environment": environment,
        "stack": stack,
        "stack_version": stack_version,
        "hostnames": tuple(sorted(hostnames)),
        "memory_mib": memory_mib,
        "cpu_millis": cpu_millis,
        "pids": pids,
        "disk_mib": disk_mib,
        "health_check_path": health_check_path,
    }
    files = render_release(ReleaseSpec(**settings, **_PLACEHOLDERS), _IMAGES)
    document = json.dumps({"settings": settings, "files": files}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()
