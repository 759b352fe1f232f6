"""What follows from a look at the DNS for a customer's domain, and when it is looked at next.

Only what servers say counts. That none of them answers is no evidence of anything: it changes nothing for a long time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from tenants.apps.choices import AppState
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import NameHeld, NameTaken, TenantsError
from tenants.names.choices import DOMAIN_SOURCES, OPEN_DOMAIN_STATES, DomainState, Finding
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors import domains as selectors
from tenants.names.services.domains import announce_changed, domain_end, prove, record
from tenants.releases.services.transitions import transition

# For so long nobody else looks at a domain that a worker has taken; a check takes far less.
LEASE = timedelta(minutes=2)
# A claim is looked at again after a fourth of its age, within these bounds, and ends when nobody proves it for so long.
SOONEST, LATEST = timedelta(seconds=15), timedelta(hours=2)
LONGEST_PENDING = timedelta(days=14)
# What is not in order is looked at again soon: somebody is at work on it.
UNEASY = timedelta(hours=1)
# The look after the proof: whoever proves first and points later has so long until the warning.
SETTLING = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one check has found. `control` and `pointing` are values of `Finding`; the details are for people."""

    control: str
    pointing: str
    control_detail: str = ""
    pointing_detail: str = ""
    observations: Sequence[dict[str, Any]] = ()

    @property
    def is_failing(self) -> bool:
        return Finding.NO in (self.control, self.pointing)

    @property
    def is_fine(self) -> bool:
        return self.control == self.pointing == Finding.YES

    @property
    def detail(self) -> str:
        """All that is not in order; what is known to be wrong first."""
        both = ((self.control, self.control_detail), (self.pointing, self.pointing_detail))
        wrong = [detail for finding, detail in both if finding == Finding.NO]
        unheard = [f"could not be checked: {detail}" for finding, detail in both if finding == Finding.UNHEARD]
        return "; ".join(wrong + unheard)


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """`to` None: the state stays. `action` empty: nothing that anybody is told."""

    to: str | None = None
    action: str = ""
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def domains_take(*, count: int, at_once: int = 0, domain_id: int | None = None) -> list[CustomDomain]:
    """Up to `count` domains that are due, for this caller alone until the lease on them ends. No organization's many
    keep the others waiting. With `domain_id` that one alone. None if others have taken so many that more than `at_once`
    would be; 0: no such limit.
    """
    now = timezone.now()
    if at_once and CustomDomain.objects.filter(lease_until__gt=now).count() + count > at_once:
        return []
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = CustomDomain.objects.filter(free, next_check_at__lte=now, state__in=OPEN_DOMAIN_STATES)
    due = due.exclude(environment__app__state__in=(AppState.RETIRING, AppState.RETIRED))
    if domain_id is not None:
        due = due.filter(pk=domain_id)
    candidates = due.order_by("next_check_at", "pk").values_list("pk", "environment__app__organization")
    taken: list[int] = []
    for pk in _in_turn(list(candidates[: 20 * count])):
        mine = CustomDomain.objects.filter(free, pk=pk, next_check_at__lte=now, state__in=OPEN_DOMAIN_STATES)
        if len(taken) < count and mine.update(lease_until=now + LEASE):
            taken.append(pk)
    return list(selectors.domains().filter(pk__in=taken).order_by("pk"))


def _in_turn(candidates: list[tuple[int, int]]) -> list[int]:
    """One of each organization, then the second of each, and so on."""
    seen: dict[int, int] = {}
    turns = []
    for pk, organization_id in candidates:
        seen[organization_id] = seen.get(organization_id, 0) + 1
        turns.append((seen[organization_id], pk))
    return [pk for _, pk in sorted(turns, key=lambda turn: turn[0])]


def domain_checked(*, domain: CustomDomain, look: Look) -> bool:
    """Writes down what a check has found, and does what follows from it. `domain` is as `domains_take` gave it.

    False, and nothing is done, where the lease on it was lost or somebody has ended the claim meanwhile.
    """
    now = timezone.now()
    current = selectors.domains().filter(pk=domain.pk, lease_until=domain.lease_until).first()
    if current is None or not current.is_open:
        return False
    seen = {"checked_at": now, "observations": list(look.observations), "lease_until": None}
    # Whoever asked for a check while this one ran gets one of their own.
    asked = current.check_requested_at
    again = {"next_check_at": asked} if asked != domain.check_requested_at else {}
    consequence = consequence_of(current, look, now)
    try:
        return _follow(current, consequence, consequence.fields | seen | again)
    except (NameTaken, NameHeld) as refusal:
        consequence = _of_refused(current, refusal, now)
        return _follow(current, consequence, consequence.fields | seen | again)


def consequence_of(domain: CustomDomain, look: Look, now: datetime) -> Consequence:
    """What follows for `domain` as it is. Changes nothing."""
    if domain.state == DomainState.PENDING:
        return _of_pending(domain, look, now)
    if look.is_failing:
        return _of_failing(domain, look, now)
    if not look.is_fine:
        return _of_unheard(domain, look, now)
    fields = {
        "detail": "",
        "failing_since": None,
        "unheard_since": None,
        "next_check_at": now + timedelta(seconds=settings.DOMAIN_CHECK_INTERVAL_S),
    }
    if domain.state == DomainState.ACTIVE:
        return Consequence(fields=fields)
    message = f"{domain} points here again, and its proof is there"
    return Consequence(to=DomainState.ACTIVE, action="domain.recovered", message=message, fields=fields)


