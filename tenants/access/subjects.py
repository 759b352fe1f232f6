"""Who asks, and in what circumstances: the attributes that conditions are compared with."""

import ipaddress
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from tenants.access.facts import Facts, Granted, facts_of
from tenants.audit.request_context import Authentication, authentication
from tenants.people.choices import PlatformRole, TokenScope
from tenants.people.models.user import User
from tenants.policies.models.policy import Freeze

# What is true of the platform's own calls and of people without a token: no scope limits them.
UNLIMITED: frozenset[str] = frozenset(TokenScope.values)


class Subject:
    """One user as policies see them, together with how they came in. Memberships and groups are read once, if at all.

    A superuser holds every platform role; no policy is passed over for them.
    """

    def __init__(self, user: User, came_in: Authentication | None = None) -> None:
        came_in = authentication.get() if came_in is None else came_in
        self.user = user
        self.id = user.pk
        self.username = user.username
        self.email = user.email.lower()
        self.is_active = user.is_active
        self.is_service_account = user.is_service_account
        self.platform_roles = frozenset(PlatformRole.values if user.is_superuser else user.roles)
        self.has_second_factor = came_in.has_second_factor
        self.scopes = UNLIMITED if came_in.scopes is None else came_in.scopes
        # A token may be for one organization or one app: nothing outside it exists then.
        self.only_organization = came_in.organization_id
        self.only_app = came_in.app_id

    @cached_property
    def _facts(self) -> Facts:
        return facts_of(self.id)

    @property
    def stamp(self) -> uuid.UUID | None:
        """Of the policies, when memberships, groups and grants were read."""
        return self._facts.stamp

    @cached_property
    def memberships(self) -> Mapping[int, str]:
        """Organization id -> role."""
        return self._facts.memberships

    @cached_property
    def grants(self) -> Mapping[Any, Granted | None]:
        """What was granted explicitly, by grant model; None: too much to hold, ask the database."""
        return self._facts.grants

    @property
    def organizations(self) -> frozenset[int]:
        return frozenset(self.memberships)

    @cached_property
    def groups(self) -> frozenset[str]:
        return self._facts.groups

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes or (scope == TokenScope.READ and bool(self.scopes))


@dataclass
class Context:
    """When and from where. `address` None: from no network, the platform itself."""

    time: datetime = field(default_factory=timezone.now)
    address: str | None = field(default_factory=lambda: authentication.get().address)
    authentication_method: str = field(default_factory=lambda: authentication.get().method)

    @cached_property
    def freeze(self) -> bool:
        """Whether a freeze is in force."""
        return Freeze.objects.filter(starts_at__lte=self.time, ends_at__gt=self.time).exists()

    @cached_property
    def parsed_address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            address = ipaddress.ip_address(self.address or "")
        except ValueError:
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        return mapped or address


def subject_of(who: Any) -> Subject | None:
    """None for who is anonymous or inactive: they may do nothing."""
    if isinstance(who, Subject):
        return who if who.is_active else None
    if who is None or isinstance(who, AnonymousUser) or not who.is_active:
        return None
    return Subject(who)
