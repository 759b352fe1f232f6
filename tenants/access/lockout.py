"""No change may leave the platform without somebody who can undo it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from tenants.access.decisions import decide, restrict
from tenants.access.in_force import evaluation
from tenants.access.subjects import Context, Subject
from tenants.audit.request_context import Authentication, authentication
from tenants.exceptions import InvalidInput, WouldLockOut
from tenants.people.models.user import User
from tenants.policies.condition_values import Window
from tenants.policies.conditions import check_policy
from tenants.policies.models.policy import AccessPolicy

# Who can't see a policy can't find it to change it.
_VIEW, _CHANGE = "policy.view", "policy.change"


def refuse_lockout(*, about: str = "") -> None:
    """To be called in the transaction of a change to policies, freezes or operators, after it.

    `about` names the attribute of operators that has changed, where only one has: policies that don't, don't mind.

    Raises `WouldLockOut` unless at any time of the coming week some active operator could see and change every policy
    that speaks of policies, signed in to the portal from where the present request came, with a freeze in force and
    without one.
    """
    address = authentication.get().address
    came_in = Authentication(
        method="session", address=address, has_second_factor=authentication.get().has_second_factor
    )
    watched = [policy for policy in AccessPolicy.objects.all() if policy.resource_type == "policy"]
    if about and not any(about in str((policy.subject, policy.resource)) for policy in watched if policy.is_enabled):
        return
    operators = User.objects.filter(Q(is_operator=True) | Q(is_superuser=True), is_active=True)
    with evaluation():
        subjects = [Subject(user, came_in) for user in operators]
        for moment in _moments(watched):
            contexts = [_context(moment, address, freeze) for freeze in (False, True)]
            _refuse_if_out(subjects, watched, contexts)


def _refuse_if_out(subjects: list[Subject], watched: list[AccessPolicy], contexts: list[Context]) -> None:
    last_reason = "there is no active operator left"
    for subject in subjects:
        refusals = (reason for context in contexts for reason in _refused(subject, watched, context))
        refusal = next(refusals, None)
        if refusal is None:
            return
        last_reason = f"{subject.username} could not change policies any more: {refusal}"
    raise WouldLockOut(
        f"this would lock every operator out at {contexts[0].time:%Y-%m-%d %H:%M} UTC, and nothing was changed: "
        f"{last_reason}. Leave one operator a way to change policies from here, at any time"
    )


def _moments(watched: list[AccessPolicy]) -> list[datetime]:
    """Now, and whenever in the next week a window of these policies opens or closes: in between nothing changes."""
    now = timezone.now()
    until = now + timedelta(days=7)
    windows = {window for policy in watched if policy.is_enabled for window in _windows(policy)}
    return [now, *sorted({turn for window in windows for turn in window.turns(now, until)})]


def _windows(policy: AccessPolicy) -> Iterator[Window]:
    try:
        conditions = check_policy(policy)
    except InvalidInput:
        # It denies always, or allows never.
        return
    for terms in conditions.context:
        yield from (term.value for term in terms if isinstance(term.value, Window))


def _refused(subject: Subject, watched: list[AccessPolicy], context: Context) -> Iterator[str]:
    """Why `subject` could not change some of `watched`, if so. Rows are found in SQL, as whoever changes them does."""
    found = AccessPolicy.objects.filter(pk__in=[policy.pk for policy in watched])
    try:
        with transaction.atomic():
            seen = set(restrict(found, subject, _VIEW, context).values_list("pk", flat=True))
    except OperationalError:
        yield "the conditions together are too large for the database: use fewer alternatives"
        return
    for policy in watched:
        for action in (_VIEW, _CHANGE):
            decision = decide(subject, action, policy, context)
            if not decision:
                yield decision.reason
        if policy.pk not in seen:
            yield f"the policy {policy.name} would be in no list"


def _context(moment: datetime, address: str | None, freeze: bool) -> Context:
    context = Context(time=moment, address=address, authentication_method="session")
    context.__dict__["freeze"] = freeze
    return context
