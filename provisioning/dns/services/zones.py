"""Which zone is hosted with which account, and where its names point."""

import ipaddress
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.utils.crypto import salted_hmac

from provisioning.dns.choices import DriftPolicy
from provisioning.dns.desired import checked_targets
from provisioning.dns.models import DnsAccount, HostedZone
from provisioning.dns.services.accounts import dns_account_register, dns_account_unregister
from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.names.hostnames import is_platform_hostname, is_within
from tenants.names.models.zone import Zone
from tenants.names.services.zones import zone_register
from tenants.people.models.user import User

FIELDS = ("targets", "ttl_s", "low_ttl_s", "drift_policy", "live_checks", "nameservers")
LIVE_CHECKS = ("authoritative", "resolvers", "edge")
MAX_NAMESERVERS = 20
MAX_TTL_S = 86_400
_NAMESERVER = re.compile(r"\[([0-9a-f:.]+)\]:([0-9]{1,5})|([0-9.]+):([0-9]{1,5})")


@unit_of_work
def hosted_zone_set(*, zone: Zone, account: DnsAccount, actor: User, **values: Any) -> HostedZone:
    """Hosts the zone with the account, or changes how it is hosted. `values` has some of `FIELDS`.

    No record is written by this: plan, and apply. Raises `InvalidInput` naming each refused field, also where the zone
    is none of those the account may be used for.
    """
    zone = Zone.objects.select_for_update(no_key=True).get(pk=zone.pk)
    with access.changing(actor, "zone.change", zone):
        return _set(zone, account, actor, values)


@unit_of_work
def hosted_zone_register(
    *,
    zone_name: str,
    account_name: str,
    provider: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    nameservers: Sequence[str],
) -> HostedZone:
    """The installation's own zone at its own provider, by its settings. May run again at any time."""
    zone = zone_register(name=zone_name)
    account = dns_account_register(
        name=account_name, provider=provider, settings=settings, secrets=secrets, zone=zone.name
    )
    return _set(zone, account, None, {"nameservers": list(nameservers)}, owner=_lasting_owner(zone))


@unit_of_work
def hosted_zones_unregister(*, account_name: str) -> list[str]:
    """The installation's own name server is not run any more: nothing waits for it, and nobody asks it. Gives the names
    of the zones that it held. May run again at any time.

    Hostnames stay what they are, and what stands at the server stays there: `hosted_zone_register` takes it up again.
    """
    account = DnsAccount.objects.filter(name=account_name).first()
    if account is None:
        return []
    names = []
    for hosted in account.hosted_zones.select_related("zone").order_by("pk"):
        hosted.records.all().delete()
        hosted.delete()
        audit_record(
            action="zone.unhosted",
            message=f"zone {hosted.zone.name} is no longer hosted with {account_name}: its names are kept elsewhere",
            obj=hosted.zone,
            before={"account": account_name, "owner": hosted.owner} | {name: getattr(hosted, name) for name in FIELDS},
            after={"account": None},
        )
        names.append(hosted.zone.name)
    dns_account_unregister(account=account)
    return names


def targets_of(hosted: HostedZone) -> tuple[str, ...]:
    return tuple(hosted.targets or django_settings.EDGE_PUBLIC_ADDRESSES)


def _set(zone: Zone, account: DnsAccount, actor: User | None, values: dict[str, Any], *, owner: str = "") -> HostedZone:
    hosted = HostedZone.objects.select_for_update(no_key=True).filter(zone=zone).first()
    is_new = hosted is None
    hosted = hosted or HostedZone(zone=zone, account=account, owner=owner or _new_owner())
    before = {"account": hosted.account.name} | {field: getattr(hosted, field) for field in FIELDS}
    validators.together(
        lambda: _check_allowed(zone, account),
        *(lambda field=field, value=value: _take(hosted, field, value) for field, value in values.items()),
    )
    if hosted.low_ttl_s > hosted.ttl_s:
        raise InvalidInput.field("low_ttl_s", f"must not be above ttl_s, which is {hosted.ttl_s}")
    if hosted.move_at is not None and (hosted.ttl_s, hosted.targets) != (before["ttl_s"], before["targets"]):
        raise InvalidTransition("a move is planned for this zone: wait until it is over, or take it back first")
    hosted.account = account
    after = {"account": account.name} | {field: getattr(hosted, field) for field in FIELDS}
    changed = sorted(name for name in after if is_new or before[name] != after[name])
    if changed:
        hosted.save()
        audit_record(
            action="zone.hosted",
            message=f"zone {zone.name} hosted with {account.name}"
            + ("" if is_new else f", changed: {', '.join(changed)}"),
            actor=actor,
            obj=zone,
            before={} if is_new else {name: before[name] for name in changed},
            after={name: after[name] for name in changed} | {"owner": hosted.owner},
        )
    return hosted


