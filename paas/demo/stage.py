"""The people of the demo, and a step that they go through."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from paas.demo.client import ApiClient
from tenants.people.models.user import User
from tenants.people.services.users import user_create

ROLES = ("developer", "reviewer", "operator")


@dataclass
class Person:
    username: str
    password: str
    token: str = ""

    def as_json(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password, "token": self.token}


@dataclass
class Stage:
    """The people, their app, and the installation that they use; `say` prints one line."""

    say: Callable[[str], None]
    web: str = settings.WEB_URL
    edge: str = f"http://127.0.0.1:{settings.EDGE_PORT}"
    people: dict[str, Person] = field(default_factory=dict)
    app: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"{self.web}/api/v1"

    @property
    def hostname(self) -> str:
        return next(e["hostnames"][0] for e in self.app["environments"] if e["name"] == "production")

    def client(self, role: str) -> ApiClient:
        return ApiClient(self.api, self.people[role].token)

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Prints one line with what happened, what it showed, and how long it took."""
        shown: list[str] = []
        started = time.monotonic()
        yield shown
        took = time.monotonic() - started
        self.say(f"[{took:6.2f} s] {what}" + (": " + ", ".join(shown) if shown else ""))

    def sign_in_people(self) -> None:
        """The three people. Making an account is an operator's work at the platform's own machine."""
        with self.step("developer, reviewer and operator sign in, each with a token for the API") as shown:
            known = self._people_of_last_time()
            for role in ROLES:
                person = known.get(role) or self._new_person(role)
                answer = ApiClient(self.api).post(
                    "/tokens/", {"username": person.username, "password": person.password, "name": "demo"}
                )
                person.token = answer["token"]
                self.people[role] = person
                shown.append(person.username)

    def _people_of_last_time(self) -> dict[str, Person]:
        path = settings.HOME / "demo.json"
        if not path.is_file():
            return {}
        known = json.loads(path.read_text())
        people = {role: Person(known[role]["username"], known[role]["password"]) for role in ROLES if role in known}
        return {r: p for r, p in people.items() if User.objects.filter(username=p.username).exists()}

    def _new_person(self, role: str) -> Person:
        names = (f"demo-{role}" + (f"-{n}" if n else "") for n in range(1000))
        username = next(name for name in names if not User.objects.filter(username=name).exists())
        password = secrets.token_urlsafe(18)
        user_create(
            username=username,
            password=password,
            email=f"{username}@example.com",
            actor=None,
            is_reviewer=role == "reviewer",
            is_operator=role == "operator",
        )
        return Person(username, password)
