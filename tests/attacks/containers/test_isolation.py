"""D1 to D5, D11, D13, N1 and G: what a plugin that runs code of its choice can reach. Each with its control."""

import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.provisioning.containers.fixtures import slot
from tests.provisioning.containers.stage import HELLO, Slot, Stage, docker, staged

__all__ = ["slot"]
pytestmark = pytest.mark.docker
# What a container gets from whoever turns its guards off.
SOFT = ("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_CHROOT", "--security-opt", "seccomp=unconfined")
CALLS = (Path(__file__).parent / "calls.pl").read_text()


@pytest.fixture(scope="module")
def running(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One plugin for the attacks that leave no trace."""
    with staged(slot, tmp_path_factory.mktemp("stage")) as stage:
        stage.write("index.php", HELLO)
        stage.write("secret.php", "<?php echo 'x';")
        yield stage.started()


def soft(stage: Stage, *argv: str, options: tuple[str, ...] = ()) -> str:
    """The same command in a container as `docker run` makes it: the control."""
    return docker("run", "--rm", *options, stage.images["php"], *argv).stdout


def parts(stage: Stage) -> tuple[str, str]:
    return stage.web, stage.app


def test_d1_there_is_no_engine_to_talk_to(running: Stage) -> None:
    for name in parts(running):
        found = running.inside(name, "find", "/", "-xdev", "-type", "s", "-not", "-path", "/proc/*")
        assert "docker" not in found.stdout
        assert running.inside(name, "bash", "-c", "ls /var/run/docker.sock /run/docker.sock").returncode != 0
    mounted = soft(running, "ls", "/var/run/docker.sock", options=("-v", "/var/run/docker.sock:/var/run/docker.sock"))
    assert mounted.strip() == "/var/run/docker.sock"


def user_of(stage: Stage, name: str) -> int:
    """The sidecar is another user than the plugin, and of the plugin's group."""
    return stage.spec.sidecar_uid if name == stage.web else stage.spec.uid


def status(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_d2_no_capability_no_new_privilege_and_its_own_uid(running: Stage) -> None:
    for name in parts(running):
        found = status(running.inside(name, "cat", "/proc/self/status").stdout)
        assert found["CapEff"] == found["CapPrm"] == found["CapBnd"] == found["CapInh"] == found["CapAmb"] == "0" * 16
        assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
        assert found["Uid"].split() == [str(user_of(running, name))] * 4
        assert found["Gid"].split() == [str(running.spec.uid)] * 4
        assert found["Groups"].split() in ([], [str(running.spec.uid)])
    assert status(soft(running, "cat", "/proc/self/status"))["CapBnd"] != "0" * 16


def test_d2_init_and_every_worker_are_the_apps_uid(running: Stage) -> None:
    for name in parts(running):
        rows = docker("top", name, "-o", "uid,pid,comm").stdout.splitlines()[1:]
        assert len(rows) >= 2
        assert {row.split()[0] for row in rows} == {str(user_of(running, name))}


def calls(output: str) -> dict[str, tuple[int, str]]:
    rows = (line.split(" ", 2) for line in output.splitlines())
    return {name: (int(result), error) for name, result, error in rows}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the table has the numbers of x86-64")
def test_d3_no_call_leads_out(running: Stage) -> None:
    for name in parts(running):
        found = calls(running.inside(name, "perl", "-e", CALLS).stdout)
        assert len(found) > 30
        assert {call: outcome for call, outcome in found.items() if outcome[0] != -1} == {}
    control = calls(soft(running, "perl", "-e", CALLS, options=SOFT))
    assert control["unshare_user"][0] != -1
    assert control["af_packet"][0] != -1


@pytest.mark.parametrize("command", ["unshare -Ur true", "mount -t tmpfs x /tmp", "chroot / true"])
def test_d3_tools_that_change_namespaces_fail(running: Stage, command: str) -> None:
    assert running.inside(running.app, *command.split()).returncode != 0
    assert docker("run", "--rm", *SOFT, running.images["php"], *command.split()).returncode == 0


@pytest.mark.parametrize(
    "path",
    ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/proc/sys/vm/drop_caches"],
)  # fmt: skip
def test_d4_the_kernels_files_are_not_writable(running: Stage, path: str) -> None:
    for name in parts(running):
        assert running.inside(name, "bash", "-c", f"echo x > {path}").returncode != 0


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"])
def test_d4_the_kernels_memory_is_masked(running: Stage, path: str) -> None:
    for name in parts(running):
        found = running.inside(name, "bash", "-c", f"[ -d {path} ] && ls -A {path} || head -c 10 {path}")
        assert found.stdout == ""


@pytest.mark.parametrize(
    "path", ["/x", "/etc/x", "/usr/bin/x", "/app/x", "/app/index.php", "/etc/berth/x", "/var/x", "/root/x"]
)
def test_d5_nothing_but_memory_is_writable(running: Stage, path: str) -> None:
    for name in parts(running):
        assert running.inside(name, "bash", "-c", f"echo x >> {path}").returncode != 0
    assert running.inside(running.app, "bash", "-c", "echo x > /tmp/x && rm /tmp/x").returncode == 0


def test_d5_the_roots_mount_is_read_only(running: Stage) -> None:
    error = running.inside(running.app, "bash", "-c", "echo x > /etc/passwd").stderr
    assert "Read-only file system" in error or "Permission denied" in error
    mounts = {
        line.split()[1]: line.split()[3].split(",")
        for line in running.inside(running.app, "cat", "/proc/mounts").stdout.splitlines()
    }
    for place in ("/", "/app", "/etc/berth/php-fpm.conf"):
        assert "ro" in mounts[place]
    for place in ("/tmp", "/run/app"):
        assert {"rw", "nosuid", "nodev", "noexec"} <= set(mounts[place])


def test_d11_what_is_written_is_not_run(running: Stage) -> None:
    script = "cp /bin/true /tmp/t && chmod 755 /tmp/t && /tmp/t"
    found = running.inside(running.app, "bash", "-c", script)
    assert found.returncode == 126
    assert "Permission denied" in found.stderr
    assert docker("run", "--rm", running.images["php"], "bash", "-c", script).returncode == 0


def test_d13_no_priority_over_others(running: Stage) -> None:
    assert running.inside(running.app, "perl", "-e", "exit !setpriority(0, 0, -20)").returncode != 0
    assert (
        docker(
            "run", "--rm", "--cap-add", "SYS_NICE", running.images["php"], "perl", "-e", "exit !setpriority(0, 0, -20)"
        ).returncode
        == 0
    )


def test_n_the_plugins_container_has_no_network_but_its_own_loopback(running: Stage) -> None:
    interfaces = running.inside(running.app, "cat", "/proc/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    assert running.inside(running.app, "cat", "/proc/net/route").stdout.count("\n") <= 1
    gateway = running.spec.subnet.replace(".0/", ".1/").partition("/")[0]
    for address in (gateway, "169.254.77.77", "10.0.0.1"):
        found = running.inside(running.app, "bash", "-c", f"exec 3<>/dev/tcp/{address}/80")
        assert "unreachable" in found.stderr


def test_n1_no_other_environments_network_is_reachable(make_stage: Callable[..., Stage], running: Stage) -> None:
    other = make_stage().started()
    address = docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", other.web
    ).stdout.strip()
    connect = f"exec 3<>/dev/tcp/{address}/8080"
    assert running.inside(running.web, "timeout", "2", "bash", "-c", connect).returncode != 0
    # The control: where there is a way, that command takes it.
    assert other.inside(other.web, "timeout", "2", "bash", "-c", connect).returncode == 0


def test_n2_live_and_standby_do_not_see_each_other(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(roles=("live", "standby")).started(BERTH_START="live-web live-app standby-web standby-app")
    standby = stage.spec.container("standby", "web")
    address = docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", standby
    ).stdout.strip()
    connect = f"exec 3<>/dev/tcp/{address}/8080"
    assert stage.inside(stage.web, "timeout", "2", "bash", "-c", connect).returncode != 0
    assert stage.inside(standby, "timeout", "2", "bash", "-c", connect).returncode == 0


def test_n3_a_port_is_published_on_loopback_only(running: Stage) -> None:
    bindings = docker("port", running.web).stdout.split("\n")[0]
    assert bindings == f"8080/tcp -> 127.0.0.1:{running.port}"
    assert docker("port", running.app).stdout == ""


def test_php_cannot_leave_its_tree_or_start_a_program(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    stage.write("index.php", """<?php
        echo json_encode([@file_get_contents('/etc/passwd'), @file_get_contents('/etc/berth/php-fpm.conf'),
            function_exists('exec'), function_exists('proc_open'), @file_put_contents('/app/x', 'x'),
            (bool) @include '/etc/hostname',
            file_put_contents('/tmp/own', 'x')]);""")  # fmt: skip
    assert stage.started().text() == "[false,false,false,false,false,false,1]"


RESIZE = """Imagick::setResourceLimit(6, 4);
$i = new Imagick; $i->newImage(1500, 1500, 'red'); $i->resizeImage(3000, 3000, Imagick::FILTER_LANCZOS, 1);"""
THREADS = "cat /proc/[0-9]*/status | grep ^Threads:"


def test_g7_libraries_get_one_thread_whatever_a_plugin_says(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    strip = "".join(f"putenv('{name}=64');" for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MAGICK_THREAD_LIMIT"))
    stage.write(
        "index.php", f"<?php {strip} {RESIZE} echo (new Imagick)->getResourceLimit(Imagick::RESOURCETYPE_THREAD);"
    )
    assert stage.started().text() == "1"
    assert set(stage.inside(stage.app, "bash", "-c", THREADS).stdout.split()) == {"Threads:", "1"}
    command = docker("inspect", "--format", "{{json .Config.Cmd}}", stage.app).stdout
    assert all(f'"{name}=1"' in command for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MAGICK_THREAD_LIMIT"))


def test_g7_control_without_the_settings_one_picture_takes_several_threads(running: Stage) -> None:
    free = [
        part for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MAGICK_THREAD_LIMIT") for part in ("-e", f"{name}=4")
    ]
    script = f"{RESIZE} system('grep ^Threads: /proc/' . getmypid() . '/status');"
    command = (
        "sh",
        "-c",
        'rm /etc/ImageMagick-6/policy.xml && exec php -d imagick.set_single_thread=0 -r "$1"',
        "php",
        script,
    )
    assert int(soft(running, *command, options=tuple(free)).split()[1]) > 1


def test_g6_imagemagick_reads_pictures_and_nothing_else(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    stage.write(
        "index.php",
        """<?php
        $picture = new Imagick(); $picture->newImage(5, 5, 'red'); $picture->setImageFormat('png');
        $picture->writeImage('/tmp/own.png'); file_put_contents('/tmp/x', 'x');
        try { (new Imagick())->readImage($_GET['name'] ?? '/tmp/own.png'); echo 'read'; }
        catch (ImagickException $e) { echo 'refused'; }""",
    )
    assert stage.started().text() == "read"
    hostile = ["msl:/tmp/x.msl", "url:http://169.254.77.77/", "https://169.254.77.77/", "text:/etc/passwd",
               "ephemeral:/tmp/x", "mvg:/tmp/x", "pdf:/tmp/x", "svg:/tmp/x", "@/etc/passwd",
               "label:@/etc/passwd"]  # fmt: skip
    for name in hostile:
        assert stage.text(f"/?{urlencode({'name': name})}") == "refused", name
