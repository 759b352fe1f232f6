"""The people of the stories, with what a user has: the REST API and git. Each in an organization or with a role."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests

from paas.demo.client import API_TIMEOUT_S, ApiClient
from tests.end_to_end.running import RunningPlatform

MAKE_USERS = """
import json, secrets
from tenants.people.services.users import user_create
passwords = {{name: secrets.token_urlsafe(18) for name in {usernames!r}}}
for name, password in passwords.items():
    user_create(username=name, password=password, email=name + "@example.com", actor=None,
                is_reviewer=name.startswith("reviewer"), is_operator=name.startswith("operator"))
print(json.dumps(passwords))
"""


@dataclass
class Person:
    """Somebody signed in. `client` raises for every answer that is not 2xx; `ask` gives the answer as it is."""

    username: str
    client: ApiClient
    token: str

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        return self.client.session.request(method, self.client.api + path, json=body, timeout=API_TIMEOUT_S)


@dataclass
class Cast:
    platform: RunningPlatform
    developer: Person
    colleague: Person
    reviewer: Person
    operator: Person
    stranger: Person
    organization: str
    other_organization: str

    @classmethod
    def of(cls, platform: RunningPlatform) -> "Cast":
        """Makes them. The names are new, so that this may run again on the same platform."""
        mark = secrets.token_hex(3)
        roles = ("developer", "colleague", "reviewer", "operator", "stranger")
        people = dict(zip(roles, sign_up(platform, [f"{role}-{mark}" for role in roles]), strict=True))
        organization, other = f"org-{mark}", f"other-{mark}"
        developer, stranger = people["developer"].client, people["stranger"].client
        developer.post("/organizations/", {"name": "Plugin makers", "slug": organization})
        stranger.post("/organizations/", {"name": "Somebody else", "slug": other})
        cast = cls(platform, organization=organization, other_organization=other, **people)
        cast.let_in(cast.colleague)
        return cast

    def let_in(self, person: Person) -> None:
        """Into the organization: the developer invites, the person accepts."""
        invitation = self.developer.client.post(
            f"/organizations/{self.organization}/invitations/", {"username": person.username, "role": "developer"}
        )
        person.client.post(f"/invitations/{invitation['id']}/accept/")


def sign_up(platform: RunningPlatform, usernames: Sequence[str]) -> list[Person]:
    """Accounts as the operator makes them, in one go, and a token for the API for each, as its owner gets one.

    A name that begins with `reviewer` or `operator` gets that role.
    """
    printed = platform.manage("shell", "-c", MAKE_USERS.format(usernames=list(usernames)))
    people = []
    for username, password in json.loads(printed.strip().splitlines()[-1]).items():
        answer = ApiClient(platform.api).post("/tokens/", {"username": username, "password": password, "name": "tests"})
        people.append(Person(username, ApiClient(platform.api, answer["token"]), answer["token"]))
    return people
