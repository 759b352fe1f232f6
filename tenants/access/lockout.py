"""No change may leave the platform without somebody who can undo it."""

from collections.abc import Iterator

from django.db import OperationalError, transaction
from django.db.models import Q

from tenants.access.decisions import decide, restrict
from tenants.access.policies import evaluation
from tenants.access.subjects import Context, Subject
from tenants.exceptions import WouldLockOut
from tenants.models import AccessPolicy, User
from tenants.request_context import Authentication, authentication

# Who can't see a policy can't find it to change it.
_VIEW, _CHANGE = "policy.view", "policy.change"


def refuse_lockout(*, about: str = "") -> None:
    """To be called in the transaction of a change to policies, freezes or operators, after it.

    `about` names the attribute of operators that has changed, where only one has: policies that don't, don't mind.

    Raises `WouldLockOut` unless some active operator could now see and change every policy that speaks of policies,
    signed in to the portal from where the present request came, with a freeze in force and without one.
    """
    address = authentication.get().address
    came_in = Authentication(
        method="session", address=address, has_second_factor=authentication.get().has_second_factor
    )
    watched = [policy for policy in AccessPolicy.objects.all() if policy.resource_type == "policy"]
    if about and not any(about in str((policy.subject, policy.resource)) for policy in watched if policy.is_enabled):
        return
    operators = User.objects.filter(Q(is_operator=True) | Q(is_superuser=True), is_active=True)
    last_reason = "there is no active operator left"
    with evaluation():
        for user in operators.iterator():
            subject = Subject(user, came_in)
            refusals = (
                reason for freeze in (False, True) for reason in _refused(subject, watched, _context(address, freeze))
            )
            refusal = next(refusals, None)
            if refusal is None:
                return
            last_reason = f"{user.username} could not change policies any more: {refusal}"
    raise WouldLockOut(
        f"this would lock every operator out, and nothing was changed: {last_reason}. Leave one operator a way to "
        f"change policies from here"
    )


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


def _context(address: str | None, freeze: bool) -> Context:
    context = Context(address=address, authentication_method="session")
    context.__dict__["freeze"] = freeze
    return context
