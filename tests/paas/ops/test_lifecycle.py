"""The platform comes up, stays up, goes down and leaves nothing: the real processes on the real Docker Engine."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cryptography import x509
from django.conf import settings

from tests.paas.ops.installation import ROOT, Installation, installation

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PROCESSES = {"redis", "dns", "web", "worker", "beat", "runner", "edge"} | ({"fallback"} if os.geteuid() == 0 else set())


def docker(*arguments: str) -> str:
    argv = ["docker", "--host", settings.DOCKER_URL, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation that is up, for the tests that look at it and leave it up."""
    with installation(tmp_path_factory.mktemp("ops") / "home") as found:
        result = found.up()
        assert result.returncode == 0, result.stdout + result.stderr
        yield found


def test_everything_is_up_and_its_places_are_printed(running: Installation) -> None:
    assert set(running.processes()) == PROCESSES
    said = running.up().stdout
    web, edge = running.environment["BERTH_WEB_PORT"], running.environment["BERTH_EDGE_PORT"]
    dig = f"dig @127.0.0.1 -p {running.environment['BERTH_DNS_LISTEN_PORT']} app1000001.apps.localhost"
    tls = f"https://127.0.0.1:{running.environment['BERTH_EDGE_TLS_PORT']}/"
    for place in [
        dig,
        tls,
        f":{web}/",
        f":{web}/api/v1/",
        f":{web}/api/v1/docs/",
        f":{web}/forge",
        f":{edge}/",
        "/log/",
    ]:
        assert place in said


def test_the_web_and_the_edge_answer(running: Installation) -> None:
    for port, path, status in [("BERTH_WEB_PORT", "/api/v1/health/", 200), ("BERTH_EDGE_PORT", "/", 404)]:
        connection = HTTPConnection("127.0.0.1", int(running.environment[port]), timeout=10)
        connection.request("GET", path)
        assert connection.getresponse().status == status
        connection.close()


def test_a_client_that_asks_every_few_seconds_keeps_its_connection(running: Installation) -> None:
    connection = HTTPConnection("127.0.0.1", int(running.environment["BERTH_WEB_PORT"]), timeout=20)
    local = []
    for pause_s in (0, 6):
        time.sleep(pause_s)
        connection.request("GET", "/api/v1/health/")
        answer = connection.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)
        local.append(connection.sock.getsockname())
    connection.close()
    assert local[0] == local[1]


def test_the_edge_has_a_certificate_for_the_apps_names_from_the_first_minute(running: Installation) -> None:
    address = ("127.0.0.1", int(running.environment["BERTH_EDGE_TLS_PORT"]))
    shown = x509.load_pem_x509_certificate(ssl.get_server_certificate(address).encode())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.apps.localhost", "*.test.apps.localhost"]
    assert stat.S_IMODE((running.home / "self-signed" / "apps.localhost.pem").stat().st_mode) == 0o600
    # A name that no app has.
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        ssl.create_default_context().wrap_socket(socket.create_connection(address), server_hostname="a.apps.localhost")


def test_the_doctor_finds_every_part_well(running: Installation) -> None:
    lines = running.manage("doctor").splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    parts = {line.partition(":")[0].split(maxsplit=1)[1] for line in lines}
    assert parts >= {"database", "migrations", "broker", "workers", "web", "forge", "edge", "engine of local", "disk"}
    assert parts >= {"DNS account embedded", "zone apps.localhost", "certificate apps.localhost"}


def test_a_second_up_changes_nothing(running: Installation) -> None:
    before = running.processes()
    result = running.up()
    assert result.returncode == 0
    assert "it is up already" in result.stdout
    assert running.processes() == before


def test_up_with_other_settings_is_refused_and_names_them(running: Installation) -> None:
    before = running.processes()
    result = running.up(BERTH_APPS_DOMAIN="other.localhost")
    assert result.returncode == 1
    assert "BERTH_APPS_DOMAIN" in result.stderr
    assert "run bin/down first" in result.stderr
    assert running.processes() == before


def test_a_process_that_was_stopped_is_started_by_the_next_up(running: Installation) -> None:
    control = [str(ROOT / ".venv" / "bin" / "supervisorctl"), "-c", str(running.home / "run" / "supervisord.conf")]
    subprocess.run([*control, "stop", "beat"], check=True, capture_output=True)
    result = running.up()
    assert "started again: beat" in result.stdout
    assert set(running.processes()) == PROCESSES


def test_a_killed_process_comes_back_by_itself(running: Installation) -> None:
    killed = running.processes()["worker"]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while running.processes().get("worker", killed) == killed and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running.processes().get("worker", killed) != killed


def test_each_process_has_a_log_of_its_own(running: Installation) -> None:
    for name in PROCESSES | {"supervisord", "setup"}:
        assert (running.home / "log" / f"{name}.log").is_file()