def _of_pending(domain: CustomDomain, look: Look, now: datetime) -> Consequence:
    if look.control == Finding.YES:
        pause = timedelta(seconds=settings.DOMAIN_CHECK_INTERVAL_S) if look.is_fine else SETTLING
        return Consequence(
            to=DomainState.ACTIVE,
            action="domain.proven",
            message=f"control of {domain} is proven: it is served{look.detail and f'; {look.detail}'}",
            fields={"detail": look.detail, "next_check_at": now + pause},
        )
    if _age(domain, now) >= LONGEST_PENDING:
        why = (
            f"control was not proven within {LONGEST_PENDING.days} days: {look.control_detail or 'no proof was found'}"
        )
        return Consequence(to=DomainState.REMOVED, action="domain.expired", message=why)
    return Consequence(fields={"detail": look.detail, "next_check_at": now + _pause(domain, now)})


def _of_refused(domain: CustomDomain, refusal: TenantsError, now: datetime) -> Consequence:
    """Control is proven, but the name is somebody else's. The claim waits for the end of theirs, and not for ever."""
    told = refusal.detail.removeprefix("hostname: ")
    if _age(domain, now) >= LONGEST_PENDING + timedelta(days=settings.NAME_QUARANTINE_DAYS):
        return Consequence(to=DomainState.REMOVED, action="domain.expired", message=told)
    fields = {"detail": told, "next_check_at": now + _pause(domain, now)}
    if told == domain.detail:
        return Consequence(fields=fields)
    return Consequence(
        action="domain.proof_refused", message=f"control of {domain} is proven, but {told}", fields=fields
    )


def _of_failing(domain: CustomDomain, look: Look, now: datetime) -> Consequence:
    since = domain.failing_since or now
    ends_at = since + timedelta(days=settings.DOMAIN_GRACE_DAYS)
    if domain.state == DomainState.WARNED and now >= ends_at:
        why = f"not in order since {since:%Y-%m-%d %H:%M} UTC: {look.detail}"
        return Consequence(to=DomainState.WITHDRAWN, action="domain.withdrawn", message=why)
    fields = {"detail": look.detail, "failing_since": since, "unheard_since": None, "next_check_at": now + UNEASY}
    if domain.state == DomainState.WARNED:
        return Consequence(fields=fields)
    message = f"{look.detail}; {domain} is withdrawn on {ends_at:%Y-%m-%d} unless that is mended"
    return Consequence(to=DomainState.WARNED, action="domain.warned", message=message, fields=fields)


def _of_unheard(domain: CustomDomain, look: Look, now: datetime) -> Consequence:
    since = domain.unheard_since or now
    if now >= since + timedelta(days=settings.DOMAIN_UNHEARD_DAYS):
        why = f"its name servers have not answered since {since:%Y-%m-%d}: {look.detail}"
        return Consequence(to=DomainState.WITHDRAWN, action="domain.withdrawn", message=why)
    fields = {"detail": look.detail, "unheard_since": since, "next_check_at": now + UNEASY}
    if domain.unheard_since is not None:
        return Consequence(fields=fields)
    message = f"{domain} {look.detail}; it stays as it is"
    return Consequence(action="domain.unheard", message=message, fields=fields)


def _pause(domain: CustomDomain, now: datetime) -> timedelta:
    return min(max(_age(domain, now) / 4, SOONEST), LATEST)


def _age(domain: CustomDomain, now: datetime) -> timedelta:
    """Without the time in which nobody looked at it."""
    return now - domain.created_at - domain.waited


def _follow(domain: CustomDomain, consequence: Consequence, fields: dict[str, Any]) -> bool:
    return _told(domain, consequence, fields) if consequence.action else domain_noted(domain=domain, fields=fields)


def domain_noted(*, domain: CustomDomain, fields: dict[str, Any]) -> bool:
    """Writes down what a check has seen where nothing follows from it. False where the domain is not as it was read."""
    return bool(_as_read(domain).update(**fields))


def _as_read(domain: CustomDomain) -> QuerySet[CustomDomain]:
    return CustomDomain.objects.filter(pk=domain.pk, state=domain.state, lease_until=domain.lease_until)


@unit_of_work
def _told(domain: CustomDomain, consequence: Consequence, fields: dict[str, Any]) -> bool:
    if not _as_read(domain).update(**fields):
        return False
    before, to = domain.state, consequence.to
    match to:
        case DomainState.WITHDRAWN | DomainState.REMOVED:
            domain_end(domain=domain, to=to, action=consequence.action, why=consequence.message)
            return True
        case DomainState.ACTIVE if before == DomainState.PENDING:
            prove(domain)
            announce_changed(domain)
        case None:
            domain.refresh_from_db()
        case _:
            transition(domain, to=to, sources=DOMAIN_SOURCES)
    record(domain, consequence.action, consequence.message, before=before)
    return True
