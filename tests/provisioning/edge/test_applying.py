"""What the driver promises: all of it or nothing, together with others, and an error that says whose move it is."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from provisioning.edge import EdgeNginx, edge_command, edge_from_settings, locks
from provisioning.exceptions import OperatorError, PermanentError, RetryableError, ServiceUnavailable
from tests.provisioning.edge.running import RunningEdge, Upstream, free_port, hostname, running_edge, site, wait_until

Start = Callable[..., Upstream]


@pytest.mark.parametrize("text", ["server {", "nonsense on;\n", "", "}\n", "upstream app1000001-production {}\n"])
def test_text_that_nginx_refuses_leaves_every_byte_as_it_was(edge: RunningEdge, upstream: Start, text: str) -> None:
    edge.edge.apply(site(upstream("live")))
    before, generation = edge.configuration(), edge.edge.served_generation()
    # An empty file is no configuration error: here it stands beside one that is.
    with pytest.raises(PermanentError, match="nginx refuses"):
        edge.edge.apply({"app1000001-production": text, "app1000009-production": "server { nonsense; }"})
    assert edge.configuration() == before
    assert edge.edge.served_generation() == generation
    assert edge.get(hostname()).upstream == "live"
    assert not list(edge.home.glob(".candidate-*"))


def test_error_names_nginxs_reason_and_the_file(edge: RunningEdge) -> None:
    with pytest.raises(PermanentError, match=r'unknown directive "nonsense" in .*/edge/sites/broken\.conf:1'):
        edge.edge.apply({"broken": "nonsense on;\n"})


def test_hostname_of_another_site_is_not_taken_over(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(site(upstream("rightful")))
    before = edge.configuration()
    with pytest.raises(PermanentError, match=hostname()):
        edge.edge.apply(site(upstream("thief"), number=2, hostnames=(hostname(),)))
    assert edge.configuration() == before
    assert edge.get(hostname()).upstream == "rightful"


def test_nothing_changed_is_no_reload(upstream: Start) -> None:
    with running_edge(is_talkative=True) as edge:
        files = site(upstream("live"))
        edge.edge.apply(files)
        generation, reloads = edge.edge.served_generation(), edge.reloads()
        assert reloads == 1
        for _ in range(5):
            edge.edge.apply(files)
            edge.edge.apply({"app1000002-production": None})
            edge.edge.ensure_main()
        # `ensure_main` took back the log level that this test had set: one reload, and none after it.
        assert edge.edge.served_generation() == (generation or 0) + 1
        assert edge.reloads() == reloads + 1


def test_change_on_its_own_waits_for_no_turn(
    edge: RunningEdge, upstream: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge.edge.apply(site(upstream("first")))
    time.sleep(1.1)

    def never(_seconds: float) -> None:
        raise AssertionError("it waits although nobody reloaded within the last second")

    monkeypatch.setattr(locks, "time", SimpleNamespace(monotonic=time.monotonic, sleep=never))
    edge.edge.apply(site(upstream("second")))
    assert edge.get(hostname()).upstream == "second"


def test_many_changes_at_once_share_reloads(upstream: Start) -> None:
    """200 changes from 40 threads and 4 other processes."""
    live = upstream("live")
    with running_edge(is_talkative=True) as edge:
        script = (
            "import sys; from pathlib import PurePosixPath; from provisioning.edge.nginx import EdgeNginx; "
            "from provisioning.rendering.specs import EdgeSpec; from tests.provisioning.edge.running import site; "
            "home, port, user, upstream, first = sys.argv[1:]; "
            "edge = EdgeNginx(EdgeSpec(home=PurePosixPath(home), listen_address='127.0.0.1', listen_port=int(port), "
            "user=user)); "
            "[edge.apply(site(int(upstream), number=int(first) + i)) for i in range(10)]"
        )
        started = time.monotonic()
        processes = [
            subprocess.Popen([sys.executable, "-c", script, str(edge.home), str(edge.port), edge.edge.spec.user,
                              str(live.port), str(1000 + 10 * index)], cwd=Path(__file__).parents[3])
            for index in range(4)
        ]  # fmt: skip
        errors: list[BaseException] = []

        def four_changes(first: int) -> None:
            try:
                for number in range(first, first + 4):
                    edge.edge.apply(site(live, number=number))
                    # Not only written: served.
                    assert edge.get(hostname(number)).upstream == "live"
            except BaseException as exc:
                errors.append(exc)

        threads = [threading.Thread(target=four_changes, args=(1 + 4 * index,)) for index in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [process.wait() for process in processes] == [0, 0, 0, 0]
        seconds = time.monotonic() - started
        assert errors == []
        numbers = [*range(1, 161), *range(1000, 1040)]
        assert {edge.get(hostname(number)).upstream for number in numbers} == {"live"}
        # At most one a second: counted in nginx's own log, against as many seconds as it took.
        assert 1 <= edge.reloads() <= seconds + 1
        assert edge.reloads() < 100


def test_broken_change_among_good_ones_fails_alone(edge: RunningEdge, upstream: Start) -> None:
    live = upstream("live")
    failed: list[int] = []

    def change(number: int) -> None:
        files: dict[str, str | None] = {**site(live, number=number)}
        if number % 4 == 0:
            files = dict.fromkeys(files, "nonsense;")
        try:
            edge.edge.apply(files)
        except PermanentError:
            failed.append(number)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(failed) == [4, 8, 12]
    served = [number for number in range(1, 13) if edge.get(hostname(number)).upstream == "live"]
    assert served == [1, 2, 3, 5, 6, 7, 9, 10, 11]


def test_caller_that_died_before_its_reload_is_made_up_for(edge: RunningEdge, upstream: Start) -> None:
    files = site(upstream("live"))
    interrupted = EdgeNginx(edge.edge.spec)
    interrupted._ensure_served = lambda _change: None  # type: ignore[method-assign]
    interrupted.apply(files)
    assert edge.get(hostname()).status == 404
    edge.edge.apply(files)
    assert edge.get(hostname()).upstream == "live"


def test_nginx_that_is_down_is_to_be_started(edge: RunningEdge) -> None:
    before = edge.configuration()
    edge.stop()
    with pytest.raises(ServiceUnavailable, match="start it") as refusal:
        edge.edge.apply(site(1))
    assert isinstance(refusal.value, RetryableError)
    assert edge.configuration() == before
    assert not edge.edge.is_healthy()


def test_pid_file_of_a_crash_names_nobody(edge: RunningEdge) -> None:
    edge.process.kill()
    edge.process.wait()
    # The number may be a stranger's by now: it gets no signal.
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        (edge.home / "run" / "nginx.pid").write_text(f"{stranger.pid}\n")
        with pytest.raises(ServiceUnavailable):
            edge.edge.apply(site(1))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_nginx_that_does_not_take_the_change_keeps_the_old_one(edge: RunningEdge, upstream: Start) -> None:
    """It passes the test, but the port that it wants is another process's."""
    edge.edge.apply(site(upstream("live")))
    before = edge.configuration()
    taken = upstream("has the port")
    files: dict[str, str | None] = {"app1000002-production": f"server {{ listen 127.0.0.1:{taken.port}; }}\n"}
    with pytest.raises(RetryableError, match="Address already in use"):
        edge.edge.apply(files)
    now = edge.configuration()
    # The number of the configuration only grows.
    assert before.pop("generation.conf") != now.pop("generation.conf")
    assert now == before
    assert edge.get(hostname()).upstream == "live"
    edge.edge.apply(site(upstream("next")))
    assert edge.get(hostname()).upstream == "next"