def test_secrets_stand_in_one_private_file_and_nowhere_else(running: Installation) -> None:
    secrets = running.secrets()
    assert set(secrets) == {"BERTH_SECRET_KEY", "BERTH_FIELD_ENCRYPTION_KEYS", "FORGE_TOKEN", "BERTH_DNS_API_KEY"}
    assert stat.S_IMODE((running.home / "secrets.env").stat().st_mode) == 0o600
    seen = [
        (running.home / "settings.env").read_text(),
        (running.home / "run" / "supervisord.conf").read_text(),
        *(path.read_text(errors="replace") for path in (running.home / "log").glob("*.log")),
    ]
    for pid in running.processes().values():
        seen.append(Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace"))
        seen.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"))
    for value in secrets.values():
        assert not any(value in text for text in seen)


def test_other_users_of_the_machine_see_neither_database_nor_logs(running: Installation) -> None:
    private = ["berth.sqlite3", "secrets.env", "log", "redis", "run", "run/redis.sock"]
    for name in [*private, "dns", "dns/pdns.conf", "dns/pdns.sqlite3"]:
        assert (running.home / name).stat().st_mode & 0o077 == 0, name
    assert stat.S_IMODE(running.home.stat().st_mode) == 0o711


def test_a_command_run_by_hand_finds_the_same_settings(running: Installation) -> None:
    script = "from django.conf import settings; print(settings.FORGE_URL, settings.EDGE_PORT, settings.INSTALLATION)"
    url = f"http://127.0.0.1:{running.environment['BERTH_WEB_PORT']}/forge"
    expected = f"{url} {running.environment['BERTH_EDGE_PORT']} {running.environment['BERTH_INSTALLATION']}"
    assert expected in running.manage("shell", "-c", script)


def test_down_keeps_what_there_is_and_up_brings_it_back(berth: Installation) -> None:
    assert berth.up().returncode == 0
    secrets = berth.secrets()
    down = berth.run("down")
    assert down.returncode == 0
    assert berth.processes() == {}
    assert not (berth.home / "run" / "supervisord.pid").exists()
    assert "none were running" in berth.run("down").stdout
    assert berth.up().returncode == 0
    assert berth.secrets() == secrets
    assert set(berth.processes()) == PROCESSES


def test_up_after_everything_was_killed(berth: Installation) -> None:
    assert berth.up().returncode == 0
    before = berth.processes()
    manager = int((berth.home / "run" / "supervisord.pid").read_text())
    # The process manager first: what it ran goes on without it and holds the ports.
    os.kill(manager, signal.SIGKILL)
    result = berth.up()
    assert result.returncode == 0, result.stderr
    after = berth.processes()
    assert set(after) == PROCESSES
    assert not set(after.values()) & set(before.values())


def test_purge_removes_its_own_and_nothing_else(berth: Installation, tmp_path: Path) -> None:
    assert berth.up().returncode == 0
    mine, other = berth.environment["BERTH_INSTALLATION"], f"{settings.INSTALLATION}-other"
    image = docker("images", "--quiet").split()[0]
    made: dict[str, list[str]] = {}
    neighbour = tmp_path / "neighbour"
    neighbour.write_text("stays")
    (berth.home / "releases").mkdir(exist_ok=True)
    (berth.home / "releases" / "link").symlink_to(tmp_path)
    try:
        for name in (mine, other, f"{mine}x"):
            label = f"--label=berth.installation={name}"
            made[name] = [
                docker("create", label, "--network", "none", image, "true").strip(),
                docker("network", "create", label, "--internal", f"{name}-network").strip(),
                docker("volume", "create", label, f"{name}-volume").strip(),
            ]
        result = berth.run("down", "--purge")
        assert result.returncode == 0, result.stderr
        left = docker("ps", "-aq", "--no-trunc") + docker("network", "ls", "-q", "--no-trunc")
        left += docker("volume", "ls", "-q")
        for name, identities in made.items():
            assert [identity in left.split() for identity in identities] == [name != mine] * 3
        assert not berth.home.exists()
        assert neighbour.read_text() == "stays"
    finally:
        for identities in made.values():
            for kind, identity in zip(("container", "network", "volume"), identities, strict=True):
                argv = ["docker", "--host", settings.DOCKER_URL, kind, "rm", identity]
                subprocess.run(argv, capture_output=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_the_foreground_a_signal_stops_everything(berth: Installation, number: signal.Signals) -> None:
    argv = [sys.executable, str(ROOT / "bin" / "up"), "--no-demo", "--no-install"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=berth.environment, cwd="/") as running:
        assert running.stdout
        for line in running.stdout:
            if "Ctrl-C stops it" in line:
                break
        pids = berth.processes()
        assert set(pids) == PROCESSES
        running.send_signal(number)
        rest = running.stdout.read()
    assert running.returncode == 0
    assert "stopping" in rest
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_a_process_that_does_not_come_up_is_named_with_the_end_of_its_log(berth: Installation) -> None:
    assert berth.up().returncode == 0
    assert berth.run("down").returncode == 0
    for path in (berth.home / "redis" / "appendonlydir").glob("*.aof"):
        path.write_text("this is no log of Redis\n")
    result = berth.up()
    assert result.returncode == 1
    assert "redis is not healthy" in result.stderr
    assert "Bad file format" in result.stderr
    assert berth.processes() == {}


def test_of_two_that_start_at_once_on_the_same_ports_only_one_may_say_that_it_is_up(
    berth: Installation, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    argv = [sys.executable, str(ROOT / "bin" / "up"), "--detach", "--no-demo", "--no-install"]
    started = [
        subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=berth.environment | {"BERTH_HOME": str(home)}, cwd="/")
        for home in (berth.home, other)
    ]
    try:
        assert [running.wait() for running in started].count(0) <= 1
    finally:
        berth.run("down", "--purge", BERTH_HOME=str(other))


def test_a_home_with_a_long_path_comes_up_too(tmp_path: Path) -> None:
    with installation(tmp_path / ("deep" * 10) / ("down" * 10) / "home") as berth:
        result = berth.up()
        assert result.returncode == 0, result.stderr
        purged = berth.run("down", "--purge")
        assert purged.returncode == 0
        assert not berth.home.exists()
