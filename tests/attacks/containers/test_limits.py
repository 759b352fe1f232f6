"""D6, D8, D10, D12: a plugin takes all it can get, and its neighbour goes on answering. Each with its control."""

import concurrent.futures
import contextlib
import http.client
import time
from collections.abc import Callable, Iterator

import pytest

from tests.provisioning.containers.fixtures import slot
from tests.provisioning.containers.stage import HELLO, Slot, Stage, docker, staged
from tests.provisioning.reconcile.ship import until

__all__ = ["slot"]
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def neighbour(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(slot, tmp_path_factory.mktemp("neighbour")) as stage:
        stage.write("index.php", HELLO)
        yield stage.started()


def test_d6_a_fork_bomb_ends_at_the_limit_and_the_neighbour_answers(
    make_stage: Callable[..., Stage], neighbour: Stage
) -> None:
    stage = make_stage(pids=40).started()
    bomb = "$| = 1; my $n = 0; while ($n < 5000) { my $p = fork; last unless defined $p; "
    bomb += "if (!$p) { sleep 20; exit } $n++ } print qq{$n $!\\n}; kill 9, 0;"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        bombing = pool.submit(stage.inside, stage.app, "perl", "-e", bomb)
        while not bombing.done():
            assert neighbour.text() == "hello from nobody"
    forked, error = bombing.result().stdout.split(" ", 1)
    assert int(forked) < 40
    assert error.strip() == "Resource temporarily unavailable"
    started = time.monotonic()
    stage.engine.stop([stage.app], timeout_s=0)
    assert time.monotonic() - started < 30
    control = docker(
        "run",
        "--rm",
        "--network",
        "none",
        "--pids-limit",
        "200",
        stage.images["php"],
        "perl",
        "-e",
        bomb.replace("5000", "100"),
    )
    assert int(control.stdout.split()[0]) == 100


def test_d8_a_memory_bomb_ends_in_its_own_container_only(make_stage: Callable[..., Stage], neighbour: Stage) -> None:
    stage = make_stage(memory_mib=64)
    stage.started()
    bomb = stage.inside(stage.app, "perl", "-e", "my @a; push @a, 'x' x 1_000_000 for 1 .. 2000; print 'all of it'")
    assert bomb.returncode == 137
    assert "all of it" not in bomb.stdout
    assert neighbour.text() == "hello from nobody"
    stage.wait()
    control = docker(
        "run",
        "--rm",
        "--network",
        "none",
        stage.images["php"],
        "perl",
        "-e",
        "my @a; push @a, 'x' x 1_000_000 for 1 .. 200; print 'all of it'",
    )
    assert control.stdout == "all of it"


def test_d8_a_plugin_killed_for_its_memory_says_so(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(memory_mib=32)
    stage.started()
    stage.inside(stage.app, "perl", "-e", "my @a; push @a, 'x' x 1_000_000 for 1 .. 2000")
    docker("kill", stage.app)
    assert "after it used more memory than its limit" in stage.engine.endings([stage.app])[stage.app]


def test_d8_a_plugin_that_the_engine_started_again_after_that_says_so_too(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(memory_mib=48, disk_mib=512)
    stage.write("index.php", "<?php while (true) { file_put_contents('/tmp/eaten', str_repeat('x', 1 << 20), 8); }")
    stage.write("style.css", "")
    assert stage.deploy().returncode == 0
    stage.wait("/style.css")
    stage.wait_for_plugin()
    with contextlib.suppress(OSError, http.client.HTTPException):
        stage.get()
    until(lambda: "started again" in how(stage) and "memory" in how(stage), "the engine has started it again")
    assert "more memory than its limit" in how(stage)


def how(stage: Stage) -> str:
    return stage.engine.endings([stage.app])[stage.app]


def test_d10_the_writable_memory_is_as_large_as_the_environments_disk(
    make_stage: Callable[..., Stage], neighbour: Stage
) -> None:
    stage = make_stage(disk_mib=8, memory_mib=128).started()
    for name in (stage.app, stage.web):
        filled = stage.inside(name, "bash", "-c", "head -c 200m /dev/zero > /tmp/a; wc -c < /tmp/a; rm /tmp/a")
        assert "No space left on device" in filled.stderr
    filled = stage.inside(
        stage.app,
        "bash",
        "-c",
        "for i in 1 2 3; do head -c 5m /dev/zero > /tmp/$i; done; cat /tmp/[123] | wc -c; rm /tmp/[123]",
    )
    assert "No space left on device" in filled.stderr
    assert int(filled.stdout) <= 8 * 1024**2
    inodes = stage.inside(
        stage.app,
        "bash",
        "-c",
        "for ((i = 0; i < 5000; i++)); do : > /tmp/$i || break; done; echo $i; rm -f /tmp/[0-9]*",
    )
    assert "No space left on device" in inodes.stderr
    assert int(inodes.stdout.split()[-1]) < 1100
    assert stage.text() == neighbour.text() == "hello from nobody"


def test_d10_the_sockets_place_is_small(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage().started()
    filled = stage.inside(
        stage.app, "bash", "-c", "head -c 5m /dev/zero > /run/app/a; wc -c < /run/app/a; rm /run/app/a"
    )
    assert "No space left on device" in filled.stderr
    assert int(filled.stdout) <= 1024**2
    inodes = stage.inside(
        stage.app,
        "bash",
        "-c",
        "for ((i = 0; i < 500; i++)); do : > /run/app/$i || break; done; echo $i; rm -f /run/app/[0-9]*",
    )
    assert int(inodes.stdout.split()[-1]) < 64
    assert stage.text() == "hello from nobody"


def test_d10_a_plugin_that_takes_its_sockets_place_harms_only_itself(make_stage: Callable[..., Stage]) -> None:
    """The socket's directory is shared with the platform's nginx: a link in it leads to nothing of value there."""
    stage = make_stage()
    stage.write("own.txt", "static")
    stage.started()
    assert (
        stage.inside(
            stage.app, "bash", "-c", "rm /run/app/php-fpm.sock && ln -s /etc/passwd /run/app/php-fpm.sock"
        ).returncode
        == 0
    )
    with pytest.raises(OSError, match=r"closed|reset"):
        stage.get("/")
    assert stage.text("/own.txt") == "static"


def test_d12_open_files_end_at_the_limit(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage().started()
    script = "my @f; while (@f < 9000 && open my $f, '<', '/dev/null') { push @f, $f } print scalar(@f), ' ', $!"
    count, error = stage.inside(stage.app, "perl", "-e", script).stdout.split(" ", 1)
    assert int(count) < 1024
    assert error == "Too many open files"
    control = docker(
        "run", "--rm", "--network", "none", "--ulimit", "nofile=20000", stage.images["php"], "perl", "-e", script
    )
    assert control.stdout.split()[0] == "9000"


def test_a_core_is_not_written(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage().started()
    limits = stage.inside(stage.app, "bash", "-c", "ulimit -Hc").stdout.strip()
    assert limits == "0"


def test_swap_gives_no_second_memory(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage().started()
    form = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.OomScoreAdj}}"
    assert docker("inspect", "--format", form, stage.app).stdout.split() == [str(256 * 1024**2)] * 2 + ["500"]


def test_a_log_that_grows_is_cut(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    stage.write("index.php", "<?php for ($i = 0; $i < 8000; $i++) { error_log(str_repeat('x', 8000)); } echo 'said';")
    stage.started()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(stage.text, "/").result() == "said"
    log = docker("inspect", "--format", "{{.LogPath}}", stage.app).stdout.strip()
    sizes = docker(
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        f"{log.rpartition('/')[0]}:/log:ro",
        stage.images["web"],
        "bash",
        "-c",
        "cat /log/*-json.log* | wc -c",
    )
    assert 0 < int(sizes.stdout) <= 31 * 1024**2
