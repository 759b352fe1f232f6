"""The story that `bin/up` tells, on the real platform: every line of it, and what it leaves."""

import re
import stat

import pytest
import requests

from paas.demo.client import through_edge
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker
LINES = [
    "developer, reviewer and operator sign in",
    "the developer's organization",
    "a PHP app is created and provisioned",
    "answers with authority: A 127.0.0.1",
    "git clone",
    "git push of v1",
    "the developer asks for a release to production: release 1,",
    "the reviewer reads the difference to what is live: 1 file(s) changed",
    "the reviewer approves; pipeline, containers, health check, edge: live: release 1 is live",
    "standby started, old containers finished and gone",
    "through the edge: 200, Demo plugin, version 1",
    "the live container is killed while requests run, and started again",
    "git push of v2",
    "the developer asks for a release to production: release 2,",
    "release 2 is live",
    "through the edge: 200, Demo plugin, version 2",
    "rollback to release 1: release 1 is live again",
    "through the edge: 200, Demo plugin, version 1",
    "the app's last log lines",
    "hello from the demo plugin, version 1",
    "the operator looks at the hosts: local",
    "the whole way",
]


@pytest.fixture(scope="module")
def told(platform: RunningPlatform) -> str:
    return platform.manage("demo")


def test_every_part_of_the_way_is_told_with_the_time_it_took(told: str) -> None:
    position = 0
    for line in LINES:
        position = told.find(line, position)
        assert position >= 0, f"{line!r} is missing, or not where it belongs, in:\n{told}"
    steps = [line for line in told.splitlines() if not line.startswith("      ")]
    assert all(re.match(r"\[ *\d+\.\d\d s\] ", line) for line in steps)


def test_no_get_fails_while_the_live_container_is_killed(told: str) -> None:
    failed = re.search(r"(\d+) of (\d+) GETs failed", told)
    assert failed
    assert int(failed[1]) == 0
    assert int(failed[2]) > 100


def test_what_it_leaves_is_enough_to_go_on_with(told: str, platform: RunningPlatform) -> None:
    found = platform.demo()
    people = {"developer", "reviewer", "operator"}
    assert set(found) == {"api", "portal", "edge", "forge", "app", "hostnames"} | people
    for role in people:
        person = found[role]
        assert isinstance(person, dict)
        assert set(person) == {"username", "password", "token"}
        answer = requests.get(f"{found['api']}/me/", headers={"Authorization": f"Bearer {person['token']}"}, timeout=20)
        assert answer.json()["username"] == person["username"]
        assert answer.json()["roles"] == ([] if role == "developer" else [role])
    hostnames = found["hostnames"]
    assert isinstance(hostnames, list)
    assert hostnames == [f"{found['app']}.apps.localhost", f"{found['app']}.test.apps.localhost"]
    assert "version 1" in through_edge(str(found["edge"]), hostnames[0]).text
    assert requests.get(f"{found['forge']}/api/v4/version", timeout=20).status_code == 401
    assert requests.get(str(found["portal"]), timeout=20).status_code == 200
    assert stat.S_IMODE((platform.home / "demo.json").stat().st_mode) == 0o600


def test_it_may_be_told_again_by_the_same_people_about_another_app(told: str, platform: RunningPlatform) -> None:
    before = platform.demo()
    again = platform.manage("demo")
    assert "release 1 is live again" in again
    after = platform.demo()
    assert after["app"] != before["app"]
    assert {role: after[role]["username"] for role in ("developer", "reviewer", "operator")} == {  # type: ignore[index]
        role: before[role]["username"]  # type: ignore[index]
        for role in ("developer", "reviewer", "operator")
    }
