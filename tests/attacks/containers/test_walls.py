"""G8 and G9: what is inside PHP's own walls stays there, and no variable of a plugin's becomes code of the platform's.

The container is the boundary; these are the walls before it. Each attack has a control in which it succeeds.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.provisioning.containers.fixtures import slot
from tests.provisioning.containers.stage import Slot, Stage, docker, staged

__all__ = ["slot"]
pytestmark = pytest.mark.docker
HERE = Path(__file__).parent
# What a request with a setting of its own runs.
SHOWN = "<?php echo ini_get('open_basedir') === '' && is_readable('/etc/passwd') ? 'walls are open' : 'walls stand';"
SOCKETS = ["stream", "fsockopen", "sockets", "curl", "redis"]
OTHERS = [
    "chmod", "rename", "mail", "error_log", "mb_send_mail", "gconv", "ffi", "dl", "ini_set", "ini_restore", "chdir",
    "symlink", "link", "memory", "environ", "sqlite", "sqlite_extension", "pdo_sqlite", "curl_file", "xxe", "xsl",
    "soap", "imagick", "zip", "phar", "glob", "directory", "log_file", "include", "exec", "passthru", "shell_exec",
    "system", "popen", "pcntl_exec", "proc_open",
]  # fmt: skip
# A library that leaves a mark when it is loaded, as a committed picture may be one.
LIBRARY = """#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) { close(open("/tmp/executed", O_CREAT | O_WRONLY, 0600)); }
int gconv(void) { return 1; }
int gconv_init(void *step) { loaded(); return 1; }
"""


def library(place: Path) -> bytes:
    (place / "library.c").write_text(LIBRARY)
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no compiler on this machine")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "library.so", "library.c"], cwd=place, check=True)
    return (place / "library.so").read_bytes()


def armed(stage: Stage, place: Path) -> Stage:
    stage.write("walls.php", (HERE / "walls.php").read_text())
    stage.write("shown.php", SHOWN)
    stage.write("index.php", "<?php echo 'up';")
    stage.write("library.so", library(place))
    stage.write("gconv-modules", "module OWNSET// INTERNAL library 1\nmodule INTERNAL OWNSET// library 1\n")
    return stage


def weakened(stage: Stage, changes: dict[str, str], *, is_executable: bool = False) -> Stage:
    """The same release with one guard taken away."""
    environment = stage.prepare(stage.commit())
    pool = stage.management / "conf/php-fpm.conf"
    text = pool.read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    pool.write_text(text)
    if is_executable:
        started = stage.management / "conf/containers/live-app"
        started.write_text(started.read_text().replace("bind,ro,noexec,", "bind,ro,"))
    result = stage.run(environment)
    assert result.returncode == 0, result.stderr
    stage.wait()
    return stage


@pytest.fixture(scope="module")
def hostile(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(slot, tmp_path_factory.mktemp("stage")) as stage:
        yield armed(stage, tmp_path_factory.mktemp("library")).started()


@pytest.mark.parametrize("way", [*SOCKETS, *OTHERS])
def test_g8_no_way_leads_through_phps_walls(hostile: Stage, way: str) -> None:
    assert hostile.text(f"/walls.php?way={way}").startswith("no: ")


def test_g8_control_with_the_older_mode_of_the_socket_a_page_sets_what_it_likes(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = weakened(armed(make_stage(), tmp_path), {"listen.mode = 0060": "listen.mode = 0660"})
    for way in SOCKETS:
        assert stage.text(f"/walls.php?way={way}") == "through", way


def test_g8_control_without_its_settings_php_leaves_its_tree(make_stage: Callable[..., Stage], tmp_path: Path) -> None:
    stage = armed(make_stage(), tmp_path)
    weakened(stage, {"php_admin_value[open_basedir]": ";", "php_admin_value[disable_functions]": ";"})
    ways = ["chmod", "environ", "glob", "directory", "link", "symlink", "log_file", "curl_file", "xxe", "xsl"]
    assert {way: stage.text(f"/walls.php?way={way}") for way in ways} == dict.fromkeys(ways, "through")


def test_g8_what_is_committed_is_no_library_even_without_phps_walls(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    """The kernel refuses it: the walls of PHP's own are taken away. With an executable tree the same is loaded."""
    settings = {"php_admin_value[open_basedir]": ";", "php_admin_value[disable_functions]": ";"}
    guarded, open_tree = armed(make_stage(), tmp_path), armed(make_stage(), tmp_path)
    weakened(guarded, settings)
    weakened(open_tree, settings, is_executable=True)
    load = 'require DynaLoader; exit !DynaLoader::dl_load_file("/app/library.so")'
    convert = "GCONV_PATH=/app iconv -f OWNSET -t UTF-8 /app/index.php; ls /tmp/executed"
    for command in (["perl", "-e", load], ["bash", "-c", convert], ["bash", "-c", "cp /bin/true /tmp/t; /tmp/t"]):
        assert guarded.inside(guarded.app, *command).returncode != 0, command
    for command in (["perl", "-e", load], ["bash", "-c", convert]):
        assert open_tree.inside(open_tree.app, *command).returncode == 0, command


