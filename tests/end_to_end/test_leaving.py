"""What ends: a membership, an app. And what must never be found anywhere: a secret."""

import re
import secrets
import subprocess
import threading
from pathlib import Path

import pytest
import requests

from paas.demo.client import DemoFailed, GitClient
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, docker, page, until
from tests.end_to_end.running import RunningPlatform

pytestmark = pytest.mark.docker
SECRETS_OF_PLATFORM = """
from django.conf import settings
from provisioning.models import Repository
row = next(r for r in Repository.objects.all() if r.app.public_id == {app!r})
print(settings.FORGE_TOKEN, settings.SECRET_KEY, settings.FIELD_ENCRYPTION_KEYS[0])
print(row.webhook_token, row.management_path)
"""


def test_who_leaves_the_organization_cannot_push_any_more(cast: Cast, tmp_path: Path) -> None:
    plugin = Plugin(cast, tmp_path)
    plugin.push({"index.php": page("mine")})
    credentials = cast.colleague.client.post("/me/git-token/")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    git = GitClient(theirs, username=credentials["username"], token=credentials["token"], author="colleague")
    git.run("clone", "--quiet", "--branch", "main", plugin.url, "plugin")
    git.directory = theirs / "plugin"
    git.run("commit", "--quiet", "--allow-empty", "--message", "While a member")
    git.run("push", "--quiet", "origin", "HEAD:refs/heads/theirs")
    answer = cast.developer.ask("DELETE", f"/organizations/{cast.organization}/members/{cast.colleague.username}/")
    assert answer.status_code == 204
    assert cast.colleague.ask("GET", f"/apps/{plugin.id}/").status_code == 404

    def is_refused() -> bool:
        git.run("commit", "--quiet", "--allow-empty", "--message", "No longer a member")
        try:
            git.run("push", "--quiet", "origin", "HEAD:refs/heads/theirs")
        except DemoFailed:
            return True
        return False

    until(is_refused, "the push is refused")
    with pytest.raises(DemoFailed):
        git.run("fetch", "--quiet", "origin")
    # Who stays, stays.
    plugin.push({"index.php": page("still mine")})
    cast.let_in(cast.colleague)


def test_a_retired_app_is_gone_from_edge_engine_and_forge_and_keeps_its_history(
    cast: Cast, platform: RunningPlatform, tmp_path: Path
) -> None:
    plugin = Plugin(cast, tmp_path)
    production = plugin.release({"index.php": page("in production")})
    plugin.settled(plugin.release({"index.php": page("in test")}, environment="test"))
    plugin.settled(production)
    waiting = plugin.ask(environment="test")
    networks = f"name={platform.installation}-{plugin.id}-"
    assert len(docker("network", "ls", "-q", "--filter", networks).split()) == 2
    leased = cast.operator.client.get("/hosts/")["results"][0]["ports_leased"]
    answer = cast.developer.ask("DELETE", f"/apps/{plugin.id}/")
    assert answer.ok, answer.text
    cast.developer.client.wait_for(f"/apps/{plugin.id}/", states={"retired"}, bad={"failed"}, timeout_s=120)

    for environment in ("production", "test"):
        assert plugin.get(environment=environment).status_code == 404
    assert plugin.containers(running=False) == []
    assert docker("network", "ls", "-q", "--filter", networks) == ""
    assert docker("volume", "ls", "-q", "--filter", networks) == ""
    assert not (platform.home / "releases" / plugin.id).exists()
    assert cast.operator.client.get("/hosts/")["results"][0]["ports_leased"] == leased - 3
    with pytest.raises(DemoFailed):
        plugin.push({"index.php": page("too late")})
    assert plugin.wait(waiting["id"], {"cancelled"})
    for method, path, body in (
        ("POST", f"/apps/{plugin.id}/releases/", {"environment": "test", "ref": "main", "notes": ""}),
        ("POST", f"/apps/{plugin.id}/environments/test/rollback/", {}),
        ("PUT", f"/apps/{plugin.id}/environments/test/variables/LATE/", {"value": "x", "secret": True}),
    ):
        assert cast.developer.ask(method, path, body).status_code == 409, path
    assert plugin.timeline("app.retired")
    # Neither name nor hostname is used again.
    following = Plugin(cast, tmp_path)
    assert following.id > plugin.id
    assert following.hostname() != plugin.hostname()


