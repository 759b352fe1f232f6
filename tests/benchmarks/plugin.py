"""A plugin that the benchmarks release again and again, with what its people have: the REST API and git."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings

from paas.demo.client import ApiClient, DemoFailed, GitClient
from tests.benchmarks import engine
from tests.end_to_end.running import RunningPlatform

TIMEOUT_S = 60
# Each look takes the web some 10 ms, and slows the release down that it waits for. The answer says when it went live.
LOOK_S = 0.25
BAD = {"failed", "rejected", "cancelled"}
SAMPLE = settings.ROOT / "templates" / "demo" / "v1" / "index.php"


@dataclass
class Plugin:
    """A PHP app in production, and the two people who can bring a release there."""

    platform: RunningPlatform
    developer: ApiClient
    reviewer: ApiClient
    git: GitClient
    app: str
    hostname: str
    version: int = 0
    STATIC_FILE: ClassVar[str] = "logo.txt"
    STATIC_BYTES: ClassVar[int] = 2048

    @classmethod
    def create(cls, platform: RunningPlatform, directory: Path) -> "Plugin":
        """Its first release is live and has settled when this returns."""
        developer, reviewer = person(platform, "developer"), person(platform, "reviewer", "--reviewer")
        developer.post("/organizations/", {"name": "Benchmarks", "slug": "benchmarks"})
        created = developer.post(
            "/apps/", {"organization": "benchmarks", "name": "Benchmark", "slug": "benchmark", "stack": "php"}
        )
        path = f"/apps/{created['id']}/"
        app = developer.wait_for(path, states={"active"}, bad={"failed"}, timeout_s=TIMEOUT_S)
        hostname = next(found["hostnames"][0] for found in app["environments"] if found["name"] == "production")
        credentials = developer.post("/me/git-token/")
        git = GitClient(
            directory, username=credentials["username"], token=credentials["token"], author="bench-developer"
        )
        git.run("clone", "--quiet", app["repository"]["http_url"], "plugin")
        git.directory = directory / "plugin"
        git.run("checkout", "--quiet", "-B", "main")
        plugin = cls(platform, developer, reviewer, git, app["id"], hostname)
        plugin.approve(plugin.request())
        plugin.settle()
        return plugin

    def request(self) -> dict[str, Any]:
        """Pushes another version and asks for its release. Returns the release when it awaits its review."""
        self.version += 1
        page = SAMPLE.read_text().replace("version 1", f"version {self.version}")
        (self.git.directory / "index.php").write_text(page)
        (self.git.directory / self.STATIC_FILE).write_text("x" * self.STATIC_BYTES)
        self.git.run("add", "--all")
        self.git.run("commit", "--quiet", "--message", f"Version {self.version}")
        self.git.run("push", "--quiet", "origin", "main")
        asked = self.developer.post(
            f"/apps/{self.app}/releases/", {"environment": "production", "ref": "main", "notes": ""}
        )
        found: dict[str, Any] = self.developer.wait_for(
            f"/releases/{asked['id']}/", states={"awaiting_review"}, bad=BAD, timeout_s=TIMEOUT_S
        )
        return found

    def approve(self, release: dict[str, Any]) -> float:
        """Seconds from the call that approves until the release was live, by the clock that both are read from."""
        path = f"/releases/{release['id']}/"
        started = time.time()
        self.reviewer.post(f"{path}approve/", {"digest": release["digest"], "comment": ""})
        try:
            found = self.reviewer.wait_for(path, states={"live"}, bad=BAD, timeout_s=TIMEOUT_S, look_s=LOOK_S)
        except DemoFailed as failure:
            raise DemoFailed(f"{failure}\n{self._last_words()}") from None
        return datetime.fromisoformat(found["went_live_at"]).timestamp() - started

    def settle(self) -> dict[str, Any]:
        """Waits until the newest deployment is over, old containers gone and all, and returns it."""
        newest = self.developer.get(f"/apps/{self.app}/deployments/")["results"][0]
        found: dict[str, Any] = self.developer.wait_for(
            f"/deployments/{newest['id']}/", states={"succeeded"}, bad={"failed", "cancelled"}, timeout_s=TIMEOUT_S
        )
        return found

    def _last_words(self) -> str:
        """What the steps of the newest deployment that did not succeed have said."""
        newest = self.developer.get(f"/apps/{self.app}/deployments/")["results"][0]
        steps = self.developer.get(f"/deployments/{newest['id']}/")["steps"]
        return "\n".join(
            f"{step['name']} is {step['state']}: {step['error']}\n{step['output']}"
            for step in steps
            if step["error"] or step["state"] == "failed"
        )

    def containers(self) -> dict[str, dict[str, Any]]:
        """The containers of its production, by `live-web`, `live-app`, `standby-web` and `standby-app`."""
        return engine.containers(installation=self.platform.installation, app=self.app, environment="production")

    def live_port(self) -> int:
        return engine.published_port(self.containers()["live-web"])

    def release_home(self) -> Path:
        """Where the files of the release lie that went live last."""
        newest = self.developer.get(f"/apps/{self.app}/deployments/")["results"][0]
        number = self.developer.get(f"/releases/{newest['release']}/")["number"]
        return self.platform.home / "releases" / self.app / "production" / str(number)


def person(platform: RunningPlatform, role: str, *options: str) -> ApiClient:
    """Somebody new, with a token."""
    username = f"bench-{role}"
    said = platform.manage("user_add", username, "--email", f"{username}@example.com", "--generate", *options)
    password = re.search(r"^password: (\S+)$", said, re.MULTILINE)
    if password is None:
        raise RuntimeError(f"user_add printed no password for {username}")
    api = ApiClient(platform.api)
    answer = api.post("/tokens/", {"username": username, "password": password[1], "name": "bench"})
    return ApiClient(platform.api, answer["token"])
