"""What a person at a terminal has: the REST API, git, and a browser's view of the edge."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import requests

API_TIMEOUT_S = 30
CREDENTIAL_HELPER = '!f() { echo "username=$BERTH_GIT_USERNAME"; echo "password=$BERTH_GIT_TOKEN"; }; f'


class DemoFailed(Exception):
    """A step of the demo did not do what a user would expect."""


class ApiClient:
    """One person's view of the REST API."""

    def __init__(self, api: str, token: str = "") -> None:
        self.api = api
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, *, ok: tuple[int, ...] = ()) -> Any:
        """The answer's JSON. Raises `DemoFailed` with the problem's detail for a status that is not in `ok` or 2xx."""
        response = self.session.request(method, self.api + path, json=body, timeout=API_TIMEOUT_S)
        if not response.ok and response.status_code not in ok:
            raise DemoFailed(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if response.content else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.call("POST", path, body or {})

    def wait_for(self, path: str, *, states: set[str], bad: set[str], timeout_s: float, look_s: float = 0.1) -> Any:
        """Looks at a resource until its `state` is one of `states`. Raises `DemoFailed` for a bad one or a time-out."""
        until = time.monotonic() + timeout_s
        found = self.get(path)
        while found["state"] not in states:
            if found["state"] in bad or time.monotonic() > until:
                raise DemoFailed(f"{path} is {found['state']}: {found.get('error') or 'no reason given'}")
            time.sleep(look_s)
            found = self.get(path)
        return found


class GitClient:
    """Real git, with the token handed to a credential helper through the environment."""

    def __init__(self, directory: Path, *, username: str, token: str, author: str) -> None:
        self.directory = directory
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(directory),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": f"{author}@example.com",
            "GIT_COMMITTER_NAME": author,
            "GIT_COMMITTER_EMAIL": f"{author}@example.com",
            "BERTH_GIT_USERNAME": username,
            "BERTH_GIT_TOKEN": token,
        }

    def run(self, *arguments: str) -> str:
        result = subprocess.run(
            ["git", "-c", "credential.helper=", "-c", f"credential.helper={CREDENTIAL_HELPER}", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if result.returncode:
            raise DemoFailed(f"git {arguments[0]}: {result.stderr.strip()}")
        return result.stdout.strip()


def through_edge(edge: str, hostname: str, path: str = "/", *, method: str = "GET") -> requests.Response:
    """A request to the app's own hostname, sent to the edge."""
    return requests.request(method, edge + path, headers={"Host": hostname}, timeout=10)