@pytest.mark.parametrize("step", ["ensure_pipeline_finished", "ensure_standby"])
def test_an_app_may_be_retired_in_the_middle_of_a_deployment(cast: Cast, tmp_path: Path, step: str) -> None:
    plugin = Plugin(cast, tmp_path)
    plugin.push({"index.php": page("never mind")})
    asked = plugin.ask()
    plugin.approve(asked)
    begun = {"running", "waiting", "succeeded"}
    until(
        lambda: any(s["name"] == step and s["state"] in begun for d in plugin.deployments() for s in d["steps"]),
        f"the step {step}",
    )
    assert cast.developer.ask("DELETE", f"/apps/{plugin.id}/").ok
    cast.developer.client.wait_for(f"/apps/{plugin.id}/", states={"retired"}, bad={"failed"}, timeout_s=120)
    assert plugin.get().status_code == 404
    assert plugin.containers(running=False) == []
    deployment = plugin.deployment(asked)
    release = cast.reviewer.client.get(f"/releases/{asked['id']}/")
    if deployment["state"] == "cancelled" and release["state"] == "failed":
        assert release["error"] == "the app was retired during the deployment"
    else:
        assert release["state"] == "live"
    assert plugin.containers(running=False) == []


class ProcessList:
    """Looks at the arguments and environments' sizes of all processes, again and again, until it is stopped."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "ProcessList":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue


def test_no_secret_is_in_a_log_a_repository_a_process_list_or_an_answer(
    cast: Cast, platform: RunningPlatform, tmp_path: Path
) -> None:
    canary = f"canary-{secrets.token_hex(16)}"
    plugin = Plugin(cast, tmp_path)
    plugin.set_variable("CANARY", canary)
    with ProcessList() as processes:
        # The plugin prints its secret: only the engine's own log, which nobody reads unmasked, may have it.
        release = plugin.settled(plugin.release({"index.php": "<?php error_log(getenv('CANARY')); echo 'ok';"}))
    assert plugin.get().text == "ok"
    *platform_secrets, management = platform.manage("shell", "-c", SECRETS_OF_PLATFORM.format(app=plugin.id)).split()[
        -5:
    ]
    forge_token = platform_secrets[0]
    git_token = plugin.git.environment["BERTH_GIT_TOKEN"]
    canaries = [canary, git_token, cast.developer.token, cast.reviewer.token, *platform_secrets]
    assert all(len(value) >= 20 for value in canaries)

    assert any(b"deploy.sh" in line for line in processes.seen)
    for line in processes.seen:
        assert not [value for value in canaries if value.encode() in line], line

    for log in (platform.home / "log").rglob("*"):
        if log.is_file():
            content = log.read_bytes()
            assert not [value for value in canaries if value.encode() in content], log

    clone = GitClient(tmp_path, username="root", token=forge_token, author="operator")
    clone.run("clone", "--quiet", "--mirror", f"{platform.environment['FORGE_URL']}/{management}.git", "management")
    mirror = tmp_path / "management"
    history = subprocess.run(
        ["git", "log", "--all", "--patch", "--format=fuller"], cwd=mirror, capture_output=True, text=True, check=True
    ).stdout
    assert "deploy.sh" in history
    assert not [value for value in canaries if value in history]

    paths = [
        "/me/", "/organizations/", f"/organizations/{cast.organization}/members/", "/apps/", f"/apps/{plugin.id}/",
        f"/apps/{plugin.id}/environments/production/", f"/apps/{plugin.id}/releases/", f"/releases/{release['id']}/",
        f"/releases/{release['id']}/diff/", f"/apps/{plugin.id}/deployments/", f"/apps/{plugin.id}/timeline/",
        f"/apps/{plugin.id}/environments/production/logs/",
    ]  # fmt: skip
    for person in (cast.developer, cast.reviewer, cast.operator):
        for path in paths:
            answer = person.ask("GET", path)
            assert not [value for value in canaries if value in answer.text], path
    assert "[MASKED]" in cast.developer.ask("GET", paths[-1]).text


def test_the_forge_gives_a_pipelines_output_and_variables_to_the_platform_alone(
    cast: Cast, platform: RunningPlatform, tmp_path: Path
) -> None:
    """A developer's git token opens the code repository over git, and nothing of the forge's API or management."""
    plugin = Plugin(cast, tmp_path)
    plugin.push({"index.php": page("x")})
    token = plugin.git.environment["BERTH_GIT_TOKEN"]
    for path in ("user", "projects", "projects/1/variables", "projects/2/variables", "projects/2/pipelines"):
        answer = requests.get(
            f"{platform.environment['FORGE_URL']}/api/v4/{path}", headers={"PRIVATE-TOKEN": token}, timeout=20
        )
        assert answer.status_code in {401, 403, 404}, path
    management = re.sub(r"/forge/[^/]+/", "/forge/berth-management/", plugin.url)
    with pytest.raises(DemoFailed):
        plugin.git.run("clone", "--quiet", management, "stolen")
