"""Whatever the settings, what is rendered has every limit of the reference service and nothing that must be absent."""

import json
import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from provisioning.releases.rendering.release import configuration_sha256, render_compose, render_release
from provisioning.rendering.specs import InstanceSpec, ReleaseSpec
from tests.provisioning.rendering.specs import IMAGES, LIVE, STANDBY, release_spec

MUST_BE_ABSENT = {
    "privileged", "cap_add", "devices", "device_cgroup_rules", "pid", "userns_mode", "volumes_from", "sysctls",
    "extra_hosts", "group_add", "cgroup_parent", "runtime", "env_file", "extends", "configs", "secrets", "build",
    "links", "external_links", "expose", "entrypoint", "stdin_open", "tty", "domainname", "mac_address",
}  # fmt: skip
MAY_BE_PRESENT = {
    "image", "container_name", "labels", "user", "cap_drop", "security_opt", "read_only", "tmpfs", "pids_limit",
    "mem_limit", "memswap_limit", "mem_reservation", "cpus", "cpu_shares", "shm_size", "ipc", "ulimits", "init",
    "restart", "stop_signal", "stop_grace_period", "oom_kill_disable", "oom_score_adj", "logging", "healthcheck",
    "networks", "network_mode", "ports", "volumes", "command",
}  # fmt: skip

specs = st.builds(
    release_spec,
    installation=st.sampled_from(["", "berthtest", "company-2"]),
    app_id=st.integers(1_000_001, 9_999_999).map(lambda number: f"app{number}"),
    environment=st.sampled_from(["test", "production"]),
    number=st.integers(1, 99_999),
    deployment=st.integers(1, 10**9),
    stack=st.sampled_from(["php", "static"]),
    memory_mib=st.integers(32, 4096),
    cpu_millis=st.integers(50, 4000),
    pids=st.integers(16, 1024),
    disk_mib=st.integers(8, 1024),
    uid=st.integers(200_000, 399_999),
    subnet=st.integers(0, 8191).map(lambda index: f"10.214.{index // 32}.{index % 32 * 8}/29"),
    instances=st.sampled_from([(LIVE,), (LIVE, STANDBY), (STANDBY,)]),
)


def compose_of(spec: ReleaseSpec) -> dict[str, Any]:
    return json.loads(render_compose(spec, IMAGES))


@given(spec=specs)
@hypothesis_settings(max_examples=300, deadline=None)
def test_every_service_is_the_reference_service(spec: ReleaseSpec) -> None:
    document = compose_of(spec)
    assert document["networks"] == {"environment": {"external": True, "name": spec.environment_name}}
    for name, service in document["services"].items():
        assert not MUST_BE_ABSENT & set(service)
        assert set(service) <= MAY_BE_PRESENT
        uid = spec.sidecar_uid if name.endswith("-web") else spec.uid
        assert service["user"] == f"{uid}:{spec.uid}"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true", f"seccomp:{spec.home}/conf/seccomp.json"]
        assert service["read_only"] is True
        assert service["init"] is True
        assert service["ipc"] == "private"
        assert service["oom_kill_disable"] is False
        assert service["oom_score_adj"] > 0
        assert service["restart"] == "on-failure:5"
        assert service["stop_signal"] == "SIGQUIT"
        assert service["memswap_limit"] == service["mem_limit"]
        assert 0 < int(service["mem_reservation"][:-1]) < int(service["mem_limit"][:-1])
        assert 0 < service["cpus"] <= spec.cpu_millis / 1000
        assert 0 < service["pids_limit"] <= max(spec.pids, 16)
        assert service["ulimits"]["core"] == 0
        assert service["ulimits"]["nofile"]["hard"] <= 4096
        assert service["ulimits"]["nproc"] > 0
        assert service["ulimits"]["fsize"] > 0
        assert service["logging"]["options"]["mode"] == "non-blocking"
        assert {"max-size", "max-file", "max-buffer-size"} <= set(service["logging"]["options"])
        assert ("healthcheck" in service) == name.endswith("-web")
        role, part = name.split("-")
        has_answers = part == "web" and spec.stack == "php"
        others = ["/tmp/answers"] if has_answers else ["/var/lib/php/sessions"] if part == "app" else []
        assert [tmpfs.partition(":")[0] for tmpfs in service["tmpfs"]] == ["/tmp", *others]
        sizes = []
        for tmpfs in service["tmpfs"]:
            options = dict(option.partition("=")[::2] for option in tmpfs.partition(":")[2].split(","))
            assert {"noexec", "nosuid", "nodev", "nr_inodes"} <= options.keys()
            assert options["uid"] == options["gid"] == str(uid)
            sizes.append(int(options["size"].removesuffix("m")))
        # All of the platform's memory disks may be full, and its process goes on.
        assert part == "app" or sum(sizes) < int(service["mem_limit"][:-1])
        assert service["container_name"] == spec.container(role, part)
        assert service["labels"] == {
            "berth.installation": spec.installation or "berth",
            "berth.app": spec.app_id,
            "berth.environment": spec.environment,
            "berth.release": str(spec.number),
            "berth.deployment": str(spec.deployment),
            "berth.role": role,
            "berth.part": part,
        }
        for mount in service["volumes"]:
            if mount["type"] == "bind":
                assert mount["read_only"] is True
                assert PurePosixPath(mount["source"]).is_relative_to(spec.home)
            else:
                assert mount["type"] == "volume"
                driver = document["volumes"][mount["source"]]["driver_opts"]
                own = {
                    "/run/app": {"size=1m", "mode=0710", f"uid={spec.uid}", f"gid={spec.uid}"},
                    "/app": {"bind", "ro"},
                }[mount["target"]]
                assert own | {"noexec", "nosuid", "nodev"} <= set(driver["o"].split(","))
                assert driver["device"] in {"tmpfs", str(spec.home / "code")}


