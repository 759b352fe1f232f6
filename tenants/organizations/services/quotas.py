"""The limits of an organization or a person. Operators set them; the services that make something ask here."""

from collections.abc import Mapping
from typing import Any

from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, QuotaExceeded
from tenants.organizations.choices import QuotaName
from tenants.organizations.models.organization import Organization
from tenants.organizations.models.quota import Quota
from tenants.organizations.selectors import (
    DAY,
    ORGANIZATIONS_QUOTAS,
    PERSONS_QUOTAS,
    Usage,
    first_release_of_the_day,
    usage_of,
    usage_of_one,
    usage_of_person,
)
from tenants.people.models.user import User
from tenants.people.services.memberships import lock

# The most that a limit can be set to.
HIGHEST = 1_000_000
_UNITS = {
    QuotaName.APPS: ("apps", "retire one that is not used"),
    QuotaName.MEMORY_MIB: ("MiB of memory, all environments together", "lower another environment's memory_mib"),
    QuotaName.RELEASES_A_DAY: ("releases in 24 hours", "wait"),
    QuotaName.DOMAINS: ("domains", "remove one that is not used"),
    QuotaName.VARIABLES: ("variables, all environments together", "remove some that are not used"),
    QuotaName.MEMBERS: ("members and open invitations", "remove a member, or revoke an invitation"),
    QuotaName.SERVICE_ACCOUNTS: ("service accounts", "remove one that is not used"),
    QuotaName.TOKENS: ("tokens of service accounts", "revoke one that is not used"),
    QuotaName.ORGANIZATIONS: ("organizations that you have founded", ""),
    QuotaName.PERSONAL_TOKENS: ("API tokens", "revoke one that is not used"),
}


def quota_claim(owner: Organization | User, name: QuotaName, *, more: int = 1) -> None:
    """Raises `QuotaExceeded` if `owner` can't have `more` of it. Nobody is asked to give back what they have.

    Call it inside a unit of work that holds the owner's row (`memberships.lock`, or the account's own), before anything
    is made: of many at once each is counted by the next, and none is let through beyond the limit.
    """
    if more <= 0:
        return
    usage = usage_of_one(owner, name)
    if usage.used + more > usage.limit:
        raise QuotaExceeded(_refusal(owner, usage, more), name=name, used=usage.used, limit=usage.limit)


@unit_of_work
def organization_quota_set(*, organization: Organization, limits: Mapping[str, int | None], actor: User) -> list[Usage]:
    """Sets the limits that are named; None gives the installation's own back. The same again leaves no trace.

    A limit below what is in use takes nothing away: it keeps more from being made. Raises `InvalidInput` naming the
    limit.
    """
    lock(organization)
    access.require(actor, "organization.set_quota", organization)
    before, after = _set({"organization": organization}, limits, ORGANIZATIONS_QUOTAS)
    if after:
        audit_record(
            action="quota.changed",
            message=f"limits of {organization}: {_told(after)}",
            actor=actor,
            organization=organization,
            obj=organization,
            before=before,
            after=after,
        )
    return usage_of(organization)


@unit_of_work
def person_quota_set(*, user: User, limits: Mapping[str, int | None], actor: User) -> list[Usage]:
    """As `organization_quota_set`, for one person."""
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    access.look_again()
    access.require(actor, "user.change", user)
    if user.is_service_account:
        raise InvalidInput.field("username", "is a service account: its organization has limits")
    before, after = _set({"user": user}, limits, PERSONS_QUOTAS)
    if after:
        audit_record(
            action="quota.changed",
            message=f"limits of {user}: {_told(after)}",
            actor=actor,
            obj=user,
            before=before,
            after=after,
            data={"username": user.username},
        )
    return usage_of_person(user)


def _set(
    owner: Mapping[str, Any], limits: Mapping[str, int | None], names: tuple[QuotaName, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changed limits as they were and as they are; None stands for the installation's own."""
    validators.together(*(_check(name, limit, names) for name, limit in limits.items()))
    held: dict[str, int] = dict(Quota.objects.filter(**owner).values_list("name", "limit"))
    changed = {name: limit for name, limit in limits.items() if held.get(name) != limit}
    for name, limit in changed.items():
        if limit is None:
            Quota.objects.filter(**owner, name=name).delete()
        else:
            Quota.objects.update_or_create(defaults={"limit": limit}, **owner, name=name)
    return {name: held.get(name) for name in changed}, changed


def _check(name: str, limit: int | None, names: tuple[QuotaName, ...]) -> Any:
    def check() -> None:
        if name not in names:
            raise InvalidInput.field(name, f"is no limit here: use one of {', '.join(names)}")
        is_number = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit <= HIGHEST
        if limit is not None and not is_number:
            raise InvalidInput.field(name, f"must be a whole number from 0 to {HIGHEST}, or null for the default")

    return check


def _told(limits: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} = {'default' if limit is None else limit}" for name, limit in sorted(limits.items()))


def _refusal(owner: Organization | User, usage: Usage, more: int) -> str:
    what, remedy = _UNITS[usage.name]
    if usage.name == QuotaName.RELEASES_A_DAY and isinstance(owner, Organization):
        first = first_release_of_the_day(owner)
        remedy = f"wait until {first + DAY:%Y-%m-%d %H:%M} UTC" if first else remedy
    text = f"{usage.name}: {owner} has {usage.used} of {usage.limit} {what}"
    text += f", and this takes {more} more" if more > 1 else ""
    # An operator raises it, and nobody else can.
    return f"{text}: {remedy}, or ask an operator to raise the limit" if remedy else f"{text}: ask an operator for more"