def test_g8_the_shell_that_php_starts_programs_by_is_not_the_plugins(hostile: Stage) -> None:
    assert hostile.inside(hostile.app, "/bin/sh", "-c", "true").returncode == 126
    assert docker("run", "--rm", "--network", "none", hostile.images["php"], "/bin/sh", "-c", "true").returncode == 0


# ---------------------------------------------------------------- variables

HOSTILE = {
    "PERL5OPT": "-Mstrict;eval(pack(q{H*},q{" + b"open F,'>/tmp/executed';close F".hex() + "}))",
    "PERL5LIB": "/app", "OPENSSL_CONF": "/app/openssl.cnf", "LD_PRELOAD": "/app/library.so",
    "LD_AUDIT": "/app/library.so", "PHP_INI_SCAN_DIR": "/app", "PHPRC": "/app", "GCONV_PATH": "/app", "LOCPATH": "/app",
    "TZDIR": "/app",
    "MALLOC_PERTURB_": "1", "BASH_ENV": "/app/bash.sh", "ENV": "/app/bash.sh", "PATH": "/app", "NGINX": "9",
    "FPM_SOCKETS": "/run/app/php-fpm.sock=0", "GLIBC_TUNABLES": "x", "MAGICK_CONFIGURE_PATH": "/app", "IFS": "/",
}  # fmt: skip
OPENSSL = """openssl_conf = a
[a]
engines = b
[b]
x = c
[c]
dynamic_path = /app/library.so
init = 0
"""


def test_g9_no_variable_is_in_the_environment_of_what_the_platform_runs(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = armed(make_stage(), tmp_path)
    stage.write("openssl.cnf", OPENSSL)
    stage.write("bash.sh", "echo x > /tmp/executed\n")
    stage.write("php.ini", "extension=/app/library.so\n")
    stage.write("page.php", "<?php echo json_encode([getenv('PERL5OPT'), getenv('OPENSSL_CONF'), getenv('PATH')]);")
    stage.variables = HOSTILE
    stage.started()
    stage.wait_for_plugin()
    # The plugin has what is its own.
    assert json.loads(stage.text("/page.php")) == [HOSTILE[name] for name in ("PERL5OPT", "OPENSSL_CONF", "PATH")]
    for container in (stage.web, stage.app):
        configured = json.loads(docker("inspect", "--format", "{{json .Config}}", container).stdout)
        assert not {line.partition("=")[0] for line in configured["Env"]} & set(HOSTILE) - {"PATH"}
        assert "/app/library.so" not in json.dumps(configured)
        given = dict(line.split("=", 1) for line in stage.inside(container, "env").stdout.splitlines())
        assert set(given) <= {"PATH", "HOME", "HOSTNAME", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MAGICK_THREAD_LIMIT"}
        assert "/app" not in given["PATH"]
    # php-fpm writes its title over what /proc shows of its master's environment: it is what starts it that says.
    command = json.loads(docker("inspect", "--format", "{{json .Config.Cmd}}", stage.app).stdout)
    given = dict(word.split("=", 1) for word in command[2 : command.index("php-fpm8.2")])
    assert command[:2] == ["env", "-i"]
    assert set(given) == {"PATH", "LC_ALL", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MAGICK_THREAD_LIMIT"}
    # What the platform runs in there, each of which would have left its mark.
    assert stage.probe().returncode == 0
    for command in (["perl", "-e", "1"], ["bash", "-c", "true"], ["php", "-r", "1;"], ["openssl", "version"]):
        stage.inside(stage.app, *command)
    docker("restart", "--time", "1", stage.app)
    stage.wait("/page.php")
    for container in (stage.web, stage.app):
        assert stage.inside(container, "ls", "/tmp/executed").returncode != 0


def test_g9_control_in_the_containers_environment_the_same_values_are_code(
    make_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = armed(make_stage(), tmp_path)
    environment = stage.prepare(stage.commit())
    file = stage.management / "conf/containers/live-app"
    name, label, *others = file.read_text().splitlines()
    file.write_text("\n".join([name, label, f"--env=PERL5OPT={HOSTILE['PERL5OPT']}", *others, ""]))
    assert stage.run(environment).returncode == 0
    stage.wait()
    stage.inside(stage.app, "perl", "-e", "1")
    assert stage.inside(stage.app, "ls", "/tmp/executed").returncode == 0
