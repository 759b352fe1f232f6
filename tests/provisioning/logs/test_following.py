"""`follow=true` as a browser or a script uses it: a real uvicorn, real containers, one connection each."""

import pytest

from tests.provisioning.logs.conftest import Plugin, live_release, wait_until
from tests.provisioning.logs.followed import FOREVER, Reader, Server

pytestmark = pytest.mark.docker


def test_what_is_there_comes_first_and_then_what_is_said(server: Server, plugin: Plugin, token: str) -> None:
    name = plugin.run(f"for i in $(seq 5); do echo $i; done; {FOREVER}")
    wait_until(lambda: b"5" in plugin.engine.containers.get(name).logs(), "the container speaks")
    reader = Reader(server, plugin, token, tail=3)
    assert reader.response.getheader("Content-Type") == "text/event-stream"
    assert reader.texts(3) == ["3", "4", "5"]
    plugin.say(name, "live\n")
    line = reader.line()
    assert (line["line"], line["container"], line["release"]) == ("live", name, plugin.release.number)
    reader.drop()


def test_resume_loses_nothing_and_doubles_nothing(server: Server, plugin: Plugin, token: str) -> None:
    one, two = plugin.run(FOREVER, part="web"), plugin.run(FOREVER)
    reader = Reader(server, plugin, token)
    seen = []
    for round_number in range(6):
        # Both containers speak while nobody listens, and while somebody does.
        for name in (one, two):
            plugin.say(name, "".join(f"{name} {round_number} {i}\n" for i in range(50)))
        # A client goes at any line, and comes back with the last id that it saw.
        seen += reader.texts(37)
        reader.drop()
        for name in (one, two):
            plugin.say(name, f"{name} {round_number} unheard\n")
        reader = Reader(server, plugin, token, last_id=reader.last_id)
    expected = [
        f"{name} {round_number} {what}"
        for name in (one, two)
        for round_number in range(6)
        for what in [*map(str, range(50)), "unheard"]
    ]
    seen += reader.texts(len(expected) - len(seen))
    assert sorted(seen) == sorted(expected)
    for name in (one, two):
        assert [text for text in seen if text.startswith(name)] == [t for t in expected if t.startswith(name)]
    assert reader.has_nothing_more(plugin, two)
    reader.drop()


def test_container_that_starts_again_is_read_on(server: Server, plugin: Plugin, token: str) -> None:
    name = plugin.run("echo hello; sleep 1000")
    reader = Reader(server, plugin, token)
    assert reader.texts(1) == ["hello"]
    for _ in range(3):
        plugin.engine.containers.get(name).restart(timeout=0)
        assert reader.texts(1) == ["hello"]
    assert reader.has_nothing_more(plugin, name)
    reader.drop()


def test_new_release_joins_with_its_secrets_masked(server: Server, plugin: Plugin, token: str) -> None:
    plugin.run(FOREVER)
    reader = Reader(server, plugin, token)
    plugin.deploy(live_release(plugin.app, number=2, variables='{"TOKEN": "brand-new-secret"}'))
    plugin.run("echo token brand-new-secret; sleep 1000", release=2)
    line = reader.line()
    assert (line["line"], line["release"]) == ("token [MASKED]", 2)
    reader.drop()
