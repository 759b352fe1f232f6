"""Pools come, change and go while others serve; what php-fpm refuses changes nothing."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from provisioning.edge.fallback import HostFallback, php_fpm
from provisioning.exceptions import OperatorError, PermanentError, ServiceUnavailable
from tests.provisioning.edge.fallback.stage import Machine, mounts, until

HELLO = {"index.php": "<?php echo 'hello';"}


def files(machine: Machine) -> dict[str, str]:
    home = machine.home / "fallback"
    return {path.name: path.read_text() for path in (*home.glob("*.conf"), *(home / "pools").iterdir())}


def test_what_is_there_already_is_left_as_it_is(machine: Machine) -> None:
    plugin = machine.plugin(1, HELLO).served({"A": "b"})
    before, master = files(machine), machine.master()
    assert machine.fallback.ensure(plugin.spec, {"A": "b"}) is False
    assert (files(machine), machine.master()) == (before, master)


def test_two_deployments_of_an_environment_stand_side_by_side(machine: Machine) -> None:
    old = machine.plugin(2, {"index.php": "<?php echo 'old';"}, deployment=1).served()
    new = machine.plugin(2, {"index.php": "<?php echo 'new';"}, deployment=2)
    machine.fallback.ensure(new.spec, {})
    assert old.get().body == "old"
    new.served()
    assert new.get().body == "new"
    machine.fallback.remove([old.spec.name])
    assert new.get().body == "new"
    assert not old.root.exists()


def test_nothing_is_left_of_what_is_removed(machine: Machine) -> None:
    plugin = machine.plugin(3, {"index.php": "<?php file_put_contents('/tmp/kept', 'x');"}).served()
    plugin.get()
    assert f"{plugin.root}/tmp" in mounts(machine.home)
    for _ in range(2):
        machine.fallback.remove([plugin.spec.name])
        assert plugin.spec.name not in machine.fallback.names()
        assert f"{plugin.root}/tmp" not in mounts(machine.home)
        assert not plugin.root.exists()
    until(lambda: not Path(plugin.spec.socket).exists(), "the socket is gone")
    # The release itself is not what was removed.
    assert (Path(plugin.spec.code) / "index.php").exists()


def test_a_pool_that_php_fpm_refuses_changes_nothing(machine: Machine) -> None:
    other = machine.plugin(4, HELLO).served()
    before = files(machine)
    refused = machine.plugin(5, HELLO, worker_user="nobody-at-all")
    with pytest.raises(PermanentError, match="nobody-at-all"):
        machine.fallback.ensure(refused.spec, {})
    assert files(machine) == before
    assert other.get().body == "hello"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"worker_user": "x\nuser = root"}, "worker_user"), ({"app_id": "app1000001\n"}, "app_id"), ({"uid": 0}, "uid"),
        ({"environment": "../x"}, "environment"), ({"port": 80}, "port"), ({"stack": "python"}, "stack"),
        ({"memory_mib": 10**9}, "memory_mib"), ({"deployment": 0}, "deployment"),
    ],
)  # fmt: skip
def test_no_value_breaks_out_of_its_place(machine: Machine, fields: dict[str, object], named: str) -> None:
    before = files(machine)
    with pytest.raises(ValueError, match=named):
        machine.fallback.ensure(machine.plugin(6, HELLO).changed(**fields).spec, {})
    with pytest.raises(ValueError, match="variables: 'A B'"):
        machine.fallback.ensure(machine.plugin(6, HELLO).spec, {"A B": "/tmp"})
    assert files(machine) == before


def test_variables_are_secrets_of_the_app_alone(machine: Machine) -> None:
    plugin = machine.plugin(7, {"index.php": "<?php echo getenv('KEY');"}).served({"KEY": "canary-4711"})
    assert plugin.get().body == "canary-4711"
    held = [path for path in (machine.home / "fallback").rglob("*") if path.is_file() and "etc/" in str(path)]
    file = plugin.root / "etc" / "berth" / "variables.php"
    assert file in held
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, plugin.spec.uid, 0o440)
    assert not any("canary" in text for text in files(machine).values())
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"canary-4711" not in process.read_bytes()
        except OSError:
            continue
    assert "canary" not in machine.manager.said()


def test_none_but_the_edge_passes_to_trees_and_sockets(machine: Machine) -> None:
    plugin = machine.plugin(8, HELLO).served()
    home = machine.home / "fallback"
    modes = {name: stat.S_IMODE((home / name).stat().st_mode) for name in ("roots", "run", "pools")}
    assert modes == {"roots": 0o710, "run": 0o710, "pools": 0o700}
    assert (home / "roots").group() == (home / "run").group() == "www-data"
    place = Path(plugin.spec.socket)
    assert (place.owner(), stat.S_IMODE(place.stat().st_mode)) == ("www-data", 0o600)


def test_a_killed_master_comes_back_with_its_pools(machine: Machine) -> None:
    plugin = machine.plugin(9, HELLO).served()
    master = machine.master()
    os.kill(master, signal.SIGKILL)
    until(lambda: machine.master() not in {0, master}, "another master")
    until(lambda: plugin.get().status == 200, "the plugin")


def test_a_disk_in_memory_that_is_gone_is_there_again(machine: Machine) -> None:
    code = "<?php echo file_put_contents('/tmp/x', 'abc');"
    plugin = machine.plugin(10, {"index.php": code}).served()
    php_fpm.trees._mount(["umount", "--lazy", f"{plugin.root}/tmp"])
    assert plugin.get().body == ""
    assert machine.fallback.ensure(plugin.spec, {}) is True
    assert plugin.get().body == "3"


def test_a_full_pool_does_not_have_the_others_loaded_again(machine: Machine) -> None:
    other, busy = machine.plugin(11, HELLO).served(), machine.plugin(12, {"index.php": "<?php sleep(3);"}).served()
    said = machine.manager.said().count("Reloading in progress")
    raw = "GET / HTTP/1.1\r\nHost: app1000012.apps.localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", machine.edge.port)) as connection:
        connection.sendall(raw.encode())
        until(lambda: "max_children" in machine.manager.said(), "the pool is full")
        assert machine.fallback.ensure(busy.spec, {}) is False
        assert other.get().body == "hello"
    assert machine.manager.said().count("Reloading in progress") == said


def test_a_release_whose_files_are_gone_says_so(machine: Machine) -> None:
    plugin = machine.plugin(13)
    with pytest.raises(OperatorError, match="deploy the release again"):
        machine.fallback.ensure(plugin.spec, {})
    assert not plugin.root.exists()


def test_without_a_pool_left_php_fpm_ends_and_the_next_one_starts_it(machine: Machine) -> None:
    machine.plugin(14, HELLO).served()
    machine.fallback.remove(machine.fallback.names())
    until(lambda: not machine.master(), "php-fpm ended")
    assert (mounts(machine.home), files(machine)) == ([], {})
    assert machine.plugin(15, HELLO).served().get().body == "hello"


def test_where_nobody_runs_php_fpm_that_is_said_and_nothing_is_kept(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(php_fpm, "LOAD_TIMEOUT_S", 0.3)
    lonely = HostFallback(machine.home / "lonely", worker_user="www-data")
    spec = machine.plugin(16, HELLO).changed(home=machine.plugin(16).spec.home.parent / "lonely").spec
    with pytest.raises(ServiceUnavailable, match=r"start it .* fallback_config"):
        lonely.ensure(spec, {})
    lonely_home = machine.home / "lonely"
    assert [*lonely_home.glob("*.conf"), *(lonely_home / "pools").iterdir()] == []
    lonely.remove(lonely.names())
    assert list((machine.home / "lonely" / "roots").iterdir()) == []
