"""J: a hostile plugin that the host serves without a container. Its code runs; what does it reach?"""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from provisioning.containers.rendering.php_stack import pool_settings
from provisioning.edge.fallback import HostFallback
from provisioning.rendering.limits import php_limits
from tests.provisioning.edge.fallback.stage import RUN, Machine, Plugin

FILES = {"run.php": RUN, "index.php": "<?php echo 'victim', getenv('SECRET');"}
# Disabled functions are the first of several walls: these tests look at those behind it as well.
UNGUARDED = ("disable_functions", "open_basedir")


@pytest.fixture(scope="module")
def victim(machine: Machine) -> Plugin:
    return machine.plugin(1, FILES).served({"SECRET": "canary-0815"})


@pytest.fixture(scope="module")
def hostile(machine: Machine, victim: Plugin) -> Plugin:
    return machine.plugin(2, FILES, memory_mib=32, disk_mib=8).served()


@pytest.fixture(scope="module")
def unguarded(machine: Machine, victim: Plugin) -> Plugin:
    """A plugin that got around what PHP itself refuses."""
    plugin = machine.plugin(3, FILES, memory_mib=256).served()
    pool = machine.home / "fallback" / "pools" / f"{plugin.spec.name}.conf"
    lines = [line for line in pool.read_text().splitlines() if not any(name in line for name in UNGUARDED)]
    pool.write_text("\n".join(lines) + "\n")
    os.kill(machine.master(), signal.SIGUSR2)
    assert plugin.run("usleep(1000); echo ini_get('open_basedir');") in {"", "/app:/tmp:/run:/usr/share"}
    for _ in range(200):
        if plugin.run("echo ini_get('open_basedir'), function_exists('exec');") == "1":
            return plugin
    raise AssertionError("the pool was not loaded without its walls")


def test_j1_no_file_of_the_hosts_or_of_another_app_is_read(hostile: Plugin, unguarded: Plugin, victim: Plugin) -> None:
    paths = ["/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/1/cmdline", "/root", "/home",
             "/var/run/docker.sock", str(victim.root), f"{victim.root}/etc/berth/variables.php",
             f"{victim.spec.code}/index.php", str(victim.machine.home), "../etc/passwd",
             "../../../../../../../../../../etc/passwd"]  # fmt: skip
    for plugin in (hostile, unguarded):
        for path in paths:
            assert (
                plugin.run(f"var_dump(@file_get_contents({path!r}), @scandir({path!r}));")
                == "bool(false)\nbool(false)\n"
            )
    # What it sees when nothing of PHP's own holds it back: its own directory, and the system's few tables.
    assert unguarded.run("echo implode(' ', array_diff(scandir('/'), ['.', '..']));") == "app etc tmp usr var"


def test_j2_links_and_wrappers_lead_nowhere(hostile: Plugin, unguarded: Plugin, victim: Plugin) -> None:
    for plugin in (hostile, unguarded):
        code = f"@symlink('{victim.root}/etc/berth/variables.php', '/tmp/l'); var_dump(@file_get_contents('/tmp/l'));"
        assert "canary" not in plugin.run(code)
        for wrapper in ("php://filter/resource=/etc/passwd", "glob:///*/*", "phar:///etc/passwd", "file:///etc/passwd"):
            assert "root:" not in plugin.run(f"echo @file_get_contents({wrapper!r});")


def test_j3_its_own_code_and_variables_are_not_its_to_change(hostile: Plugin, unguarded: Plugin) -> None:
    for plugin in (hostile, unguarded):
        for path in ("/app/index.php", "/app/new.php", "/etc/berth/variables.php", "/etc/berth/x", "/x", "/usr/x"):
            assert plugin.run(f"var_dump(@file_put_contents({path!r}, 'x'));") == "bool(false)\n", path
            assert plugin.run(f"var_dump(@unlink({path!r}), @chmod({path!r}, 0777));") == "bool(false)\nbool(false)\n"


def test_j4_nothing_is_executed_and_nothing_forks(hostile: Plugin, unguarded: Plugin) -> None:
    for name in ("exec", "system", "passthru", "shell_exec", "popen", "proc_open", "pcntl_fork", "dl", "posix_kill"):
        assert hostile.run(f"var_dump(function_exists({name!r}));") == "bool(false)\n", name
    assert hostile.run("var_dump(@mail('a@b.invalid', 'c', 'd'));") == "bool(false)\n"
    # With all functions at hand there is no program in sight, and no process to be had for one.
    assert "Resource temporarily unavailable" in unguarded.run(
        "var_dump(@proc_open(['/bin/true'], [], $p)); echo error_get_last()['message'];"
    )
    assert unguarded.run("var_dump(@shell_exec('id'));") in {"NULL\n", "bool(false)\n"}
    assert "FFI" in hostile.run("FFI::cdef('int getpid(void);', 'libc.so.6');")


def test_j5_the_memory_of_a_request_ends_at_its_limit(hostile: Plugin, victim: Plugin) -> None:
    answer = hostile.get("/run.php", method="POST", body="$a = []; while (true) { $a[] = str_repeat('x', 1 << 20); }")
    assert answer.status == 500
    assert (
        hostile.run("echo ini_set('memory_limit', '-1') === false ? 'no' : 'yes', ini_get('memory_limit');") == "no16M"
    )
    assert victim.get().body == "victimcanary-0815"


