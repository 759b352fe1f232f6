"""The JSON answer, over containers that run on the real Docker Engine."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from provisioning.logs.redaction import MAX_LINE
from provisioning.models import Host
from tests.factories import make_app, make_member, make_operator, make_reviewer, make_user
from tests.provisioning.logs.conftest import Plugin, live_release

pytestmark = pytest.mark.docker


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def lines(plugin: Plugin, **params: Any) -> list[dict[str, Any]]:
    response = client_of(plugin.owner).get(plugin.url, params)
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_line_says_when_where_and_of_which_release(plugin: Plugin) -> None:
    name = plugin.run("echo to stdout; echo to stderr >&2")
    plugin.has_ended(name)
    found = {line["stream"]: line for line in lines(plugin)}
    assert {stream: line["line"] for stream, line in found.items()} == {"stdout": "to stdout", "stderr": "to stderr"}
    for line in found.values():
        assert (line["container"], line["release"]) == (name, plugin.release.number)
        written = datetime.fromisoformat(line["time"])
        assert written.tzinfo == UTC
        assert len(line["time"]) == len("2026-01-31T12:00:00.123456789Z")


def test_lines_of_all_containers_come_in_the_order_of_their_times(plugin: Plugin) -> None:
    names = [
        plugin.run("for i in $(seq 40); do echo $i; done", role=role, part=part)
        for role, part in [("live", "app"), ("live", "web"), ("standby", "app")]
    ]
    for name in names:
        plugin.has_ended(name)
    found = lines(plugin)
    assert len(found) == 120
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    for name in names:
        assert [line["line"] for line in found if line["container"] == name] == [str(i) for i in range(1, 41)]


def test_tail_gives_the_last_lines_over_all_containers(plugin: Plugin) -> None:
    first = plugin.run("for i in $(seq 50); do echo old $i; done", part="web")
    plugin.has_ended(first)
    plugin.has_ended(plugin.run("for i in $(seq 3); do echo new $i; done"))
    assert [line["line"] for line in lines(plugin, tail=5)] == ["old 49", "old 50", "new 1", "new 2", "new 3"]


def test_since_and_until_are_inclusive(plugin: Plugin) -> None:
    plugin.has_ended(plugin.run("for i in $(seq 20); do echo $i; done"))
    everything = lines(plugin)
    since, until = everything[4]["time"], everything[9]["time"]
    assert lines(plugin, since=since, until=until) == everything[4:10]
    assert lines(plugin, since=since) == everything[4:]
    # The last of those before `until`, not of those there are.
    assert lines(plugin, until=until, tail=2) == everything[8:10]
    assert lines(plugin, since="1h") == everything
    assert lines(plugin, until="1h") == []


def test_grep_finds_plain_text_and_is_no_expression(plugin: Plugin) -> None:
    plugin.has_ended(plugin.run("echo 'a.c [x]'; echo abc; echo A.C; for i in $(seq 300); do echo other; done"))
    # It looks further back than the last lines.
    assert [line["line"] for line in lines(plugin, grep="a.c", tail=2)] == ["a.c [x]"]
    assert [line["line"] for line in lines(plugin, grep="[x]")] == ["a.c [x]"]


def test_container_chooses_a_role_or_a_name(plugin: Plugin) -> None:
    live, standby = plugin.run("echo live"), plugin.run("echo standby", role="standby")
    plugin.has_ended(live)
    plugin.has_ended(standby)
    assert [line["line"] for line in lines(plugin, container="live")] == ["live"]
    assert [line["line"] for line in lines(plugin, container="standby")] == ["standby"]
    assert [line["line"] for line in lines(plugin, container=standby)] == ["standby"]


def test_containers_of_others_are_not_there(plugin: Plugin) -> None:
    own = plugin.run("echo mine")
    foreign = plugin.run("echo of the other environment", environment="test")
    plugin.has_ended(own)
    plugin.has_ended(foreign)
    assert [line["line"] for line in lines(plugin)] == ["mine"]
    refused = client_of(plugin.owner).get(plugin.url, {"container": foreign})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "container")
    assert own in refused.json()["detail"]
    # The control: the other container can be read where it belongs.
    elsewhere = plugin.url.replace("/production/", "/test/")
    plugin.deploy(live_release(plugin.app, environment="test", number=2))
    found = client_of(plugin.owner).get(elsewhere, {"container": foreign}).json()["results"]
    assert [line["line"] for line in found] == ["of the other environment"]


def test_long_line_is_one_line_and_cut(plugin: Plugin) -> None:
    script = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo after"
    plugin.has_ended(plugin.run(script))
    for tail in (1, 2, 200):
        found = [line["line"] for line in lines(plugin, tail=tail)]
        assert found == ["x" * MAX_LINE + " [CUT]", "after"][-tail:]


def test_secrets_of_now_and_of_the_release_are_masked(plugin: Plugin) -> None:
    plugin.variable("DB_PASSWORD", "of-now-4711")
    plugin.variable("LOG_LEVEL", "verbose", is_secret=False)
    plugin.release.variables = '{"DB_PASSWORD": "of-the-release-0815", "LOG_LEVEL": "verbose"}'
    plugin.release.save()
    plugin.has_ended(plugin.run("echo of-now-4711 of-the-release-0815 verbose"))
    assert [line["line"] for line in lines(plugin)] == ["[MASKED] [MASKED] verbose"]


def test_secret_in_the_middle_of_a_line_that_docker_splits_is_masked(plugin: Plugin) -> None:
    plugin.variable("TOKEN", "split-me-in-two")
    for before in (16 * 1024 - 7, 16 * 1024 - 25):
        name = plugin.run(
            f"head -c {before} /dev/zero | tr '\\0' x; echo split-me-in-two {'y' * 100}", part=f"app{before}"
        )
        plugin.has_ended(name)
        for tail in (1, 200):
            [line] = lines(plugin, tail=tail, container=name)
            assert "split" not in line["line"]
            assert "two" not in line["line"]
            assert "[MASKED]" in line["line"]


def test_grep_is_no_oracle_for_secrets(plugin: Plugin) -> None:
    plugin.variable("TOKEN", "guess-me-if-you-can")
    plugin.has_ended(plugin.run("echo token is guess-me-if-you-can"))
    assert lines(plugin, grep="guess-me") == []
    assert len(lines(plugin, grep="token is")) == 1


def test_output_cannot_forge_a_line_or_move_a_terminal(plugin: Plugin) -> None:
    plugin.has_ended(plugin.run(r"""printf 'a\033[2Jb\r{"line": "forged"}\n'"""))
    assert [line["line"] for line in lines(plugin)] == ['a\\x1b[2Jb\\x0d{"line": "forged"}']


@pytest.mark.parametrize(
    "params",
    [{"tail": "0"}, {"since": "soon"}, {"until": "x"}, {"container": "no such"}, {"grep": "x" * 201}, {"follow": "2"}],
)
def test_bad_parameter_is_a_problem_that_names_it(plugin: Plugin, params: dict[str, str]) -> None:
    response = client_of(plugin.owner).get(plugin.url, params)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == list(params)


def test_who_may_read(plugin: Plugin) -> None:
    assert APIClient().get(plugin.url).status_code == 401
    assert client_of(make_user()).get(plugin.url).status_code == 404
    # A reviewer sees the environment, but not what the plugin says.
    assert client_of(make_reviewer()).get(plugin.url).status_code == 403
    assert client_of(make_operator()).get(plugin.url).status_code == 200
    assert client_of(make_member(plugin.app.organization)).get(plugin.url).status_code == 200


@pytest.mark.parametrize("app", ["app9999999", "app1", "..%2f..%2fetc", "app1000001%00"])
def test_what_is_no_app_of_mine_is_not_there(plugin: Plugin, app: str) -> None:
    make_app()
    response = client_of(plugin.owner).get(f"/api/v1/apps/{app}/environments/production/logs/")
    assert response.status_code == 404


def test_engine_that_is_down_is_said_to_be(plugin: Plugin) -> None:
    Host.objects.update(docker_url="unix:///nonexistent/docker.sock")
    for follow in ("false", "true"):
        response = client_of(plugin.owner).get(plugin.url, {"follow": follow})
        assert (response.status_code, response.json()["code"]) == (503, "logs_unavailable")
        assert "start it" in response.json()["detail"]


def test_nothing_deployed_is_nothing_to_read(plugin: Plugin) -> None:
    assert lines(plugin) == []
