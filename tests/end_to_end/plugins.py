"""One plugin on its way: pushed with real git, asked for, reviewed, deployed, looked at through the edge."""

import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

from paas.demo.client import GitClient, through_edge
from tests.end_to_end.people import Cast

Seen = TypeVar("Seen")
# Far longer than anything takes: only a test that fails waits for so long.
PATIENCE_S = 120
DECIDED = {"live", "failed", "superseded", "rolled_back", "rejected", "cancelled"}


def page(text: str) -> str:
    """A plugin that answers with the text, and writes a line to its log for each request."""
    return f"<?php error_log('asked for '.$_SERVER['REQUEST_URI']); echo {text!r};"


def until(look: Callable[[], Seen | None], what: str, *, patience_s: float = PATIENCE_S) -> Seen:
    """Looks until there is something true to see, and gives that."""
    end = time.monotonic() + patience_s
    while not (seen := look()):
        assert time.monotonic() < end, f"waited for {patience_s} s: {what}"
        time.sleep(0.1)
    return seen


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


class Plugin:
    """An app of the developer's organization and a clone of its repository."""

    def __init__(self, cast: Cast, directory: Path, *, stack: str = "php") -> None:
        self.cast = cast
        self.directory = directory
        created = cast.developer.client.post(
            "/apps/",
            {"organization": cast.organization, "name": "Plugin", "slug": f"p-{secrets.token_hex(4)}", "stack": stack},
        )
        self.id = str(created["id"])
        self.row = cast.developer.client.wait_for(
            f"/apps/{self.id}/", states={"active"}, bad={"failed"}, timeout_s=PATIENCE_S
        )
        self._git: GitClient | None = None

    @property
    def url(self) -> str:
        return str(self.row["repository"]["http_url"])

    @property
    def git(self) -> GitClient:
        """The developer's clone, made at first need."""
        if self._git is None:
            credentials = self.cast.developer.client.post("/me/git-token/")
            git = GitClient(
                self.directory, username=credentials["username"], token=credentials["token"], author="developer"
            )
            git.run("clone", "--quiet", self.url, self.id)
            git.directory = self.directory / self.id
            git.run("checkout", "--quiet", "-B", "main")
            self._git = git
        return self._git

    def hostname(self, environment: str = "production") -> str:
        return str(next(e["hostnames"][0] for e in self.row["environments"] if e["name"] == environment))

    def get(self, path: str = "/", *, environment: str = "production") -> requests.Response:
        return through_edge(self.cast.platform.edge, self.hostname(environment), path)

    def push(self, files: Mapping[str, str | bytes], *, ref: str = "main", force: bool = False) -> str:
        """Commits the files on top of what is there, pushes to the branch, gives the SHA."""
        for name, content in files.items():
            target = self.git.directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git.run("add", "--all")
        self.git.run("commit", "--quiet", "--allow-empty", "--message", "A change")
        self.git.run("push", "--quiet", *(["--force"] if force else []), "origin", f"HEAD:refs/heads/{ref}")
        return self.git.run("rev-parse", "HEAD")

    def set_variable(self, name: str, value: str, *, environment: str = "production", secret: bool = True) -> None:
        path = f"/apps/{self.id}/environments/{environment}/variables/{name}/"
        self.cast.developer.client.call("PUT", path, {"value": value, "secret": secret})

    def ask(self, ref: str = "main", *, environment: str = "production") -> dict[str, Any]:
        """A release as it is once it waits for review. Fails where it does not come so far."""
        asked = self.submit(ref, environment=environment)
        assert asked["state"] == "awaiting_review", asked["error"]
        return asked

    def submit(self, ref: str = "main", *, environment: str = "production") -> dict[str, Any]:
        """A release as it is once its checks are done, whatever they said."""
        asked = self.cast.developer.client.post(
            f"/apps/{self.id}/releases/", {"environment": environment, "ref": ref, "notes": ""}
        )
        states = DECIDED | {"awaiting_review"}
        return self.wait(asked["id"], states)

    def wait(self, release: int, states: set[str]) -> dict[str, Any]:
        return dict(
            self.cast.reviewer.client.wait_for(
                f"/releases/{release}/", states=states, bad=DECIDED - states, timeout_s=PATIENCE_S
            )
        )

    def approve(self, release: Mapping[str, Any]) -> None:
        self.cast.reviewer.client.post(
            f"/releases/{release['id']}/approve/", {"digest": release["digest"], "comment": ""}
        )

    def release(self, files: Mapping[str, str | bytes], *, environment: str = "production") -> dict[str, Any]:
        """From the developer's disk to live."""
        self.push(files)
        asked = self.ask(environment=environment)
        self.approve(asked)
        return self.live(asked)

    def live(self, release: Mapping[str, Any]) -> dict[str, Any]:
        return self.wait(release["id"], {"live"})

    def settled(self, release: Mapping[str, Any]) -> dict[str, Any]:
        """The release once its standby runs and the old containers are gone."""
        found = self.live(release)
        assert self.deployment(release)["state"] == "succeeded"
        return found

    def deployments(self) -> list[dict[str, Any]]:
        """Newest first."""
        return list(self.cast.developer.client.get(f"/apps/{self.id}/deployments/")["results"])

    def deployment(self, release: Mapping[str, Any]) -> dict[str, Any]:
        """The newest deployment of the release, once it has ended."""
        newest = until(
            lambda: next((d for d in self.deployments() if d["release"] == release["id"]), None),
            f"a deployment of release {release['number']}",
        )
        return dict(
            self.cast.developer.client.wait_for(
                f"/deployments/{newest['id']}/",
                states={"succeeded", "failed", "cancelled"},
                bad=set(),
                timeout_s=PATIENCE_S,
            )
        )

    def failed(self, release: Mapping[str, Any]) -> dict[str, Any]:
        """The release's failed deployment; its release says the same."""
        deployment = self.deployment(release)
        assert deployment["state"] == "failed"
        assert self.wait(release["id"], {"failed"})["error"] == deployment["error"]
        return deployment

    def rollback(self, number: int | None = None, *, environment: str = "production") -> requests.Response:
        body = {} if number is None else {"release": number}
        return self.cast.developer.ask("POST", f"/apps/{self.id}/environments/{environment}/rollback/", body)

    def timeline(self, action: str) -> list[dict[str, Any]]:
        """Newest first."""
        events = self.cast.developer.client.get(f"/apps/{self.id}/timeline/")["results"]
        return [event for event in events if event["action"] == action]

    def logs(self, query: str = "", *, environment: str = "production") -> list[dict[str, Any]]:
        path = f"/apps/{self.id}/environments/{environment}/logs/?tail=1000{query}"
        return list(self.cast.developer.client.get(path)["results"])

    def containers(self, *, running: bool = True, **labels: str) -> list[str]:
        """Names of the app's containers with these labels, e.g. `role="live"`, `part="web"`."""
        wanted = {"app": self.id, "installation": self.cast.platform.installation} | labels
        filters = [word for key, value in wanted.items() for word in ("--filter", f"label=berth.{key}={value}")]
        return docker("ps", *([] if running else ["--all"]), *filters, "--format", "{{.Names}}").split()


def errors_of(answer: requests.Response) -> str:
    """The problem's words, after a look at its form (RFC 9457)."""
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"]
    return f"{problem['detail']} {problem.get('errors')}"