def test_j6_what_it_writes_ends_at_the_size_of_its_disk(hostile: Plugin, victim: Plugin) -> None:
    fill = "for ($i = 0; $i < 64; $i++) { @fwrite($f, str_repeat('x', 1 << 20)); }"
    code = f"$f = fopen('/tmp/big', 'w'); {fill} echo fstat($f)['size'];"
    assert int(hostile.run(code)) <= 8 << 20
    made = int(hostile.run('for ($i = 0; @touch("/tmp/n$i") && $i < 9999; $i++); echo $i;'))
    assert made <= 8 * 128
    hostile.run("array_map('unlink', glob('/tmp/*'));")
    assert victim.run("echo file_put_contents('/tmp/x', 'abc');") == "3"


def test_j7_there_is_no_network(machine: Machine, hostile: Plugin, unguarded: Plugin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for plugin in (hostile, unguarded):
            for target in (
                f"tcp://127.0.0.1:{port}",
                f"tcp://127.0.0.1:{machine.edge.port}",
                "tcp://169.254.169.254:80",
            ):
                assert plugin.run(f"var_dump(@stream_socket_client({target!r}));") == "bool(false)\n", target
            assert plugin.run("echo gethostbyname('localhost.example.');") == "localhost.example."


def test_j8_another_apps_pool_is_not_to_be_reached(hostile: Plugin, unguarded: Plugin, victim: Plugin) -> None:
    for plugin in (hostile, unguarded):
        for path in (victim.spec.socket, plugin.spec.socket, "/run/docker.sock"):
            assert plugin.run(f"var_dump(@stream_socket_client('unix://{path}'));") == "bool(false)\n"
    # Nor by a process of its user outside of the chroot, as its containers are.
    script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    for uid in (hostile.spec.uid, victim.spec.uid):
        argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "/usr/bin/python3", "-c", script]
        result = subprocess.run([*argv, str(victim.spec.socket)], capture_output=True, text=True, check=False)
        assert "PermissionError" in result.stderr
        cat = subprocess.run(
            [*argv[:4], "cat", f"{victim.root}/app/index.php"], capture_output=True, text=True, check=False
        )
        assert "Permission denied" in cat.stderr


def test_j9_no_worker_has_any_right_or_other_group(machine: Machine, hostile: Plugin) -> None:
    assert hostile.run("echo posix_getuid(), ' ', implode(',', posix_getgroups());") == "560002 560002"
    workers = [
        entry / "status"
        for entry in Path("/proc").glob("[0-9]*")
        if (entry / "cmdline").exists() and b"php-fpm: pool app1000002" in (entry / "cmdline").read_bytes()
    ]
    assert workers
    for status in workers:
        facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        assert {facts[name] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {"0" * 16}
        assert facts["NoNewPrivs"] == "1"
    master = Path(f"/proc/{machine.master()}/status").read_text()
    # chown, kill, setgid, setuid, sys_chroot, and reading what root may read.
    assert "CapBnd:\t00000000000400e5" in master


def test_j10_a_plugin_that_holds_its_workers_holds_nobody_elses(
    machine: Machine, hostile: Plugin, victim: Plugin
) -> None:
    body = b"sleep(2);"
    head = f"POST /run.php HTTP/1.1\r\nHost: app1000002.apps.localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    held = [socket.create_connection(("127.0.0.1", machine.edge.port)) for _ in range(3)]
    try:
        for connection in held:
            connection.sendall(head + body)
        for _ in range(5):
            assert victim.get().body == "victimcanary-0815"
    finally:
        for connection in held:
            connection.close()


def test_j11_settings_can_not_be_taken_back(machine: Machine) -> None:
    own = "open_basedir=/\nmemory_limit=-1\nauto_prepend_file=none\n"
    plugin = machine.plugin(4, {**FILES, ".user.ini": own}).served({"SECRET": "mine"})
    settings = pool_settings(php_limits(memory_mib=64, pids=64, disk_mib=8))
    walls = next(setting.value for setting in settings if setting.name == "open_basedir")
    assert plugin.run("echo ini_get('open_basedir'), ' ', ini_get('memory_limit');") == f"{walls} 32M"
    assert plugin.get().body == "victimmine"
    for name in ("open_basedir", "disable_functions", "auto_prepend_file", "log_errors"):
        assert plugin.run(f"var_dump(@ini_set({name!r}, '/'));") == "bool(false)\n", name


def test_j12_a_process_that_calls_itself_the_master_is_none(machine: Machine, hostile: Plugin) -> None:
    master, title = machine.master(), f"php-fpm: master process ({machine.home}/fallback/php-fpm.conf)"
    impostors = [subprocess.Popen([title, "60"], executable="/bin/sleep", user=560002) for _ in range(3)]
    try:
        assert machine.fallback._master() == master
        # Nor is one believed to be there that has gone.
        lonely = HostFallback(machine.home / "lonely", worker_user="www-data")
        impostors.append(
            subprocess.Popen(
                [f"php-fpm: master process ({machine.home}/lonely/php-fpm.conf)", "60"],
                executable="/bin/sleep",
                user=560002,
            )
        )
        assert lonely._master() is None
    finally:
        for process in impostors:
            process.kill()
            process.wait()
