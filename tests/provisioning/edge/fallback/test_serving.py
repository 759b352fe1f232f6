"""What a visitor gets while the containers are dead: the same as from them, from the host's own nginx and php-fpm."""

import json
import urllib.parse

import pytest

from tests.provisioning.edge.fallback.stage import Machine

ODD = "${HOME} $$ $(id) `id` $pool 'q' \"d\"\nline\u00e4 ?> <?php"
ENVIRONMENT = """<?php echo json_encode([
    'server' => $_SERVER, 'greeting' => [getenv('GREETING'), $_ENV['GREETING'], $_SERVER['GREETING']],
    'env' => getenv(), 'body' => strlen(file_get_contents('php://input')), 'uid' => posix_getuid(),
    'groups' => posix_getgroups(), 'file' => __FILE__, 'opcache' => opcache_get_status(false)]);"""


def test_a_php_plugin_answers_with_its_variables_and_the_visitors_address(machine: Machine) -> None:
    plugin = machine.plugin(1, {"index.php": ENVIRONMENT}).served({"GREETING": ODD})
    found = json.loads(plugin.get("/any/path?x=1&y=2").body)
    assert found["greeting"] == [ODD, ODD, ODD]
    # Its app's user, and no group beside that.
    assert (found["uid"], found["groups"]) == (plugin.spec.uid, [plugin.spec.uid])
    # Where it lies in a container, too.
    assert found["file"] == "/app/index.php"
    server = found["server"]
    assert (server["REQUEST_URI"], server["SCRIPT_NAME"]) == ("/any/path?x=1&y=2", "/index.php")
    assert (server["REMOTE_ADDR"], server["SERVER_PORT"], server["HTTP_HOST"]) == (
        *("127.0.0.1", "80"),
        "app1000001.apps.localhost",
    )
    assert not any(name.startswith(("BERTH", "DOCKER", "FORGE", "DJANGO")) for name in found["env"])
    # Compiled code would lie in memory that all pools share.
    assert found["opcache"] is False


def test_a_body_and_its_answer_pass(machine: Machine) -> None:
    plugin = machine.plugin(2, {"index.php": "<?php echo strlen(file_get_contents('php://input'));"}).served()
    assert plugin.get("/", method="POST", body=b"x" * 3_000_000).body == "3000000"


def test_files_are_served_and_what_describes_the_plugin_is_not(machine: Machine) -> None:
    served = ["style.css", "assets/deep/file.txt", ".well-known/security.txt", "vendor/library/script.js"]
    hidden = [".env", ".htaccess", ".github/workflow.yml", "composer.json", "data.sqlite", "app.log", "php.ini",
              "lib/x.inc", "run.sh", "a.php.bak", "vendor/library/tool.php", "x.phtml"]  # fmt: skip
    for number, stack in ((3, "php"), (4, "static")):
        plugin = machine.plugin(number, {path: f"content of {path}" for path in served + hidden}, stack=stack).served()
        for path in served:
            assert (plugin.get(f"/{path}").status, plugin.get(f"/{path}").body) == (200, f"content of {path}")
        for path in hidden:
            assert plugin.get(f"/{path}").status == 404, path
    assert plugin.get("/style.css").headers["content-type"].startswith("text/css")


def test_a_picture_is_never_run_as_php(machine: Machine) -> None:
    plugin = machine.plugin(5, {"picture.png": "<?php echo 'R', 'AN';", "index.php": "front"}).served()
    for path in ("/picture.png", "/picture.png/x.php", "/picture.png%00.php", "/picture.png/.php"):
        assert "RAN" not in plugin.get(path).body, path


def test_a_public_directory_is_the_root_and_the_rest_stays_inside(machine: Machine) -> None:
    files = {"public/index.php": "<?php echo 'public ', __FILE__;", "secret.txt": "s", "index.php": "<?php echo 1;"}
    plugin = machine.plugin(6, files).served()
    assert plugin.get("/").body == "public /app/public/index.php"
    assert "public" in plugin.get("/secret.txt").body


def test_a_static_plugin_needs_no_php_and_has_its_own_404(machine: Machine) -> None:
    plugin = machine.plugin(7, {"index.html": "static", "x.php": "<?php"}, stack="static").served()
    assert (plugin.get("/").body, plugin.get("/absent").status, plugin.get("/x.php").status) == ("static", 404, 404)
    assert not (machine.home / "fallback" / "pools" / f"{plugin.spec.name}.conf").exists()


def test_links_stay_in_the_tree(machine: Machine) -> None:
    plugin = machine.plugin(8, {"a.txt": "a", "deep/b.txt": "b"}, stack="static")
    code = plugin.machine.home / plugin.spec.code
    (code / "inside.txt").symlink_to("deep/b.txt")
    (code / "inside").symlink_to("deep")
    (code / "out.txt").symlink_to("../../../../../../../../etc/hostname")
    (code / "absolute.txt").symlink_to("/etc/hostname")
    (code / "up").symlink_to("..")
    plugin.served()
    assert [plugin.get(path).body for path in ("/inside.txt", "/inside/b.txt")] == ["b", "b"]
    for path in ("/out.txt", "/absolute.txt", "/up/code/a.txt"):
        assert plugin.get(path).status == 404, path


def test_time_zones_character_sets_and_sessions_work_as_in_a_container(machine: Machine) -> None:
    code = r"""<?php session_start(); $_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;
        $there = new DateTime('2026-01-01', new DateTimeZone('Europe/Berlin'));
        echo json_encode([$_SESSION['seen'], $there->format('P'), iconv('ISO-8859-1', 'UTF-8', "\xe9"),
            strlen(random_bytes(8)), date_default_timezone_get()]);"""
    plugin = machine.plugin(9, {"index.php": code}).served()
    first = plugin.get("/")
    assert json.loads(first.body) == [1, "+01:00", "\u00e9", 8, "UTC"]
    cookie = first.headers["set-cookie"].split(";")[0]
    assert json.loads(plugin.get("/", Cookie=cookie).body)[0] == 2


@pytest.mark.parametrize("path", ["/berth-ping", "/berth-ping?full", "/index.php/berth-ping", "/berth-status"])
def test_the_pools_own_page_is_not_public(machine: Machine, path: str) -> None:
    plugin = machine.plugin(10, {"index.php": "<?php echo 'plugin';"}).served()
    assert plugin.get(path).body == "plugin"


def test_a_plugin_can_not_steer_nginx(machine: Machine) -> None:
    code = "<?php header('X-Accel-Redirect: /style.css'); header('X-Powered-By: x'); echo 'own body';"
    plugin = machine.plugin(11, {"index.php": code, "style.css": "css"}).served()
    answer = plugin.get("/", Proxy="http://203.0.113.1/")
    assert answer.body == "own body"
    assert not {"x-accel-redirect", "x-powered-by"} & answer.headers.keys()


def test_a_script_outside_the_tree_is_none(machine: Machine) -> None:
    plugin = machine.plugin(12, {"index.php": "<?php echo 'front';"}).served()
    for path in ("/../etc/berth/variables.php", "/%2e%2e/etc/berth/variables.php", "/..%2fetc%2fberth%2fvariables.php"):
        assert "front" in plugin.get(path).body or plugin.get(path).status in {400, 404}, urllib.parse.unquote(path)