@given(spec=specs)
@hypothesis_settings(max_examples=100, deadline=None)
def test_the_plugins_own_code_has_no_network_and_only_the_sidecar_a_port_on_the_leased_address(
    spec: ReleaseSpec,
) -> None:
    services = compose_of(spec)["services"]
    parts = {"php": {"web", "app"}, "static": {"web"}}[spec.stack]
    assert set(services) == {f"{instance.role}-{part}" for instance in spec.instances for part in parts}
    for instance in spec.instances:
        web = services[f"{instance.role}-web"]
        assert web["networks"] == {"environment": {}}
        assert web["ports"] == [f"{instance.address}:{instance.port}:8080"]
        if spec.stack == "php":
            app = services[f"{instance.role}-app"]
            assert app["network_mode"] == "none"
            assert "ports" not in app
            assert "networks" not in app


@pytest.mark.parametrize("stack", ["php", "static"])
def test_docker_compose_takes_what_is_rendered(stack: str, tmp_path: Path) -> None:
    spec = release_spec(stack=stack, home=PurePosixPath(tmp_path))
    (tmp_path / "conf" / "containers").mkdir(parents=True)
    for path, text in render_release(spec, IMAGES).items():
        (tmp_path / path).write_text(text)
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    result = subprocess.run(
        [*command, "-f", "conf/compose.json", "config", "-q"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_variables_are_in_no_committed_file() -> None:
    files = render_release(release_spec(), IMAGES)
    containers = {f"conf/containers/{role}-{part}" for role in ("live", "standby") for part in ("web", "app")}
    names = {"compose.json", "nginx.conf", "php-fpm.conf", "prelude.php", "seccomp.json"}
    assert set(files) == {f"conf/{name}" for name in names} | containers
    assert not any("--env" in files[name] for name in containers)
    assert not any("environment:" in text and "SECRET" in text for text in files.values())
    assert all("environment" not in service for service in json.loads(files["conf/compose.json"])["services"].values())


DIGESTED: dict[str, Any] = {
    "app_id": "app1000001", "environment": "production", "stack": "php", "stack_version": 1,
    "hostnames": ("a.apps.localhost",), "memory_mib": 256, "cpu_millis": 500, "pids": 128, "disk_mib": 64,
    "health_check_path": "/",
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("app_id", "app1000002"), ("environment", "test"), ("stack", "static"), ("stack_version", 2),
     ("hostnames", ("b.apps.localhost",)), ("memory_mib", 257), ("cpu_millis", 501), ("pids", 129), ("disk_mib", 65),
     ("health_check_path", "/up")],
)  # fmt: skip
def test_the_digest_changes_with_every_setting(field: str, value: Any) -> None:
    assert configuration_sha256(**DIGESTED) != configuration_sha256(**(DIGESTED | {field: value}))


def test_the_digest_does_not_know_what_was_leased_nor_the_order_of_hostnames() -> None:
    names = ("a.apps.localhost", "b.apps.localhost")
    assert configuration_sha256(**(DIGESTED | {"hostnames": names})) == configuration_sha256(
        **(DIGESTED | {"hostnames": names[::-1]})
    )
    assert len(configuration_sha256(**DIGESTED)) == 64


HOSTILE = ["a; }", "a\nb", "a b", "$(id)", "${HOME}", "`id`", "../x", "a'b", 'a"b', "a{b}", "#a", "a\0", "ä", "-rf", ""]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "field", ["app_id", "environment", "stack", "subnet", "home", "health_check_path", "hostnames"]
)
def test_hostile_text_reaches_no_file_and_the_error_names_the_field(field: str, text: str) -> None:
    value: Any = (text,) if field == "hostnames" else PurePosixPath(text) if field == "home" else text
    with pytest.raises(ValueError, match=f"^{field}"):
        render_release(release_spec(**{field: value}), IMAGES)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_hostile_installation_names_and_images_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^installation"):
        render_compose(release_spec(installation=text), IMAGES)
    with pytest.raises(ValueError, match=r"^images\.web"):
        render_compose(release_spec(), IMAGES | {"web": text})


@pytest.mark.parametrize(
    ("field", "value"),
    [("uid", 0), ("uid", 1000), ("uid", -1), ("memory_mib", 0), ("memory_mib", True), ("pids", 0), ("cpu_millis", 0),
     ("disk_mib", 0), ("number", 0), ("subnet", "8.8.8.0/29"), ("subnet", "10.0.0.0/8"), ("subnet", "10.0.0.1/29"),
     ("home", PurePosixPath("/srv/../etc")), ("instances", ()), ("instances", (LIVE, LIVE))],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}"):
        render_release(release_spec(**{field: value}), IMAGES)


@pytest.mark.parametrize(
    ("address", "port"),
    [("0.0.0.0", 27001), ("::1", 27001), ("localhost", 27001), ("127.0.0.1", 80), ("127.0.0.1", 65536)],
)
def test_a_port_is_published_on_one_address_only(address: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"^instances"):
        render_compose(release_spec(instances=(InstanceSpec(role="live", address=address, port=port),)), IMAGES)
