"""A plugin's answer is never taken for a dead server: a late, odd or broken one fails for its own request alone.

Real containers, live and standby, behind the real edge. Other visitors of the same plugin are served all the while.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.provisioning.containers.stage import Stage, docker
from tests.provisioning.edge.fallback.stage import Machine
from tests.provisioning.edge.http.pair import IMPATIENT, Neighbours, Pair
from tests.provisioning.edge.running import RunningEdge, wait_until

pytestmark = pytest.mark.docker
PAGE = """<?php
$what = explode('/', $_SERVER['REQUEST_URI'])[1];
error_log("asked for $what");
$headers = ['cookies' => [20, 'Set-Cookie: c%d='], 'many' => [60, 'X-C%d: '], 'huge' => [80, 'X-C%d: ']];
$headers = $headers[$what] ?? [0, ''];
for ($i = 0; $i < $headers[0]; $i++) { header(sprintf($headers[1], $i) . str_repeat('x', 1000), false); }
if ($what === 'slow') { sleep(60); }
if ($what === 'status') { header('Status: 12'); header('HTTP/1.1 007 odd'); }
if ($what === 'length') { header('Content-Length: 1000'); }
if ($what === 'nonsense') { header('Content-Length: nonsense'); }
if ($what === 'began') { header('Content-Length: 1000'); echo 'x'; while (ob_get_level()) { ob_end_flush(); } flush(); }
if ($what === 'dies' || $what === 'began') { function f() { array_map('f', [1]); } f(); }
echo 'page';
"""


def pair_of(edge: RunningEdge, make_stage: object) -> Pair:
    stage: Stage = make_stage(roles=("live", "standby"), times=IMPATIENT)  # type: ignore[operator]
    stage.write("index.php", PAGE)
    stage.write("style.css", "")
    return Pair(edge, stage)


def test_ordinary_large_headers_pass(edge: RunningEdge, make_stage: object) -> None:
    pair = pair_of(edge, make_stage)
    for path in ("/cookies", "/many"):
        answer = pair.get(path)
        assert (answer.status, answer.body) == (200, "page")
    assert pair.get("/many").headers["x-c59"] == "x" * 1000
    assert not pair.has_failed()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/huge", 502, "larger than 64 KiB"),
        ("/slow", 504, "sent nothing for 8 s"),
        ("/dies", 502, "died on this request"),
        ("/nonsense", 200, "page"),
    ],
)
def test_an_odd_answer_fails_for_its_own_request_alone(
    edge: RunningEdge, make_stage: object, path: str, status: int, said: str
) -> None:
    pair = pair_of(edge, make_stage)
    with Neighbours(pair.get) as neighbours, ThreadPoolExecutor(3) as pool:
        found = list(pool.map(pair.get, [path] * 3))
    assert set(neighbours.statuses) == {200}
    assert [answer.status for answer in found] == [status] * 3
    assert said in found[0].body
    assert "<?php" not in found[0].body
    wait_until(lambda: len(pair.upstreams_of(path)) == 3, "the edge has logged them")
    # The live server alone was asked, and nobody took it for dead.
    assert pair.upstreams_of(path) == [f"127.0.0.1:{pair.ports[0]}"] * 3
    assert not pair.has_failed()
    said = docker("logs", pair.stage.spec.container("standby", "app"))
    assert f"asked for {path[1:]}" not in said.stdout + said.stderr


@pytest.mark.parametrize("path", ["/length", "/began", "/status"])
def test_an_answer_that_breaks_off_is_no_dead_server(edge: RunningEdge, make_stage: object, path: str) -> None:
    """Fewer bytes than were said, a worker that dies once its answer has begun, a status that is none.

    That visitor sees it; nobody else does.
    """
    pair = pair_of(edge, make_stage)
    with Neighbours(pair.get) as neighbours:
        for _ in range(3):
            with pytest.raises(Exception, match=r"IncompleteRead|007 odd"):
                pair.get(path)
    assert set(neighbours.statuses) == {200}
    wait_until(lambda: len(pair.upstreams_of(path)) == 3, "the edge has logged them")
    assert pair.upstreams_of(path) == [f"127.0.0.1:{pair.ports[0]}"] * 3


def test_many_pages_on_which_workers_die_leave_the_others_be(edge: RunningEdge, make_stage: object) -> None:
    """php-fpm would begin anew after ten such deaths in a minute, and keep all others waiting meanwhile."""
    pair = pair_of(edge, make_stage)
    with Neighbours(pair.get) as neighbours:
        assert {pair.get("/dies").status for _ in range(25)} == {502}
    assert set(neighbours.statuses) == {200}
    assert not pair.has_failed()


def test_a_dead_php_fpm_is_a_dead_server(edge: RunningEdge, make_stage: object) -> None:
    """The control: the standby answers also those requests that run while it dies."""
    pair = pair_of(edge, make_stage)
    with Neighbours(pair.get) as neighbours:
        pair.stage.engine.stop([pair.stage.app], timeout_s=0)
    assert set(neighbours.statuses) == {200}
    wait_until(
        lambda: any(", " in entry for entry in pair.upstreams_of("/")), "the standby was asked after the live one"
    )


def test_more_requests_than_workers_wait_and_are_no_dead_server(edge: RunningEdge, make_stage: object) -> None:
    """300 at once: more than the queue of a socket is by default, which then refuses as if nobody listened."""
    stage: Stage = make_stage(roles=("live", "standby"), memory_mib=96)  # type: ignore[operator]
    stage.write("index.php", "<?php usleep(20000); echo 'page';")
    stage.write("style.css", "")
    pair = Pair(edge, stage)
    with Neighbours(pair.get, count=250) as neighbours:
        pass
    assert set(neighbours.statuses) == {200}
    assert set(pair.upstreams_of("/")) == {f"127.0.0.1:{pair.ports[0]}"}
    assert not pair.has_failed()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/cookies", 200, "page"), ("/huge", 502, "larger than 64 KiB"), ("/slow", 504, "sent nothing for 8 s")],
)
def test_the_hosts_fallback_answers_alike(machine: Machine, path: str, status: int, said: str) -> None:
    plugin = machine.plugin(61, {"index.php": PAGE}, times=IMPATIENT, memory_mib=256).served()
    with Neighbours(plugin.get) as neighbours:
        answer = plugin.get(path)
    assert (answer.status, said in answer.body) == (status, True)
    assert set(neighbours.statuses) == {200}
