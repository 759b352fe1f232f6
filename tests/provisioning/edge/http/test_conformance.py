"""The table of docs/reference/http.md, asked of the real thing in every way that serves a plugin."""

from collections.abc import Iterator

import pytest

from provisioning.rendering.limits import php_limits
from tests.provisioning.containers.stage import Slot
from tests.provisioning.edge.http.servers import WAYS, Server, served
from tests.provisioning.edge.http.table import ASKED, EXCHANGES, PAGE, PATHS, VARIABLES, Exchange, Route, as_markdown
from tests.provisioning.edge.running import wait_until

pytestmark = pytest.mark.docker
DUMP = """<?php
$_SERVER['BODY'] = (string) strlen(file_get_contents('php://input'));
echo json_encode($_SERVER, JSON_INVALID_UTF8_SUBSTITUTE);"""
# Waits, without a worker's knowing how long, until somebody opens the gate.
GATE = """<?php
function opened() { clearstatcache(); return file_exists('/tmp/opened'); }
if (isset($_GET['open'])) { touch('/tmp/opened'); exit('open'); }
if (isset($_GET['close'])) { array_map('unlink', glob('/tmp/{opened,waits-*}', GLOB_BRACE)); exit('closed'); }
if (isset($_GET['waiting'])) { exit((string) count(glob('/tmp/waits-*'))); }
if (isset($_GET['plain'])) { header('X-Accel-Buffering: no'); } else { header('Content-Type: text/event-stream'); }
while (ob_get_level()) { ob_end_flush(); }
echo "data: first\\n\\n"; flush();
touch('/tmp/waits-' . getmypid());
while (!opened()) { usleep(10000); }
echo "data: last\\n\\n";"""
FILES = {
    "index.php": DUMP,
    "api.php": DUMP,
    "gate.php": GATE,
    "headers.php": "<?php for ($i = 0; $i < 60; $i++) { header(\"X-C$i: \" . str_repeat('x', 1000)); } echo 'many';",
    "own.php": "<?php http_response_code(503); echo 'its own';",
    "style.css": "style",
    "image.png": "<?php echo 'R', 'AN';",
    "X.PHP": "<?php echo 'R', 'AN';",
    "package.json": "{}",
    ".env": "A=1",
    ".well-known/security.txt": "Contact: x",
    "data.sqlite": "x",
    "vendor/tool.php": "<?php echo 'R', 'AN';",
}


@pytest.fixture(scope="module")
def servers(slot: Slot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with served(slot, tmp_path_factory.mktemp("http"), FILES) as found:
        yield found


@pytest.fixture(params=WAYS)
def server(servers: dict[str, Server], request: pytest.FixtureRequest) -> Server:
    return servers[request.param]


def filled(text: str, server: Server) -> str:
    return text.replace("{host}", server.host).replace("{port}", str(server.port)).replace("{scheme}", server.scheme)


def test_the_page_has_the_table() -> None:
    assert as_markdown() in PAGE.read_text()


def test_every_variable_of_cgi_is_what_the_table_says(server: Server) -> None:
    found = server.ask(ASKED).variables
    wanted = {}
    for row in VARIABLES:
        value = row.over_https if row.over_https and server.scheme == "https" else row.value
        wanted[row.name] = None if value is None else filled(value, server)
    assert {name: found.get(name) for name in wanted} == wanted
    # A request that names no port is one for the scheme's own.
    found = server.ask(ASKED, "-H", f"Host: {server.host}").variables
    assert (found["HTTP_HOST"], found["SERVER_PORT"]) == (server.host, {"http": "80", "https": "443"}[server.scheme])


@pytest.mark.parametrize("row", PATHS, ids=lambda row: row.path)
def test_every_path_is_whose_the_table_says(server: Server, row: Route) -> None:
    reply = server.ask(row.path)
    assert "RAN" not in reply.body
    assert "<?php" not in reply.body
    if row.answer.isdigit():
        assert reply.status == int(row.answer)
    else:
        found = reply.variables
        script, _, info = row.answer.partition(" ")
        assert (found["SCRIPT_NAME"], found["PATH_INFO"], found["REQUEST_URI"]) == (script, info, row.path)


@pytest.mark.parametrize("row", EXCHANGES, ids=lambda row: row.title)
def test_every_exchange_is_as_the_table_says(server: Server, row: Exchange) -> None:
    if row.title == "WebSocket" and server.way == "HTTP/2":
        return  # it has no Upgrade
    reply = server.ask(row.path, *row.options)
    assert reply.status == row.status
    assert row.says in reply.body
    assert {name: reply.headers[name] for name in row.headers} == row.headers
    if row.variables:
        assert {name: reply.variables.get(name) for name in row.variables} == row.variables


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/gate.php", ("-H", "Accept: text/event-stream")),
        ("/gate.php", ("-H", "Accept: text/event-stream", "-d", "question")),
        ("/gate.php?plain", ()),
    ],
    ids=["events", "events after a POST", "X-Accel-Buffering"],
)
def test_a_stream_comes_at_once(server: Server, path: str, options: tuple[str, ...]) -> None:
    server.ask("/gate.php?close")
    with server.curl(path, *options) as process:
        assert process.stdout is not None
        # It has come while the script waits for what happens only after it.
        first = next(line for line in process.stdout if line.startswith(b"data:"))
        assert first == b"data: first\n"
        assert server.ask("/gate.php?open").body == "open"
        assert b"data: last\n" in process.stdout.read()


def test_a_large_body_waits_while_all_workers_are_busy(server: Server) -> None:
    server.ask("/gate.php?close")
    limits = php_limits(memory_mib=256, pids=64, disk_mib=64)
    # The host has fewer workers, and one must stay to open the gate.
    count = 1 if server.way == "fallback" else limits.children - 1
    waiting = [server.curl("/gate.php") for _ in range(count)]
    wait_until(lambda: server.ask("/gate.php?waiting").body == str(count), "workers are busy")
    body = b"x" * 15 * 1024 * 1024
    assert server.ask("/x", "-H", "Expect:", "--data-binary", "@-", stdin=body).variables["BODY"] == str(len(body))
    server.ask("/gate.php?open")
    for process in waiting:
        with process:
            assert b"data: last" in process.communicate()[0]


@pytest.mark.parametrize("way", ["HTTP", "fallback"])
def test_the_static_stack_keeps_to_it_too(slot: Slot, tmp_path: object, way: str) -> None:
    files = {"index.html": "start", "style.css": "style", "X.PHP": "<?php", "package.json": "{}", ".env": "A=1"}
    with served(slot, tmp_path, files, stack="static") as found:  # type: ignore[arg-type]
        server = found[way]
        assert [server.ask(path).status for path in ("/", "/style.css")] == [200, 200]
        for path in ("/X.PHP", "/package.json", "/.env", "/nowhere", "/feed.log"):
            assert server.ask(path).status == 404, path
        assert server.ask("/style.css", "-H", "Range: bytes=1-2").body == "ty"
        assert server.ask("/style.css", "-I").status == 200
        for method in ("POST", "OPTIONS", "FOO", "TRACE"):
            assert server.ask("/style.css", "-X", method).status == 405
        assert server.ask("/", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade").status == 501
