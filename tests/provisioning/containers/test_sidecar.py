"""What a visitor gets from a plugin's containers, and what the edge can tell from how they answer."""

import concurrent.futures
import contextlib
import http.client
import json
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.provisioning.containers.stage import Stage
from tests.provisioning.edge.running import wait_until as until

pytestmark = pytest.mark.docker
ENVIRONMENT = """<?php header('Content-Type: application/json'); echo json_encode([
    'server' => $_SERVER, 'greeting' => getenv('GREETING'), 'env' => getenv(),
    'body' => strlen(file_get_contents('php://input')),
    'extensions' => get_loaded_extensions(), 'uid' => posix_getuid(),
    'opcache' => opcache_get_status(false)['opcache_enabled'] ?? false,
    'files' => array_map(fn ($file) => $file['size'], $_FILES)]);"""


def test_a_php_plugin_answers_with_its_variables_and_the_visitors_address(stage: Stage) -> None:
    stage.write("index.php", ENVIRONMENT)
    stage.variables = {"GREETING": "${HOME} $$ $(id) `id` 'q' \"d\"\nline\u00e4"}
    stage.started()
    headers = {"X-Real-IP": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    found = json.loads(stage.text("/any/path?x=1&y=2", headers=headers))
    assert found["greeting"] == "${HOME} $$ $(id) `id` 'q' \"d\"\nline\u00e4"
    assert found["uid"] == stage.spec.uid
    assert found["opcache"] is True
    server = found["server"]
    assert server["REMOTE_ADDR"] == "203.0.113.7"
    assert server["HTTPS"] == "on"
    assert server["REQUEST_URI"] == "/any/path?x=1&y=2"
    assert server["SCRIPT_NAME"] == "/index.php"
    assert server["HTTP_HOST"] == server["SERVER_NAME"] == "plugin.localhost"
    assert {"gd", "mbstring", "redis", "Zend OPcache"} <= set(found["extensions"])
    assert {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "MAGICK_THREAD_LIMIT": "1"}.items() <= found["env"].items()
    assert not any(name.startswith(("BERTH", "DOCKER", "COMPOSE", "CI_")) for name in found["env"])


def test_files_are_served_and_what_describes_the_plugin_is_not(stage: Stage) -> None:
    served = [
        "style.css",
        "assets/deep/file.txt",
        ".well-known/security.txt",
        "vendor/library/script.js",
        "index.html/x.txt",
    ]
    hidden = [".env", ".htaccess", ".github/workflow.yml", "composer.json", "composer.lock", "data.sqlite", "dump.sql",
              "app.log", "php.ini", "lib/x.inc", "old.phps", "run.sh", "a.php.bak",
              "vendor/library/tool.php", "x.phtml"]  # fmt: skip
    for path in served + hidden:
        stage.write(path, "<?php echo 'ran';" if path.endswith(".php") else f"content of {path}")
    stage.started()
    for path in served:
        assert stage.get(f"/{path}")[::2] == (200, f"content of {path}".encode())
    for path in hidden:
        assert stage.get(f"/{path}")[0] == 404, path


def test_a_picture_is_never_run_as_php(stage: Stage) -> None:
    stage.write("picture.png", "<?php echo 'R', 'AN';")
    stage.started()
    for path in (
        "/picture.png",
        "/picture.png/x.php",
        "/picture.png%00.php",
        "/picture.png/.php",
        "/picture.png%20.php",
    ):
        assert b"RAN" not in stage.get(path)[2], path


def test_the_pools_status_page_is_not_public(stage: Stage) -> None:
    stage.started()
    for path in ("/berth-status", "/berth-ping", "/berth-status?full", "/index.php/berth-ping"):
        assert stage.text(path) == "hello from nobody", path


def test_a_plugin_with_a_public_directory_keeps_the_rest_to_itself(stage: Stage) -> None:
    stage.write("public/index.php", "<?php require __DIR__ . '/../source/page.php';")
    stage.write("source/page.php", "<?php echo 'the page';")
    stage.write("config.yml", "password: x")
    stage.started()
    assert stage.text("/") == "the page"
    assert stage.text("/source/page.php") == "the page"  # the front controller's answer
    assert b"password" not in stage.get("/config.yml")[2]


def test_a_static_plugin_is_one_container_and_gives_no_scripts_away(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(stack="static")
    stage.write("index.html", "<h1>static</h1>")
    stage.started()
    assert stage.text("/") == "<h1>static</h1>"
    assert stage.get("/index.php")[0] == 404
    assert stage.get("/nowhere")[0] == 404
    assert set(stage.engine.states([stage.web, stage.app]).values()) == {"running", "missing"}


def test_the_smallest_environment_starts_and_answers(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(memory_mib=32, pids=16, disk_mib=8, cpu_millis=50)
    assert stage.started().text("/") == "hello from nobody"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: stage.get("/")[0], range(20))) == {200}


def test_a_dead_plugin_closes_the_connection_and_its_own_502_passes(stage: Stage) -> None:
    stage.write("index.php", "<?php http_response_code((int) $_GET['status']); echo 'the plugin says so';")
    stage.started()
    for status in (500, 502, 503, 504):
        assert stage.get(f"/?status={status}")[::2] == (status, b"the plugin says so")
    stage.engine.stop([stage.app], timeout_s=0)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        stage.get("/?status=200")


def test_a_worker_that_dies_in_mid_request_fails_that_request_and_the_next_one_answers(stage: Stage) -> None:
    # Recursion through a function of the interpreter's own overflows its stack: the process dies.
    stage.write("index.php", "<?php function f() { array_map('f', [1]); } if (isset($_GET['die'])) { f(); } echo 'up';")
    stage.started()
    status, headers, body = stage.get("/?die")
    assert (status, headers["content-type"]) == (502, "text/plain; charset=utf-8")
    assert b"died on this request" in body
    assert stage.text("/") == "up"


def test_a_header_does_not_steer_the_sidecar(stage: Stage) -> None:
    stage.write("index.php", "<?php header(($_GET['name'] ?? 'X') . ': ' . ($_GET['value'] ?? '')); echo 'own body';")
    stage.write(".secret/secret.txt", "secret")
    stage.started()
    steering = {
        "X-Accel-Redirect": "/.secret/secret.txt",
        "X-Accel-Limit-Rate": "1",
        "X-Accel-Buffering": "no",
        "X-Sendfile": "/etc/passwd",
    }
    for name, value in steering.items():
        status, headers, body = stage.get(f"/?{urlencode({'name': name, 'value': value})}")
        assert (status, body) == (200, b"own body")
        assert name.lower() not in headers
        assert "x-powered-by" not in headers
    # The control: a header of the plugin's own passes.
    assert stage.get("/?name=X-Own&value=1")[1]["x-own"] == "1"


def test_uploads_up_to_the_limit_arrive_and_larger_ones_get_a_413(stage: Stage) -> None:
    stage.write("index.php", ENVIRONMENT)
    stage.started()
    headers = {"Content-Type": "application/octet-stream"}
    assert json.loads(stage.text("/", method="POST", body=b"x" * 15 * 1024**2, headers=headers))["body"] == 15 * 1024**2
    # nginx may answer and close before all of it was sent.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        assert stage.get("/", method="POST", body=b"x" * 25 * 1024**2, headers=headers)[0] == 413
    assert stage.get("/")[0] == 200


def test_connections_are_kept(stage: Stage) -> None:
    stage.started()
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    connection.connect()
    first = connection.sock
    for _ in range(50):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello from nobody"
    assert connection.sock is first
    connection.close()


def test_a_stopped_instance_finishes_its_requests(stage: Stage) -> None:
    stage.write(
        "index.php",
        "<?php if (isset($_GET['slow'])) { touch('/tmp/begun'); while (!file_exists('/tmp/go')) "
        "{ usleep(9999); clearstatcache(); } } echo 'finished';",
    )
    stage.write("style.css", "")
    stage.started()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(stage.get, "/?slow", timeout=60)
        until(lambda: stage.inside(stage.app, "test", "-e", "/tmp/begun").returncode == 0, "the request is under way")
        stopped = pool.submit(stage.engine.stop, [stage.web, stage.app])
        until(lambda: not _answers(stage), "the sidecar takes no new one")
        stage.inside(stage.app, "touch", "/tmp/go")
        assert slow.result()[-1] == b"finished"
        stopped.result()
    assert stage.engine.states([stage.web, stage.app]) == {stage.web: "exited", stage.app: "exited"}


def test_an_instance_that_is_removed_finishes_also_what_waits_for_a_worker(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(memory_mib=32, pids=16, disk_mib=8)
    stage.write(
        "index.php",
        "<?php while (!file_exists('/tmp/go')) { usleep(9999); clearstatcache(); } echo 1;",
    )
    stage.write("style.css", "")
    assert stage.deploy().returncode == 0
    stage.wait("/style.css")
    stage.wait_for_plugin()
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        # More than there are workers.
        asked = [pool.submit(stage.get, "/", timeout=60) for _ in range(4)]
        until(lambda: _connections(stage) >= 4, "the sidecar has all of them")
        removed = pool.submit(stage.engine.remove_project, stage.spec.project)
        until(lambda: not _answers(stage), "the sidecar takes no new one")
        stage.inside(stage.app, "touch", "/tmp/go")
        assert [answer.result()[0] for answer in asked] == [200] * 4
        removed.result()
    assert set(stage.engine.states([stage.web, stage.app]).values()) == {"missing"}


def _connections(stage: Stage) -> int:
    """How many connections to its port the sidecar has."""
    table = stage.inside(stage.web, "cat", "/proc/net/tcp").stdout
    return len(re.findall(r":1F90 [0-9A-F]{8}:[0-9A-F]{4} 01 ", table))


def _answers(stage: Stage) -> bool:
    try:
        return stage.get("/style.css")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_slow_request_leaves_a_trace_in_the_log_without_any_capability(stage: Stage) -> None:
    stage.write("index.php", "<?php function fetch() { sleep(3); } if (isset($_GET['slow'])) { fetch(); } echo 'x';")
    stage.started()
    stage.get("/?slow")
    log = stage.log(stage.app)
    assert "script_filename = /app/index.php" in log
    assert "fetch() /app/index.php:1" in log


def test_errors_and_output_of_workers_reach_the_log(stage: Stage) -> None:
    stage.write(
        "index.php", "<?php error_log('first line'); file_put_contents('php://stderr', \"second line\\n\"); nosuch();"
    )
    stage.write("style.css", "")
    assert stage.deploy().returncode == 0
    stage.wait("/style.css")
    stage.wait_for_plugin()
    assert stage.get("/")[0] == 500
    log = stage.log(stage.app)
    assert "first line" in log
    assert "second line" in log
    assert "nosuch" in log


@pytest.mark.parametrize("part", ["web", "app"])
def test_the_health_probe_tells_alive_from_dead(stage: Stage, part: str) -> None:
    stage.started()
    stage.wait_for_plugin()
    name = {"web": stage.web, "app": stage.app}[part]
    # The server stops; its container, held by init, still takes commands.
    process = {"web": "nginx", "app": "php-fpm"}[part]
    freeze = "for d in /proc/[0-9]*; do read -r n < $d/comm; case $n in $1*) kill -STOP ${d#/proc/};; esac; done"
    stage.inside(name, "bash", "-c", freeze, "freeze", process)
    found = stage.probe()
    assert found.returncode != 0
    assert {"web": "nginx", "app": "php-fpm"}[part] in found.stderr or found.returncode > 128
