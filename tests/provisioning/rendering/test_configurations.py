"""The real nginx and php-fpm take what is rendered, at both ends of what an environment may have."""

import re
from pathlib import Path

import pytest
import yaml

from provisioning.containers.images import ensure_images
from provisioning.releases.rendering.release import (
    render_deploy_script,
    render_gitlab_ci,
    render_php_fpm,
    render_sidecar_nginx,
)
from provisioning.rendering.limits import php_limits
from tests.provisioning.containers.stage import docker
from tests.provisioning.rendering.specs import release_spec

ENDS = [
    {"memory_mib": 32, "pids": 16, "disk_mib": 8, "cpu_millis": 50},
    {},
    {"memory_mib": 4096, "pids": 1024, "disk_mib": 1024, "cpu_millis": 4000},
]
SANDBOX = ["run", "--rm", "--network", "none", "--user", "300001:300001", "--read-only", "--tmpfs", "/tmp:mode=1777"]


@pytest.mark.docker
@pytest.mark.parametrize("stack", ["php", "static"])
def test_nginx_takes_the_sidecars_configuration(stack: str, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(render_sidecar_nginx(release_spec(stack=stack)))
    mount = f"{tmp_path}/nginx.conf:/etc/berth/nginx.conf:ro"
    result = docker(
        *SANDBOX, "-v", mount, ensure_images()["web"], "nginx", "-t", "-e", "stderr", "-c", "/etc/berth/nginx.conf"
    )
    assert result.returncode == 0, result.stderr
    assert "warn" not in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize("limits", ENDS)
def test_php_fpm_takes_the_pool(limits: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "php-fpm.conf").write_text(render_php_fpm(release_spec(**limits)))
    mount = f"{tmp_path}/php-fpm.conf:/etc/berth/php-fpm.conf:ro"
    image = ensure_images()["php"]
    result = docker(*SANDBOX, "-v", mount, image, "php-fpm8.2", "-t", "--fpm-config", "/etc/berth/php-fpm.conf")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("memory_mib", [32, 48, 64, 100, 256, 1024, 4096])
@pytest.mark.parametrize("pids", [16, 17, 64, 1024])
@pytest.mark.parametrize("disk_mib", [8, 64, 1024])
def test_a_pools_numbers_fit_the_environments(memory_mib: int, pids: int, disk_mib: int) -> None:
    limits = php_limits(memory_mib=memory_mib, pids=pids, disk_mib=disk_mib)
    assert 1 <= limits.start_children <= limits.children < pids
    assert limits.memory_mib <= memory_mib
    assert limits.opcache_mib < memory_mib
    assert limits.body_mib < disk_mib
    assert limits.body_mib <= 20


def test_a_push_makes_no_pipeline_and_a_release_makes_one_job() -> None:
    document = yaml.safe_load(render_gitlab_ci())
    assert document["stages"] == ["deploy"]
    job = document["deploy"]
    assert job["rules"] == [{"if": "$BERTH_RELEASE"}]
    assert job["script"] == ["bash deploy.sh"]
    assert job["environment"] == {"name": "$BERTH_ENVIRONMENT"}
    assert set(document) == {"stages", "variables", "deploy"}
    assert all(isinstance(value, str) for value in document["variables"].values())


def test_the_script_is_the_same_for_every_app_and_has_no_mark_left_to_fill() -> None:
    text = render_deploy_script()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert not re.search(r"@[A-Z_]+@", text)
    assert not re.search(r"app[1-9][0-9]{6}", text)
    for stack in ("php", "static"):
        assert not re.search(r"@[A-Z_]+@", render_sidecar_nginx(release_spec(stack=stack)))
