"""Holds on names that end before their time."""

from django.db.models import F
from django.utils import timezone

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.names.models.custom_domain import HeldName, RegistrableDomain
from tenants.people.models.user import User


@unit_of_work
def held_name_release(*, held: HeldName, reason: str, actor: User | None) -> None:
    """Ends the hold now: whoever proves control of the name has it from here on. The organization that had it last
    reads who released it and why. `actor` is None for who has a shell on the platform's own machine.

    Raises `InvalidInput` without a reason, `InvalidTransition` where the hold is no longer the one that was looked at:
    it has ended, or the name was proven and held again meanwhile.
    """
    # Whoever proves the name, or one above or below it, has done so before this, or waits until it has ended.
    RegistrableDomain.objects.filter(pk=held.registrable_id).update(proofs=F("proofs") + 1)
    looked_at = HeldName.objects.filter(
        pk=held.pk, organization=held.organization_id, held_until=held.held_until, held_until__gt=timezone.now()
    )
    # Who ends a claim of the same organization's may hold its name once more without waiting for anybody.
    current = looked_at.select_for_update(no_key=True).first()
    if current is None:
        raise InvalidTransition(f"{held.hostname} is not held as it was any more: look at the list of held names again")
    if actor is not None:
        access.require(actor, "held_name.release", current)
    validators.free_text(reason, field="reason")
    if not reason.strip():
        raise InvalidInput.field("reason", "is empty: say why the name may be another organization's before its time")
    current.delete()
    audit_record(
        action="held_name.released",
        message=f"{held.hostname} is no longer held for {held.organization}: {reason.strip()}",
        actor=actor,
        organization=held.organization,
        obj=held,
        before={"held_until": held.held_until.isoformat(), "reason": held.reason},
        after={},
        data={"hostname": held.hostname, "reason": reason.strip()},
    )
