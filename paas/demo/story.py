"""The steps of the demo, in the order in which a developer, a reviewer and an operator go through them."""

import json
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from paas.demo.client import DemoFailed, GitClient, through_edge
from paas.demo.load import Load
from paas.demo.stage import Stage
from provisioning.dns.answers import Outcome
from provisioning.dns.selectors.delegations import resolution

LIVE_TIMEOUT_S = 120
SAMPLES = settings.ROOT / "templates" / "demo"
BAD_RELEASE_STATES = {"failed", "rejected", "cancelled"}


class Story(Stage):
    """The whole way, a step at a time."""

    def run(self) -> None:
        """Raises `DemoFailed` at the first step that does not do what a user would expect."""
        try:
            self._run()
        except DemoFailed as error:
            raise DemoFailed(f"{error}{self._where_it_stands()}") from None

    def _where_it_stands(self) -> str:
        """The step at which the app's newest deployment is or ended, for whoever reads of a failure."""
        if not self.app:
            return ""
        try:
            newest = self.client("developer").get(f"/apps/{self.app['id']}/deployments/")["results"][:1]
        except (DemoFailed, OSError):
            return ""
        steps = [step for deployment in newest for step in deployment["steps"] if step["state"] != "succeeded"][:1]
        return "".join(
            f"\ndeployment {newest[0]['id']} is {newest[0]['state']} at {step['name']} ({step['state']}, "
            f"attempt {step['attempts']}): {step['error'] or step['output'][-500:]}"
            for step in steps
        )

    def _run(self) -> None:
        started = time.monotonic()
        self.sign_in_people()
        organization = self.make_organization()
        self.make_app(organization)
        self.ask_name_servers()
        with tempfile.TemporaryDirectory(prefix="berth-demo-") as directory:
            git = self.clone(Path(directory))
            first = self.release(git, "v1")
            self.show_page("version 1")
            self.kill_live_container()
            self.release(git, "v2")
            self.show_page("version 2")
        self.roll_back(first["number"])
        self.show_page("version 1")
        self.show_logs()
        self.show_hosts()
        path = self.write_file()
        self.say(f"[{time.monotonic() - started:6.2f} s] the whole way; who and what is in {path}")

    def make_organization(self) -> str:
        developer = self.client("developer")
        with self.step("the developer's organization") as shown:
            mine = developer.get("/me/")["organizations"]
            if mine:
                slug = str(mine[0]["slug"])
            else:
                slug = self.people["developer"].username
                developer.post("/organizations/", {"name": "Demo developers", "slug": slug})
            shown.append(slug)
        return slug

    def make_app(self, organization: str) -> None:
        developer = self.client("developer")
        with self.step("a PHP app is created and provisioned") as shown:
            body = {
                "organization": organization,
                "name": "Hello",
                "slug": f"hello-{secrets.token_hex(3)}",
                "stack": "php",
            }
            created = developer.post("/apps/", body)
            self.app = developer.wait_for(
                f"/apps/{created['id']}/", states={"active"}, bad={"failed"}, timeout_s=LIVE_TIMEOUT_S
            )
            developer.call(
                "PUT",
                f"/apps/{self.app['id']}/environments/production/variables/GREETING/",
                {"value": "Good day", "secret": False},
            )
            shown += [self.app["id"], self.hostname, self.app["repository"]["http_url"]]

    def ask_name_servers(self) -> None:
        """What the servers of the hostname's zone say, with authority, as `dig` would show it."""
        if not settings.EMBEDDED_DNS:
            return
        with self.step(f"the name server is asked for {self.hostname}") as shown:
            found = resolution().observe(self.hostname, "A")
            for answer in found.answers:
                where = f"{answer.server.address} port {answer.server.port}"
                if answer.outcome != Outcome.ANSWER:
                    raise DemoFailed(f"the name server at {where} says {answer.outcome}: {answer.detail}")
                shown.append(f"{where} answers with authority: A {' '.join(answer.values)}, TTL {answer.ttl_s} s")
            if not found.answers:
                raise DemoFailed(f"no name server could be asked: {found.detail}")

    def clone(self, directory: Path) -> GitClient:
        credentials = self.client("developer").post("/me/git-token/")
        git = GitClient(
            directory,
            username=credentials["username"],
            token=credentials["token"],
            author=self.people["developer"].username,
        )
        with self.step("git clone"):
            git.run("clone", "--quiet", self.app["repository"]["http_url"], "plugin")
            git.directory = directory / "plugin"
            git.run("checkout", "--quiet", "-B", "main")
        return git

    def release(self, git: GitClient, version: str) -> dict[str, Any]:
        """Push, ask, read, approve, wait: one release from the developer's disk to the edge."""
        with self.step(f"git push of {version}") as shown:
            for sample in sorted((SAMPLES / version).iterdir()):
                shutil.copy(sample, git.directory)
            git.run("add", "--all")
            git.run("commit", "--quiet", "--message", f"Demo plugin {version}")
            git.run("push", "--quiet", "origin", "main")
            shown.append(git.run("rev-parse", "--short", "HEAD"))
        with self.step("the developer asks for a release to production") as shown:
            asked = self.client("developer").post(
                f"/apps/{self.app['id']}/releases/",
                {"environment": "production", "ref": "main", "notes": f"Demo {version}"},
            )
            path = f"/releases/{asked['id']}/"
            release = self.client("reviewer").wait_for(
                path, states={"awaiting_review"}, bad=BAD_RELEASE_STATES, timeout_s=LIVE_TIMEOUT_S
            )
            shown += [f"release {release['number']}", release["commit_sha"][:12], f"digest {release['digest'][:12]}"]
        reviewer = self.client("reviewer")
        with self.step("the reviewer reads the difference to what is live") as shown:
            files = reviewer.get(f"{path}diff/")["files"]
            shown.append(f"{len(files)} file(s) changed")
        with self.step("the reviewer approves; pipeline, containers, health check, edge: live") as shown:
            reviewer.post(f"{path}approve/", {"digest": release["digest"], "comment": "Read and fine."})
            release = reviewer.wait_for(path, states={"live"}, bad=BAD_RELEASE_STATES, timeout_s=LIVE_TIMEOUT_S)
            shown.append(f"release {release['number']} is live")
        self._wait_for_deployment()
        return dict(release)

    def _wait_for_deployment(self) -> None:
        developer = self.client("developer")
        with self.step("standby started, old containers finished and gone") as shown:
            newest = developer.get(f"/apps/{self.app['id']}/deployments/")["results"][0]
            done = developer.wait_for(
                f"/deployments/{newest['id']}/",
                states={"succeeded"},
                bad={"failed", "cancelled"},
                timeout_s=LIVE_TIMEOUT_S,
            )
            shown.append(f"{len(done['steps'])} steps")

    def show_page(self, expected: str) -> None:
        with self.step(f"GET http://{self.hostname}/ through the edge") as shown:
            response = through_edge(self.edge, self.hostname)
            heading = re.search(r"<h1>(.*?)</h1>", response.text)
            if response.status_code != 200 or heading is None or expected not in heading[1]:
                raise DemoFailed(f"the edge answered {response.status_code}: {response.text[:300]}")
            shown += [str(response.status_code), heading[1]]

    def kill_live_container(self) -> None:
        """`docker kill` of the live sidecar while requests run; then both must run again."""
        name = self._live_container("web")
        developer = self.client("developer")
        timeline = f"/apps/{self.app['id']}/timeline/"
        with self.step("the live container is killed while requests run, and started again") as shown:
            with Load(self.edge, self.hostname) as load:
                time.sleep(1)
                subprocess.run(["docker", "kill", name], check=True, capture_output=True, timeout=30)
                until = time.monotonic() + 60
                while not any(e["action"] == "workload.repaired" for e in developer.get(timeline)["results"]):
                    if time.monotonic() > until:
                        raise DemoFailed(f"{name} was not started again within a minute")
                    time.sleep(0.2)
                time.sleep(1)
            shown += [
                f"docker kill {name}",
                f"{load.sent} requests",
                f"{load.get_failed} of {load.get_sent} GETs failed",
                f"{load.post_failed} of {load.post_sent} POSTs failed",
            ]

    def _live_container(self, part: str) -> str:
        labels = (("app", self.app["id"]), ("environment", "production"), ("role", "live"), ("part", part))
        filters = [f"label=berth.{key}={value}" for key, value in labels]
        arguments = [item for entry in filters for item in ("--filter", entry)]
        listed = subprocess.run(
            ["docker", "ps", "--format", "{{.Names}}", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return listed.stdout.split()[0]

    def roll_back(self, number: int) -> None:
        developer = self.client("developer")
        with self.step(f"rollback to release {number}") as shown:
            deployment = developer.post(
                f"/apps/{self.app['id']}/environments/production/rollback/", {"release": number}
            )
            developer.wait_for(
                f"/releases/{deployment['release']}/",
                states={"live"},
                bad=BAD_RELEASE_STATES,
                timeout_s=LIVE_TIMEOUT_S,
            )
            shown.append(f"release {number} is live again")
        self._wait_for_deployment()

    def show_logs(self) -> None:
        with self.step("the app's last log lines") as shown:
            lines = self.client("developer").get(f"/apps/{self.app['id']}/environments/production/logs/?tail=5")
            shown.append(f"{len(lines['results'])} lines")
        for line in lines["results"]:
            self.say(f"           {line['time']} {line['container']} {line['line']}")

    def show_hosts(self) -> None:
        with self.step("the operator looks at the hosts") as shown:
            shown += [host["name"] for host in self.client("operator").get("/hosts/")["results"]]

    def write_file(self) -> Path:
        path = settings.HOME / "demo.json"
        content = {
            "api": self.api,
            "portal": f"{self.web}/",
            "edge": self.edge,
            "forge": settings.FORGE_URL,
            "app": self.app["id"],
            # production's first
            "hostnames": [
                hostname
                for environment in sorted(self.app["environments"], key=lambda e: e["name"] != "production")
                for hostname in environment["hostnames"]
            ],
            **{role: person.as_json() for role, person in self.people.items()},
        }
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(content, indent=2) + "\n")
        partial.replace(path)
        return path
