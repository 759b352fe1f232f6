"""Each row of the stack's table against a container that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.containers.rendering import php_stack
from provisioning.containers.rendering.php_stack_page import content_types, locales
from provisioning.rendering.limits import php_limits
from tests.provisioning.containers.stage import Slot, Stage, staged

pytestmark = pytest.mark.docker
# By nginx's rules of what is never served, not by its type.
HIDDEN = {"sql", "sqlite", "sqlite3", "log", "sh", "ini", "bak", "swp", "orig", "inc", "phar", "phps", "env", "lock"}
PAGE = (Path(__file__).parent / "stack.php").read_text()


@pytest.fixture(scope="module")
def running(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(slot, tmp_path_factory.mktemp("stage"), disk_mib=8, memory_mib=256) as stage:
        stage.write("index.php", PAGE)
        for ending in content_types():
            stage.write(f"files/file.{ending}", "content")
        yield stage.started()


def ask(stage: Stage, what: str, about: object = None) -> str:
    return stage.text(f"/?ask={what}", method="POST", body=json.dumps(about).encode())


def test_every_setting_is_what_the_table_says(running: Stage) -> None:
    limits = php_limits(memory_mib=running.spec.memory_mib, pids=running.spec.pids, disk_mib=running.spec.disk_mib)
    rows = [*php_stack.pool_settings(limits), *php_stack.startup_settings(limits)]
    assert json.loads(ask(running, "settings", [row.name for row in rows])) == {row.name: row.value for row in rows}


def test_the_extensions_are_those_of_the_table_and_no_others(running: Stage) -> None:
    found = set(json.loads(ask(running, "extensions")))
    assert found - {"Core", "cgi-fcgi"} == set(php_stack.EXTENSIONS)


def test_every_file_has_the_type_of_the_table(running: Stage) -> None:
    for ending, content_type in content_types().items():
        status, headers, _body = running.get(f"/files/file.{ending}")
        assert status == 200, ending
        expected = {content_type, f"{content_type}; charset=utf-8"}
        assert headers["content-type"] in expected, ending
        assert not content_type.startswith("text/") or "charset" in headers["content-type"] or ending in {"mml", "htc"}
    assert content_types()["mjs"] == "text/javascript"
    assert not HIDDEN & content_types().keys()


def test_the_locales_of_the_table_are_there(running: Stage) -> None:
    wanted = ["C", "POSIX", "C.UTF-8", *locales()]
    found = json.loads(ask(running, "locales", wanted))
    assert set(found if isinstance(found, list) else found.values()) == set(wanted) - {"POSIX"} | (
        {"POSIX"} & set(found if isinstance(found, list) else found.values())
    )
    assert ask(running, "german") == ","


def test_all_zones_are_there_and_utc_is_the_default(running: Stage) -> None:
    count, default, summer = ask(running, "zones").split()
    assert int(count) > 400
    assert (default, summer) == ("UTC", "CEST")


@pytest.mark.parametrize(
    ("what", "answer"), [("annotate", "drawn"), ("ttf", "drawn"), ("apcu", "value"), ("sqlite", "1")]
)
def test_what_an_author_expects_works(running: Stage, what: str, answer: str) -> None:
    assert ask(running, what) == answer


def test_a_flood_of_visitors_leaves_room_for_the_next_ones_session_and_for_uploads(running: Stage) -> None:
    """Each visitor without a cookie is a new session. Debian's default would keep all of them."""
    count = "ls /var/lib/php/sessions | wc -l"
    # As many as there is room for, each as old as the next.
    fill = "cd /var/lib/php/sessions; for ((i = 0; ; i++)); do echo -n 'visits|i:1;' > sess_old$i || exit 0; done 2>&1"
    running.inside(running.app, "bash", "-c", fill)
    full = int(running.inside(running.app, "bash", "-c", count).stdout)
    assert full > 500
    # The platform's own look comes about every 32nd request.
    for _ in range(2000):
        running.get("/")
        left = int(running.inside(running.app, "bash", "-c", count).stdout) if _ % 50 == 49 else full
        if left < full:
            break
    assert left < full
    status, headers, body = running.get("/?ask=session")
    assert (status, body) == (200, b"1")
    cookie = headers["set-cookie"].partition(";")[0]
    for visit in range(2, 5):
        assert running.text("/?ask=session", headers={"Cookie": cookie}) == str(visit)
    multipart = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nuploaded\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert running.text("/?ask=upload", method="POST", body=multipart, headers=kind) == "uploaded"


def test_leftovers_of_uploads_go_and_a_plugins_own_files_stay(running: Stage) -> None:
    make = "touch -d '2 hours ago' /tmp/phpAbCdEf /tmp/own.txt /tmp/phpown && touch /tmp/phpZyXwVu"
    running.inside(running.app, "bash", "-c", make)
    for _ in range(2000):
        running.get("/")
        if running.inside(running.app, "ls", "/tmp/phpAbCdEf").returncode != 0:
            break
    left = running.inside(running.app, "ls", "/tmp").stdout.split()
    assert "phpAbCdEf" not in left
    assert {"own.txt", "phpown", "phpZyXwVu"} <= set(left)
