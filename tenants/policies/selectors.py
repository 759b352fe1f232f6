"""What policies would do: on decisions of the past, and for everybody."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet

from tenants.access.decisions import GRANT, decide
from tenants.access.evaluation import PolicySet, Rules, compiled
from tenants.access.grants import preload
from tenants.access.in_force import known_context
from tenants.access.recording import readers_of_records, replayed_context, replayed_subject
from tenants.access.subjects import Context, Subject
from tenants.audit.models import AuditEvent
from tenants.audit.request_context import Authentication
from tenants.organizations.models.organization import Membership
from tenants.people.models.user import User
from tenants.policies.conditions import check_policy
from tenants.policies.models.policy import AccessPolicy
from tenants.policies.resources import RESOURCE_TYPES

_CHUNK = 500


@dataclass(frozen=True)
class ChangedDecision:
    """A decision of the past that the draft would change, from `before` to `after` under today's other policies."""

    event: AuditEvent
    before: bool
    after: bool
    policy: str


@dataclass(frozen=True)
class Simulation:
    examined: int
    changed: list[ChangedDecision]


def simulate(draft: AccessPolicy, *, last: int, is_in_force: bool = True) -> Simulation:
    """Tries `draft`, saved or not, on the last `last` audited decisions on its actions; or what it is like without it.

    Each is decided anew on the attributes that the trail kept: by the policies in force, and by these with the draft
    among them, in the place of its saved form. Raises `InvalidInput` for a draft that can't be evaluated.
    """
    check_policy(draft)
    in_force = list(AccessPolicy.objects.filter(is_enabled=True))
    others = [row for row in in_force if row.pk != draft.pk]
    today, then = _set_of(in_force), _set_of([*others, draft] if is_in_force else others)
    resource_type = RESOURCE_TYPES[draft.resource_type]
    events = (
        AuditEvent.objects.filter(decision__action__in=draft.actions).select_related("actor").order_by("-pk")[:last]
    )
    examined, changed = 0, []
    for event in events:
        record = event.decision
        if record.get("resource_type") != resource_type.name:
            continue
        examined += 1
        before, _ = _replay(today.of_action(record["action"]), record)
        after, policy = _replay(then.of_action(record["action"]), record)
        if before != after:
            changed.append(ChangedDecision(event, before, after, policy))
    return Simulation(examined, changed)


def _set_of(policies: list[AccessPolicy]) -> PolicySet:
    ready = [policy for row in policies if (policy := compiled(row)) is not None]
    return PolicySet.of(ready, readers_of_records)


def _replay(rules: Rules, record: dict[str, Any]) -> tuple[bool, str]:
    if not record["subject"]:
        # Who is not active any more is refused whatever policies say.
        return False, ""
    subject, context = replayed_subject(record["subject"]), replayed_context(record["context"])
    row = (record["resource"], record["organization_id"])
    for policy, matches in rules.denies:
        if matches(subject, row, context):
            return False, policy.name
    for policy, matches in rules.allows:
        if matches(subject, row, context):
            return True, policy.name
    return (True, GRANT) if record["policy"] == GRANT else (False, "")


@dataclass(frozen=True)
class Able:
    """Somebody who may, and the policy that lets them."""

    user: User
    policy: str


def who_can(action: str, resource: Model) -> Iterator[Able]:
    """Every active person and service account that may do `action` to `resource` now, by user name.

    Each is taken to be signed in to the portal where the present request came from, with a second factor if they have
    set one up. A fixed number of queries for each 500 users.
    """
    context = Context(time=known_context().time, authentication_method="session")
    users = User.objects.filter(is_active=True).select_related("second_factor").prefetch_related("groups")
    for chunk in _chunks(users):
        subjects = _subjects_of(chunk)
        preload(subjects)
        for subject in subjects:
            decision = decide(subject, action, resource, context)
            if decision:
                yield Able(subject.user, decision.policy)


def _subjects_of(users: list[User]) -> list[Subject]:
    memberships: dict[int, dict[int, str]] = {}
    listed = Membership.objects.filter(user__in=users).order_by()
    for user_id, organization, role in listed.values_list("user", "organization", "role"):
        memberships.setdefault(user_id, {})[organization] = role
    subjects = []
    for user in users:
        factor = getattr(user, "second_factor", None)
        came_in = Authentication(method="session", has_second_factor=factor is not None and factor.confirmed)
        subject = Subject(user, came_in)
        subject.__dict__["memberships"] = memberships.get(user.pk, {})
        subject.__dict__["groups"] = frozenset(group.name for group in user.groups.all())
        subjects.append(subject)
    return subjects


def _chunks(users: QuerySet[User]) -> Iterator[list[User]]:
    last = ""
    while chunk := list(users.filter(username__gt=last).order_by("username")[:_CHUNK]):
        yield chunk
        last = chunk[-1].username
