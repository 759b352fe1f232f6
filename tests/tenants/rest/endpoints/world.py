"""A small world: one organization with people of every role, somebody from another one, and what calls are about.

Everything of the organization has `acme` or `tidewatch` in its name, so that it shows wherever it leaks. A row is made
when a call first names it.
"""

from collections.abc import Callable, Collection
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from tenants.models import ApiToken, User
from tenants.people.choices import MemberRole
from tenants.people.services import tokens
from tests import factories
from tests.tenants.rest.endpoints.calls import Call
from tests.tenants.rest.endpoints.things import THINGS

# No text of another tenant's answer may have one of these in it.
MARKS = ("acme", "tidewatch")
_ROLES = {"reviewer": "is_reviewer", "operator": "is_operator", "auditor": "is_auditor", "keeper": "is_operator"}
# What stands for nothing that there is. The rest of the names stand for themselves.
ABSENT = {
    "organization": "nobodys-harbour",
    "app": "app1999999",
    "account": "nothing",
    "account_name": "svc-nobodys-harbour.ci",
    "lost": "nobody-at-all",
    "member": "nobody-at-all",
    "leaver": "nobody-at-all",
    "newcomer": "nobody-at-all",
    "owner_name": "nobody-at-all",
    "variable": "NOTHING",
    "digest": "0" * 64,
    "version": "7",
    "zone": "nothing.example",
    "dns_account": "nothing",
    "plan": "0" * 64,
    "foreign_name": "nothing.nothing.example",
    "git_token_id": "999999",
    "code": "000000",
    "first_code": "000000",
}
_ABSENT_ID = "999999"
# Values that name no row, or one of the platform's or of who asks: there is nothing to hide.
PLAIN = {
    "digest",
    "plan",
    "foreign_name",
    "version",
    "code",
    "first_code",
    "password",
    "new_variable",
    "tomorrow",
    "environment",
    "production",
    "newcomer",
}


class World:
    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._clients: dict[str, APIClient] = {}
        self.organization = factories.make_organization(
            slug="harbour-of-acme", name="Harbour of Acme", owner=factories.make_user("acme-owner")
        )

    def user(self, person: str) -> User:
        return self._once(f"user {person}", lambda: self._person(person))

    def client(self, person: str) -> APIClient:
        """With a token of all scopes, which was used just now."""
        if person not in self._clients:
            self._clients[person] = self.client_with(person, scopes=tokens.ALL_SCOPES)
        return self._clients[person]

    def client_with(self, person: str, **token: Any) -> APIClient:
        client = factories.api_client()
        if person != "nobody":
            text = factories.make_token(self.user(person), **token)
            ApiToken.objects.filter(user=self.user(person)).update(last_used_at=timezone.now())
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return client

    def send(self, person: str, call: Call, *, absent: Collection[str] = (), client: APIClient | None = None) -> Any:
        """`absent` has the things for which names of nothing stand."""

        def text_of(thing: str) -> str:
            return ABSENT.get(thing, _ABSENT_ID) if thing in absent else self.text(thing)

        return (client or self.client(person)).generic(
            call.method, call.path(text_of), call.content(text_of), content_type="application/json"
        )

    def prepare(self, call: Call) -> None:
        """Makes all that the call names, and who may make it."""
        self.client(call.who)
        for thing in (*call.named, *call.needs):
            self.row(thing)

    def row(self, thing: str) -> Any:
        return self._once(thing, lambda: THINGS[thing](self))

    def text(self, thing: str) -> str:
        row = self.row(thing)
        if isinstance(row, str):
            return row
        match thing:
            case "organization" | "my_organization":
                return str(row.slug)
            case "app" | "my_app":
                return str(row.public_id)
        return str(row.username if isinstance(row, User) else row.pk)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _person(self, person: str) -> User:
        if person == "owner":
            return factories.owner_of(self.organization)
        if person in ("developer", "maintainer", "leaver"):
            role = MemberRole.MAINTAINER if person == "maintainer" else MemberRole.DEVELOPER
            return factories.make_member(self.organization, role, factories.make_user(f"acme-{person}"))
        if person == "stranger":
            return factories.owner_of(self.row("my_organization"))
        if person in _ROLES:
            return factories.make_user(f"staff-{person}", **{_ROLES[person]: True})
        return factories.make_user(f"acme-{person}")