def write_for_ever(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 4096)


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_disk_that_takes_nothing_is_the_operators(tmp_path: Path, upstream: Start, fault: str) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", home], check=True)
    try:
        with running_edge(home=home, user="root") as edge:
            edge.edge.apply(site(upstream("live")))
            before = edge.configuration()
            sites = edge.home / "sites"
            if fault == "full":
                with pytest.raises(OSError, match="No space left"):
                    write_for_ever(home / "ballast")
                said = "disk .* is full"
            else:
                subprocess.run(["mount", "--bind", sites, sites], check=True)
                subprocess.run(["mount", "-o", "remount,bind,ro", sites], check=True)
                said = "can't be written"
            try:
                with pytest.raises(OperatorError, match=said):
                    edge.edge.apply(site(upstream("other")))
                assert edge.configuration() == before
                assert edge.get(hostname()).upstream == "live"
            finally:
                if fault == "full":
                    (home / "ballast").unlink()
                else:
                    subprocess.run(["umount", sites], check=True)
            edge.edge.apply(site(upstream("later")))
            assert edge.get(hostname()).upstream == "later"
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def test_start_names_the_file_that_is_broken(edge: RunningEdge) -> None:
    edge.stop()
    (edge.home / "sites" / "app1000007-test.conf").write_text("server { listen ")
    with pytest.raises(OperatorError, match=r"sites/app1000007-test\.conf"):
        edge.edge.ensure_main()


def test_broken_neighbour_is_named_rather_than_the_change(edge: RunningEdge, upstream: Start) -> None:
    (edge.home / "sites" / "app1000007-test.conf").write_text("nonsense;")
    with pytest.raises(OperatorError, match=r"app1000007-test\.conf, which was there before"):
        edge.edge.apply(site(upstream("live")))


@pytest.mark.parametrize("name", ["../nginx", "a/b", ".hidden", "", "a\n", "A"])
def test_name_of_a_site_is_no_path(edge: RunningEdge, name: str) -> None:
    with pytest.raises(ValueError, match="sites"):
        edge.edge.apply({name: "server {}"})


def test_edge_that_was_restarted_serves_what_it_did(edge: RunningEdge, upstream: Start) -> None:
    edge.edge.apply(site(upstream("live")))
    edge.process.kill()
    edge.process.wait()
    process = subprocess.Popen(edge_command(edge.edge.spec))
    try:
        wait_until(lambda: edge.edge.is_healthy() and edge.get(hostname()).upstream == "live", "it serves again")
    finally:
        process.terminate()
        process.wait()


def test_command_writes_the_configuration_and_prints_how_to_run_it(
    settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EDGE_HOME, settings.EDGE_PORT, settings.EDGE_USER = tmp_path / "edge", free_port(), "root"
    call_command("edge_config")
    process = subprocess.Popen(json.loads(capsys.readouterr().out))
    try:
        wait_until(edge_from_settings().is_healthy, "the edge answers")
        edge_from_settings().apply({"app1000001-production": None})
    finally:
        process.terminate()
        process.wait()


def test_command_names_the_setting_that_is_wrong(settings: Any, tmp_path: Path) -> None:
    settings.EDGE_HOME, settings.EDGE_ADDRESS = tmp_path / "edge", "not an address"
    with pytest.raises(CommandError, match="listen_address"):
        call_command("edge_config")
