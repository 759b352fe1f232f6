"""Accounts at DNS providers: their settings, their secrets, and the zones that they may be used for."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from provisioning.dns.models import DnsAccount
from provisioning.dns.protocol import Provider
from provisioning.dns.providers import PROVIDERS
from tenants import access, validators
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import AlreadyExists, InvalidInput, InvalidTransition
from tenants.names.hostnames import zone_name
from tenants.people.models.user import User

MAX_ZONES = 1000
MAX_TEXT = 4000
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


@unit_of_work
def dns_account_create(
    *,
    name: str,
    provider: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    zones: list[str],
    actor: User,
) -> DnsAccount:
    """A new account. It is used for the zones that `zones` names, and for no other, whatever its credentials open.

    Raises `InvalidInput` naming the field, never with a secret in it; `AlreadyExists` for a name in use.
    """
    account = DnsAccount(name=name, provider=provider)
    access.require(actor, "dns_account.create", account)
    validators.together(
        lambda: _check_name(name), lambda: _check_settings(provider, settings, secrets), lambda: _checked_zones(zones)
    )
    return _made(name, provider, settings, secrets, _checked_zones(zones), actor)


@unit_of_work
def dns_account_register(
    *, name: str, provider: str, settings: Mapping[str, str], secrets: Mapping[str, str], zone: str
) -> DnsAccount:
    """The installation's own account, by its settings; `zone` is added to those it is used for. May run again.

    One that `dns_account_unregister` has switched off is switched on again; what an operator has switched off is not.
    """
    account = DnsAccount.objects.select_for_update(no_key=True).filter(name=name).first()
    if account is None:
        _check_settings(provider, settings, secrets)
        return _made(name, provider, settings, secrets, [zone], None)
    changes: dict[str, Any] = {
        "settings": dict(settings),
        "secrets": dict(secrets),
        "zones": sorted({*account.zones, zone}),
    }
    if not account.hosted_zones.exists():
        changes["is_enabled"] = True
    return _changed(account, None, changes, provider=provider)


@unit_of_work
def dns_account_unregister(*, account: DnsAccount) -> None:
    """Switches the installation's own account off, with which nothing is hosted any more."""
    account = DnsAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    _changed(account, None, {"is_enabled": False}, provider=account.provider)


@unit_of_work
def dns_account_change(*, account: DnsAccount, actor: User, **changes: Any) -> DnsAccount:
    """Changes `settings` (all of them), `secrets` (those named), `zones` and `is_enabled`.

    Raises `InvalidInput`; `InvalidTransition` where a zone would lose the account that it is hosted with.
    """
    account = DnsAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    with access.changing(actor, "dns_account.change", account):
        return _changed(account, actor, changes, provider=account.provider)


def provider_settings(account: DnsAccount) -> dict[str, str]:
    """All that the provider takes, secrets too: for the driver alone."""
    return {**account.settings, **json.loads(account.secrets)}


def _made(
    name: str,
    provider: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    zones: list[str],
    actor: User | None,
) -> DnsAccount:
    try:
        with transaction.atomic():
            account = DnsAccount.objects.create(
                name=name, provider=provider, settings=dict(settings), secrets=json.dumps(dict(secrets)), zones=zones
            )
    except IntegrityError:
        raise AlreadyExists(
            f"name: an account {name} exists: choose another", errors={"name": ["is in use: choose another"]}
        ) from None
    audit_record(
        action="dns_account.created",
        message=f"DNS account {name} ({provider}) created",
        actor=actor,
        obj=account,
        after=_shown(account),
    )
    return account


def _changed(account: DnsAccount, actor: User | None, changes: dict[str, Any], *, provider: str) -> DnsAccount:
    before, kept = _shown(account), json.loads(account.secrets)
    settings, secrets = account.settings, kept
    for field, value in changes.items():
        match field:
            case "settings":
                settings = value
            case "secrets":
                secrets = {**kept, **value}
            case "zones":
                account.zones = _checked_zones(value)
                _refuse_losing_zones(account)
            case "is_enabled":
                account.is_enabled = bool(value)
            case _:
                raise InvalidInput.field(field, "can't be changed")
    _check_settings(provider, settings, secrets)
    account.provider, account.settings = provider, dict(settings)
    if secrets != kept:
        account.secrets = json.dumps(secrets)
    after = _shown(account)
    changed = sorted(name for name in after if before[name] != after[name])
    replaced = sorted(name for name in secrets if secrets[name] != kept.get(name))
    if changed or replaced:
        account.save()
        audit_record(
            action="dns_account.changed",
            message=f"DNS account {account.name} changed: {', '.join(changed or ['secrets'])}",
            actor=actor,
            obj=account,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            data={"replaced_secrets": replaced},
        )
    return account


def _shown(account: DnsAccount) -> dict[str, Any]:
    """What the trail may have: of secrets the names."""
    return {
        "provider": account.provider,
        "settings": account.settings,
        "secrets": sorted(json.loads(account.secrets)),
        "zones": account.zones,
        "is_enabled": account.is_enabled,
    }


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput.field(
            "name", "must be 1 to 63 of a-z, 0-9 and '-', starting with a letter, ending with a letter or digit"
        )


def _check_settings(provider: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    kind: type[Provider] | None = PROVIDERS.get(provider)
    if kind is None:
        raise InvalidInput.field(
            "provider", f"{provider[:40]!r} is no provider: use one of {', '.join(sorted(PROVIDERS)) or 'none'}"
        )
    taken = {setting.name: setting for setting in kind.settings}
    for field, given, is_secret in (("settings", settings, False), ("secrets", secrets, True)):
        for name, value in given.items():
            setting = taken.get(name)
            if setting is None or setting.is_secret is not is_secret:
                allowed = ", ".join(sorted(own.name for own in taken.values() if own.is_secret is is_secret)) or "none"
                raise InvalidInput.field(field, f"{name[:40]!r} is none of {provider}'s {field}: it takes {allowed}")
            if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
                raise InvalidInput.field(f"{field}.{name}", f"must be a text of up to {MAX_TEXT} printable characters")
    for setting in taken.values():
        if setting.is_required and setting.name not in {**settings, **secrets}:
            field = "secrets" if setting.is_secret else "settings"
            raise InvalidInput.field(f"{field}.{setting.name}", f"is missing: {setting.help}")
    try:
        kind({**settings, **secrets})
    except ValueError as error:
        raise InvalidInput.field("settings", str(error)) from None


def _checked_zones(zones: Any) -> list[str]:
    if not isinstance(zones, list) or not all(isinstance(zone, str) for zone in zones) or len(zones) > MAX_ZONES:
        raise InvalidInput.field("zones", f"must be a list of up to {MAX_ZONES} names of zones")
    return sorted({zone_name(zone, field="zones") for zone in zones})


def _refuse_losing_zones(account: DnsAccount) -> None:
    lost = account.hosted_zones.exclude(zone__name__in=account.zones).values_list("zone__name", flat=True).first()
    if lost is not None:
        raise InvalidTransition(f"zones: {lost} is hosted with {account.name}: host it with another account first")
