"""The DNS: accounts at providers, and the zones that they hold."""

import ipaddress
from collections.abc import Sequence
from functools import partial

from django.conf import settings

from paas.doctor.check import Check, Failed, Warned
from provisioning.dns.answers import Outcome, ServerAnswer
from provisioning.dns.models import DnsAccount, HostedZone
from provisioning.dns.providers import PROVIDERS
from provisioning.dns.resolution import roots_from_settings
from provisioning.dns.selectors.delegations import resolution
from provisioning.dns.services.accounts import provider_settings
from provisioning.dns.services.zones import targets_of
from tenants.names.choices import OPEN_DOMAIN_STATES
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.selectors.domains import NO_LOOKUPS, are_names_looked_up


def checks() -> Sequence[Check]:
    accounts = DnsAccount.objects.prefetch_related("hosted_zones__zone")
    found = [Check(f"DNS account {account.name}", partial(_account, account)) for account in accounts]
    zones = HostedZone.objects.select_related("zone")
    found += [Check(f"zone {hosted.zone.name}", partial(_zone, hosted)) for hosted in zones]
    return [*(found or [Check("DNS accounts", _no_account)]), Check("outside names", _outside)]


def _outside() -> str:
    """Whom the installation asks for names that are not its own."""
    if are_names_looked_up():
        servers = roots_from_settings()
        return f"looked up from {servers[0].name} and {len(servers) - 1} more servers"
    waiting = CustomDomain.objects.filter(state__in=OPEN_DOMAIN_STATES).count()
    if waiting:
        raise Warned(f"{waiting} custom domain{'s' * (waiting > 1)} can't be checked: {NO_LOOKUPS}")
    return "not looked up, and nothing waits for one (BERTH_DNS_LOOKUPS)"


def _no_account() -> str:
    remedy = "run manage.py dns_register" if settings.EMBEDDED_DNS else "add an account, and host a zone with it"
    raise Warned(f"there is none, so that hostnames are in no DNS: an operator should {remedy}")


def _account(account: DnsAccount) -> str:
    """Its settings, on the live account, and whether the account holds what is hosted with it."""
    hosted = sorted(zone.zone.name for zone in account.hosted_zones.all())
    if not account.is_enabled:
        if hosted:
            raise Warned(f"is switched off: nothing changes in {', '.join(hosted)} until an operator enables it")
        return "switched off, and nothing is hosted with it"
    kind = PROVIDERS.get(account.provider)
    if kind is None:
        raise Failed(f"{account.provider} is no provider: an operator must use one of {', '.join(sorted(PROVIDERS))}")
    try:
        provider = kind(provider_settings(account))
    except ValueError as error:
        raise Failed(f"{account.provider}: {error}: an operator must correct the account's settings") from error
    provider.check()
    missing = sorted(set(hosted) - set(provider.zones()))
    if missing:
        raise Failed(
            f"{account.provider} does not hold {', '.join(missing)}: an operator must make the zone there, or host it "
            "with another account"
        )
    return f"{account.provider} takes its settings, and holds {', '.join(hosted) or 'no zone of ours'}"


def _zone(hosted: HostedZone) -> str:
    """Every name server of the zone answers for it, and names in it point to where somebody can come."""
    name = hosted.zone.name
    found = resolution().observe(name, "SOA")
    wrong = [_said(answer) for answer in found.answers if answer.outcome != Outcome.ANSWER]
    if wrong or not found.answers:
        said = "; ".join(wrong[:3]) or found.detail or "nobody could be asked"
        raise Failed(f"{said}: an operator must correct the delegation, or the zone's name servers")
    if found.zone != name:
        raise Failed(
            f"the delegation leads to {found.zone}: an operator must have {name} delegated, or name its servers"
        )
    nowhere = [target for target in targets_of(hosted) if _is_nowhere(target)]
    if nowhere or not targets_of(hosted):
        raise Failed(
            f"names point to {', '.join(nowhere) or 'nothing'}: an operator must set BERTH_EDGE_PUBLIC_ADDRESSES"
        )
    if hosted.last_error:
        raise Warned(f"its last comparison failed: {hosted.last_error}")
    servers = ", ".join(f"{answer.server.name} ({answer.took_ms} ms)" for answer in found.answers)
    return f"answered for by {servers}; names point to {', '.join(targets_of(hosted))}"


def _said(answer: ServerAnswer) -> str:
    server = answer.server
    return f"{server.name} ({server.address} port {server.port}): {answer.outcome} {answer.detail}".rstrip()


def _is_nowhere(target: str) -> bool:
    """0.0.0.0 and ::, on which the edge may listen, are nobody's address."""
    try:
        return ipaddress.ip_address(target).is_unspecified
    except ValueError:
        return False
