"""What a plugin writes, as its developers read it through the API."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, errors_of, until

pytestmark = pytest.mark.docker
SECRET = "a-secret-value-$%/+&-äöü"
# Its end is no beginning of the secret: at the end of a line that would be masked, too.
OPEN = "known-to-all"
SAY = """<?php
error_log(rawurldecode($_SERVER['REQUEST_URI']) . ' ' . getenv('API_KEY') . ' ' . getenv('OPEN'));
echo 'ok';
"""


@pytest.fixture(scope="module")
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    plugin = Plugin(cast, tmp_path_factory.mktemp("plugin"))
    plugin.set_variable("API_KEY", SECRET)
    plugin.set_variable("OPEN", OPEN, secret=False)
    plugin.settled(plugin.release({"index.php": SAY}))
    return plugin


def test_a_line_carries_time_container_stream_and_release(plugin: Plugin) -> None:
    plugin.get("/first-line")
    line = until(lambda: next((x for x in plugin.logs() if "/first-line" in x["line"]), None), "the line")
    assert line["container"] == f"{plugin.cast.platform.installation}-{plugin.id}-production-r1-app"
    assert line["stream"] == "stderr"
    assert line["release"] == 1
    assert line["time"].endswith("Z")


def test_a_secret_is_masked_and_what_is_none_is_not(plugin: Plugin) -> None:
    plugin.get("/masked")
    line = until(lambda: next((x for x in plugin.logs() if "/masked" in x["line"]), None), "the line")
    assert "[MASKED]" in line["line"]
    assert OPEN in line["line"]
    assert SECRET not in json.dumps(plugin.logs(), ensure_ascii=False)


def test_what_looks_like_a_control_character_arrives_harmless(plugin: Plugin) -> None:
    plugin.get("/%1b[31mred%07%c2%85")
    found = until(lambda: [x["line"] for x in plugin.logs() if "red" in x["line"]], "the line")
    assert all(character.isprintable() or character == "\t" for line in found for character in line)


def test_lines_can_be_narrowed_down(plugin: Plugin) -> None:
    for number in range(5):
        plugin.get(f"/narrow-{number}")
    until(lambda: len(plugin.logs("&grep=narrow-")) == 5, "five lines")
    assert ["narrow-4" in line["line"] for line in plugin.logs("&grep=narrow-4")] == [True]
    assert plugin.logs("&grep=narrow-&container=standby") == []
    assert len(plugin.logs("&grep=narrow-&container=live")) == 5
    third = plugin.logs("&grep=narrow-2")[0]["time"]
    assert [x["line"].split("narrow-")[1][0] for x in plugin.logs(f"&grep=narrow-&since={third}")] == ["2", "3", "4"]
    assert [x["line"].split("narrow-")[1][0] for x in plugin.logs(f"&grep=narrow-&until={third}")] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("tail=0", "tail"),
        ("tail=x", "tail"),
        ("since=soon", "since"),
        ("container=../x", "container"),
        ("follow=2", "follow"),
    ],
)
def test_a_bad_question_is_a_400_that_names_the_parameter(plugin: Plugin, query: str, field: str) -> None:
    answer = plugin.cast.developer.ask("GET", f"/apps/{plugin.id}/environments/production/logs/?{query}")
    assert answer.status_code == 400
    assert field in errors_of(answer)


class Follower:
    """Reads a stream of events in the background until the client hangs up, without a word."""

    def __init__(self, plugin: Plugin, *, last_id: str = "") -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []
        parts = urlsplit(plugin.cast.platform.api)
        headers = {"Authorization": f"Bearer {plugin.cast.developer.token}", "Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._connection.connect()
        self._socket = self._connection.sock
        path = f"{parts.path}/apps/{plugin.id}/environments/production/logs/?follow=true&tail=1"
        self._connection.request("GET", path, headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        assert str(self._answer.headers["Content-Type"]).startswith("text/event-stream")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        event: dict[str, str] = {}
        try:
            while line := self._answer.readline().decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if not name and "data" in event:
                    self.seen.append((event.get("id", ""), json.loads(event["data"])))
                    event = {}
                elif name:
                    event[name] = value
        except (OSError, http.client.HTTPException):
            return

    def has(self, text: str) -> bool:
        return any(text in str(data.get("line")) for _id, data in self.seen)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._connection.close()


@pytest.fixture
def follower(plugin: Plugin) -> Iterator[Follower]:
    found = Follower(plugin)
    yield found
    found.close()


def test_new_lines_arrive_as_they_are_written_and_masked(plugin: Plugin, follower: Follower) -> None:
    for number in range(3):
        plugin.get(f"/live-{number}")
        until(lambda number=number: follower.has(f"/live-{number}"), "the line")  # type: ignore[misc]
    assert SECRET not in json.dumps(follower.seen, ensure_ascii=False)
    assert follower.has("[MASKED]")


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(plugin: Plugin) -> None:
    first = Follower(plugin)
    plugin.get("/before-the-break")
    until(lambda: first.has("/before-the-break"), "the line")
    last_id = next(id_ for id_, data in first.seen if "/before-the-break" in str(data.get("line")))
    first.close()
    plugin.get("/during-the-break")
    second = Follower(plugin, last_id=last_id)
    until(lambda: second.has("/during-the-break"), "the line that was missed")
    assert not second.has("/before-the-break")
    second.close()


def test_a_follower_goes_on_across_a_release(plugin: Plugin, follower: Follower) -> None:
    plugin.settled(plugin.release({"index.php": SAY.replace("'ok'", "'two'")}))
    plugin.get("/of-the-new-release")
    until(lambda: follower.has("/of-the-new-release"), "the line of the new release")
    assert {data.get("release") for _id, data in follower.seen if "of-the-new" in str(data.get("line"))} == {2}


def test_followers_that_leave_without_a_word_leave_no_connection_to_the_engine(plugin: Plugin) -> None:
    for _ in range(30):
        Follower(plugin).close()
    # Only so many may be open for one user at once: a place that was not given back would be missing now.
    last = Follower(plugin)
    plugin.get("/after-thirty")
    until(lambda: last.has("/after-thirty"), "the line")
    last.close()
