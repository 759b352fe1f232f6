"""What the commands refuse, before they change anything, and what they say then."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.paas.ops.installation import ROOT, Installation


@pytest.mark.parametrize("command", ["up", "down", "bench"])
def test_an_unknown_option_is_refused_with_the_usage(berth: Installation, command: str) -> None:
    result = berth.run(command, "--no-such-option")
    assert result.returncode == 2
    assert f"usage: bin/{command}" in result.stderr
    assert "--no-such-option" in result.stderr
    assert not berth.home.exists()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("up", ["--no-install", "--detach", "--no-demo"]),
        ("down", ["--purge"]),
        ("test", ["--no-install", "--only-pytest"]),
        ("bench", ["--no-install"]),
    ],
)
def test_help_names_every_option(berth: Installation, command: str, options: list[str]) -> None:
    result = berth.run(command, "--help")
    assert result.returncode == 0
    for option in options:
        assert option in result.stdout


@pytest.mark.parametrize(
    "setting",
    ["BERTH_WEB_PORT", "BERTH_EDGE_PORT", "BERTH_EDGE_TLS_PORT", "BERTH_DNS_LISTEN_PORT", "BERTH_DNS_API_PORT"],
)
def test_a_port_in_use_is_named_with_its_process_and_setting(berth: Installation, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = berth.up(**{setting: str(port)})
    assert result.returncode == 1
    assert f"port {port} is in use by process {os.getpid()} (" in result.stderr
    assert f"set {setting} to another port" in result.stderr
    assert berth.processes() == {}


def test_a_port_that_is_in_use_for_udp_alone_is_seen(berth: Installation) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = taken.getsockname()[1]
        result = berth.up(BERTH_DNS_LISTEN_PORT=str(port))
    assert result.returncode == 1
    assert f"UDP port {port} is in use by process {os.getpid()} (" in result.stderr
    assert "set BERTH_DNS_LISTEN_PORT to another port" in result.stderr


def test_a_port_taken_on_ipv6_alone_is_seen(berth: Installation) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6) as taken:
        result = berth.up(BERTH_EDGE_PORT=str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert f"process {os.getpid()}" in result.stderr


@pytest.mark.parametrize("value", ["0", "65536", "eighty", "-1", "80 80", "١٢٣"])
def test_a_port_that_is_none_is_refused(berth: Installation, value: str) -> None:
    result = berth.up(BERTH_EDGE_PORT=value)
    assert result.returncode == 1
    assert f"BERTH_EDGE_PORT is {value!r}: set a port from 1 to 65535" in result.stderr
    assert not berth.home.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BERTH_WEB_PORT", "BERTH_EDGE_PORT"),
        ("BERTH_WEB_PORT", "BERTH_EDGE_TLS_PORT"),
        ("BERTH_EDGE_PORT", "BERTH_EDGE_TLS_PORT"),
        ("BERTH_EDGE_PORT", "BERTH_DNS_API_PORT"),
    ],
)
def test_one_port_for_two_is_refused(berth: Installation, one: str, other: str) -> None:
    result = berth.up(**{one: "8123", other: "8123"})
    assert result.returncode == 1
    assert f"{one} and {other} are both 8123" in result.stderr


def test_a_tls_port_that_is_none_is_refused_with_the_way_to_have_none(berth: Installation) -> None:
    result = berth.up(BERTH_EDGE_TLS_PORT="-1")
    assert result.returncode == 1
    assert "BERTH_EDGE_TLS_PORT is '-1': set a port from 1 to 65535, or 0 for none" in result.stderr


@pytest.mark.parametrize("name", ["Berth", "1berth", "berth/../x", "berth x", "a" * 31])
def test_a_name_that_docker_could_not_carry_is_refused(berth: Installation, name: str) -> None:
    result = berth.up(BERTH_INSTALLATION=name)
    assert result.returncode == 1
    assert "BERTH_INSTALLATION is" in result.stderr
    assert not berth.home.exists()


def test_a_setting_with_a_line_break_is_refused(berth: Installation) -> None:
    result = berth.up(BERTH_APPS_DOMAIN="apps.localhost\nBERTH_SECRET_KEY=mine")
    assert result.returncode == 1
    assert "BERTH_APPS_DOMAIN holds a line break" in result.stderr
    assert not berth.home.exists()


@pytest.mark.parametrize("name", ["with space", "with;semicolon", "with'quote", "with%percent"])
def test_a_home_that_configuration_files_could_not_carry_is_refused(berth: Installation, name: str) -> None:
    home = berth.home.parent / name
    result = berth.up(BERTH_HOME=str(home))
    assert result.returncode == 1
    assert "BERTH_HOME is" in result.stderr
    assert not home.exists()


def test_missing_packages_are_named_with_their_reason_and_nothing_is_installed(
    berth: Installation, tmp_path: Path
) -> None:
    result = berth.up(PATH=str(tmp_path / "empty"))
    assert result.returncode == 2
    for package, reason in [("redis-server", "carries the wake-up messages"), ("rsync", "copies a release")]:
        line = next(line for line in result.stderr.splitlines() if line.split()[:1] == [package])
        assert reason in line
    assert "apt-get install --no-install-recommends" in result.stderr
    assert not berth.home.exists()


def test_tests_and_benchmarks_name_missing_packages_too(berth: Installation, tmp_path: Path) -> None:
    for command in ("test", "bench"):
        result = berth.run(command, "--no-install", PATH=str(tmp_path / "empty"))
        assert result.returncode == 2
        assert "redis-server" in result.stderr


def test_a_directory_of_somebody_else_is_neither_used_nor_removed(berth: Installation) -> None:
    berth.home.mkdir()
    (berth.home / "thesis.txt").write_text("years of work")
    refused = berth.up()
    assert refused.returncode == 1
    assert "not empty and was not made by bin/up" in refused.stderr
    purged = berth.run("down", "--purge")
    assert purged.returncode == 0
    assert "bin/up did not make" in purged.stdout
    assert [path.name for path in berth.home.iterdir()] == ["thesis.txt"]


def test_down_where_nothing_ever_ran_says_so(berth: Installation) -> None:
    result = berth.run("down")
    assert result.returncode == 0
    assert "nothing to do" in result.stdout
    assert not berth.home.exists()


def test_a_gitlab_without_a_token_is_refused(berth: Installation) -> None:
    result = berth.up(FORGE_URL="http://127.0.0.1:9/")
    assert result.returncode == 1
    assert "set FORGE_TOKEN" in result.stderr


def test_no_engine_at_the_address_that_was_set(berth: Installation, tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/docker.sock"
    result = berth.up(BERTH_DOCKER_URL=url)
    assert result.returncode == 1
    assert f"no Docker Engine answers at {url}" in result.stderr
    # There is no engine to clean up on either.
    shutil.rmtree(berth.home)


def test_ci_runs_the_tests_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0].startswith("#!")
    assert lines[1:] == ['exec "$(dirname "$0")/../bin/test"']
    for command in (".ci/run", "bin/up", "bin/down", "bin/test", "bin/bench"):
        assert os.access(ROOT / command, os.X_OK)
