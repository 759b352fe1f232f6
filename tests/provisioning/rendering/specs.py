"""A release's spec with sensible values, and any of them changed."""

from pathlib import PurePosixPath
from typing import Any

from provisioning.rendering.specs import InstanceSpec, ReleaseSpec

IMAGES = {"web": "berth-web:0123456789ab", "php": "berth-php:0123456789ab"}
LIVE = InstanceSpec(role="live", address="127.0.0.1", port=27001)
STANDBY = InstanceSpec(role="standby", address="127.0.0.1", port=27002)


def release_spec(**changes: Any) -> ReleaseSpec:
    values: dict[str, Any] = {
        "installation": "berthtest-containers",
        "app_id": "app1000001",
        "environment": "production",
        "number": 12,
        "deployment": 34,
        "stack": "php",
        "stack_version": 1,
        "hostnames": ("app1000001.apps.localhost",),
        "memory_mib": 256,
        "cpu_millis": 500,
        "pids": 128,
        "disk_mib": 64,
        "health_check_path": "/",
        "uid": 300_001,
        "sidecar_uid": 300_002,
        "subnet": "10.214.240.0/29",
        "home": PurePosixPath("/srv/berth/releases/app1000001/production/12"),
        "instances": (LIVE, STANDBY),
    }
    return ReleaseSpec(**(values | changes))