def _new_owner() -> str:
    # Two installations of one name may write to one zone: a name alone would have each take the other's for its own.
    return f"{django_settings.INSTALLATION}-{randomness.token_hex(8)}"


def _lasting_owner(zone: Zone) -> str:
    """For a server that is the installation's own: always the same, so that what Berth made there stays its own though
    an older database has lost the row that said so.
    """
    digest = salted_hmac("provisioning.services.dns_zones.owner", zone.name, algorithm="sha256").hexdigest()
    return f"{django_settings.INSTALLATION}-{digest[:16]}"


def _check_allowed(zone: Zone, account: DnsAccount) -> None:
    if zone.name not in account.zones:
        raise InvalidInput.field(
            "account", f"{account.name} may not be used for {zone.name}: add the zone to the account's zones first"
        )


def _take(hosted: HostedZone, field: str, value: Any) -> None:
    setattr(hosted, field, _checked(hosted, field, value))


def _checked(hosted: HostedZone, field: str, value: Any) -> Any:
    match field:
        case "targets":
            return checked_targets_of(hosted.zone, value, field) if value else []
        case "ttl_s" | "low_ttl_s":
            if type(value) is not int or not 1 <= value <= MAX_TTL_S:
                raise InvalidInput.field(field, f"must be a whole number from 1 to {MAX_TTL_S}")
            return value
        case "drift_policy":
            if value not in DriftPolicy.values:
                raise InvalidInput.field(field, f"is none of {', '.join(DriftPolicy.values)}: use one of these")
            return value
        case "live_checks":
            if not isinstance(value, list) or any(check not in LIVE_CHECKS for check in value):
                raise InvalidInput.field(field, f"must be a list of some of {', '.join(LIVE_CHECKS)}")
            return [check for check in LIVE_CHECKS if check in value]
        case "nameservers":
            return _checked_nameservers(value)
    raise InvalidInput.field(field, "can't be changed")


def checked_targets_of(zone: Zone, value: Any, field: str) -> list[str]:
    """Raises `InvalidInput` for what names can't point to; at a name of an app's, or under a wildcard, it would be a
    loop.
    """
    if not isinstance(value, list) or not all(isinstance(target, str) for target in value):
        raise InvalidInput.field(field, "must be a list of texts: addresses, or one name")
    try:
        targets = list(checked_targets(value))
    except ValueError as error:
        raise InvalidInput.field(field, str(error)) from None
    if is_within(targets[0], zone.name) and (zone.is_wildcard or is_platform_hostname(targets[0], zone.name)):
        raise InvalidInput.field(field, f"{targets[0]} would point to itself: give addresses, or a name elsewhere")
    return targets


def _checked_nameservers(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_NAMESERVERS:
        raise InvalidInput.field("nameservers", f"must be a list of up to {MAX_NAMESERVERS} address:port")
    for text in value:
        match = _NAMESERVER.fullmatch(text) if isinstance(text, str) else None
        try:
            if match is None or not 1 <= int(match[2] or match[4]) <= 65_535:
                raise ValueError
            ipaddress.ip_address(match[1] or match[3])
        except ValueError:
            raise InvalidInput.field(
                "nameservers", f"{str(text)[:60]!r} is no name server: write 192.0.2.53:53 or [2001:db8::53]:53"
            ) from None
    return list(value)
