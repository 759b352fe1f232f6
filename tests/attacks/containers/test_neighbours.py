"""D8, D11 to D13, D16, G2, N3 and N4: what a plugin does to its neighbours and its host. Each with its control."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.provisioning.containers.fixtures import slot
from tests.provisioning.containers.stage import HELLO, Slot, Stage, docker, staged

__all__ = ["slot"]
pytestmark = pytest.mark.docker
MEMORY = ["/tmp", "/run/app", "/dev/shm", "/dev/mqueue", "/var/lib/php/sessions"]
# Directories that somebody may write to, wherever they are mounted; /proc's are the process's own.
WRITABLE = "find / -type d -writable -not -path '/proc/*' -not -path '/sys/*' 2>/dev/null"


@pytest.fixture(scope="module")
def pair(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Stage]]:
    """Two apps side by side."""
    with staged(slot, tmp_path_factory.mktemp("one")) as one, staged(slot, tmp_path_factory.mktemp("other")) as other:
        for stage in (one, other):
            stage.write("index.php", HELLO)
        yield one.started(), other.started()


def gateway_of(container: str) -> str:
    form = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}"
    return docker("inspect", "--format", form, container).stdout.strip()


def connects(stage: Stage, container: str, address: str, port: int) -> bool:
    found = stage.inside(container, "timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}")
    return found.returncode == 0


def test_d5_what_is_writable_is_small_memory_that_runs_nothing(pair: tuple[Stage, Stage]) -> None:
    stage, _ = pair
    script = (
        'for d in "$@"; do cp /bin/true $d/t 2>/dev/null && chmod 755 $d/t && $d/t && echo ran in $d; rm -f $d/t; done'
    )
    for name in (stage.web, stage.app):
        found = stage.inside(name, "bash", "-c", WRITABLE).stdout.split()
        tops = {place for place in MEMORY for path in found if f"{path}/".startswith(f"{place}/")}
        others = [path for path in found if not f"{path}/".startswith(tuple(f"{place}/" for place in MEMORY))]
        assert others == []
        assert "/tmp" in tops
        assert stage.inside(name, "bash", "-c", script, "run", *sorted(tops)).stdout == ""
    # The control: an ordinary container runs what it wrote.
    soft = docker("run", "--rm", "--network", "none", stage.images["php"], "bash", "-c", script, "run", "/tmp", "/var")
    assert soft.stdout.split("\n")[:2] == ["ran in /tmp", "ran in /var"]


def test_d8_memory_that_is_no_heap_counts_too(make_stage: Callable[..., Stage], pair: tuple[Stage, Stage]) -> None:
    script = (
        "my $name = qq{x\\0}; my $f = syscall(319, $name, 0); open my $h, '>&=', $f or die $!; "
        "for (1 .. 200) { syswrite $h, 'x' x 1_000_000 or die $! } print 'all of it'"
    )
    stage = make_stage(memory_mib=48).started()
    found = stage.inside(stage.app, "perl", "-e", script)
    assert (found.returncode, found.stdout) == (137, "")
    fill = "head -c 40m /dev/zero > /dev/shm/x; wc -c < /dev/shm/x; rm /dev/shm/x"
    shared = pair[1].inside(pair[1].app, "bash", "-c", fill)
    assert "No space left on device" in shared.stderr
    assert int(shared.stdout) <= 16 * 1024**2
    assert pair[0].text() == "hello from nobody"
    control = docker("run", "--rm", "--network", "none", stage.images["php"], "perl", "-e", script)
    assert control.stdout == "all of it"


def test_d12_limits_that_the_kernel_counts_by_user_are_not_shared(pair: tuple[Stage, Stage]) -> None:
    """inotify instances and message queues belong to a uid: one app takes all of its own, and the other has its own."""
    one, other = pair
    assert one.spec.uid != other.spec.uid
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    take = "$n++ while $n < 900 && syscall(294, 0) >= 0; $| = 1; print qq{$n\\n}; sleep 60"
    # Each process stays below its own limit of open files.
    count = limit // 900 + 1
    script = f"for i in {{1..{count}}}; do perl -e '{take}' >> /tmp/held & echo $! >> /tmp/pids; done; "
    script += f"until [ $(wc -l < /tmp/held) = {count} ]; do sleep 0.05; done; cat /tmp/held"
    held = one.inside(one.app, "bash", "-c", script).stdout.split()
    assert sum(map(int, held)) == limit
    first = "exit(syscall(294, 0) < 0)"
    assert other.inside(other.app, "perl", "-e", first).returncode == 0
    # The control: whoever has the same uid finds all of them taken.
    same = docker(
        "run", "--rm", "--network", "none", "--user", str(one.spec.uid), one.images["php"], "perl", "-e", first
    )
    assert same.returncode == 1
    one.inside(one.app, "bash", "-c", "kill $(cat /tmp/pids)")


BURN = (
    "my $e = time + shift; my $p = fork; my $used = sub { my @t = times; $t[0] + $t[1] }; "
    "1 while time < $e && $used->() < 0.4; waitpid $p, 0 if $p; "
    "my @t = times; print $t[0] + $t[1] + $t[2] + $t[3] if $p"
)


def test_d13_all_cores_burn_only_what_was_given(make_stage: Callable[..., Stage]) -> None:
    """Two processes that never rest before each had 0.4 s: processor time, not time that passes."""
    stage = make_stage(cpu_millis=100).started()
    used_s = float(stage.inside(stage.app, "perl", "-e", BURN, "2").stdout)
    # The control has all the time it needs, on a machine that is busy too.
    free_s = float(docker("run", "--rm", "--network", "none", stage.images["php"], "perl", "-e", BURN, "30").stdout)
    # A tenth of a core for two seconds, and what one period may run over its end.
    assert used_s < 0.4 < free_s


def test_d16_a_plugin_that_keeps_dying_is_left_to_the_reconciler(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage().started()
    kill = "for p in /proc/[0-9]*; do read -r n < $p/comm; [ $n = php-fpm8.2 ] && kill -9 ${p#/proc/}; done"
    while docker("inspect", "--format", "{{.State.Status}}", stage.app).stdout.strip() in {"running", "restarting"}:
        stage.inside(stage.app, "bash", "-c", kill)
    form = "{{.RestartCount}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"
    assert docker("inspect", "--format", form, stage.app).stdout.split() == ["5", "exited", "on-failure"]


def test_g2_php_listens_in_no_network_and_its_socket_is_its_sidecars_alone(pair: tuple[Stage, Stage]) -> None:
    one, other = pair
    listening = "cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}'"
    assert one.inside(one.app, "bash", "-c", listening).stdout == ""
    # The control: the same question finds the sidecar's port, 8080.
    assert ":1F90" in one.inside(one.web, "bash", "-c", listening).stdout
    volumes = [
        {
            mount["Name"]
            for mount in json.loads(docker("inspect", name).stdout)[0]["Mounts"]
            if mount["Destination"] == "/run/app"
        }
        for stage in (one, other)
        for name in (stage.web, stage.app)
    ]
    assert volumes[0] == volumes[1] != volumes[2] == volumes[3]
    (volume,) = volumes[0]
    ask = "use IO::Socket::UNIX; exit !IO::Socket::UNIX->new(Peer => '/run/app/php-fpm.sock')"
    run = ("run", "--rm", "--network", "none", "--cap-drop", "ALL", "-v", f"{volume}:/run/app")
    asked = {
        user: docker(*run, "--user", user, one.images["php"], "perl", "-e", ask).returncode
        for stage in (one, other)
        for user in (f"{stage.spec.uid}:{stage.spec.uid}", f"{stage.spec.sidecar_uid}:{stage.spec.uid}")
    }
    # Even with the volume in hand no plugin comes in, and no other app's sidecar; the control is the app's own.
    assert list(asked.values()) == [1, 0, 1, 1]


def test_n3_n4_neither_the_host_nor_a_published_port_is_there_for_the_plugin(pair: tuple[Stage, Stage]) -> None:
    one, other = pair
    gateway = gateway_of(one.web)
    with closing(socket.create_server((gateway, 0))) as service:
        port = service.getsockname()[1]
        for address in (gateway, "127.0.0.1"):
            assert not connects(one, one.app, address, port)
            # What another app publishes is on the host's loopback: not even the sidecar's gateway leads there.
            assert not connects(one, one.app, address, other.port)
            assert not connects(one, one.web, address, other.port)
        # The control: a container with a network finds what listens on its gateway.
        script = f"exec 3<>/dev/tcp/{gateway}/{port}"
        soft = (
            "run",
            "--rm",
            "--network",
            one.spec.environment_name,
            one.images["php"],
            "timeout",
            "2",
            "bash",
            "-c",
            script,
        )
        assert docker(*soft).returncode == 0
