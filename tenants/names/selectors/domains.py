"""Hostnames: which the edge serves for an environment, what a customer has to set, and who else has a name."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from tenants.apps.models.environment import Environment
from tenants.names.choices import OPEN_DOMAIN_STATES, SERVED_DOMAIN_STATES, DomainState
from tenants.names.models.custom_domain import CustomDomain, HeldName, RegistrableDomain
from tenants.names.selectors.zones import platform_domains

NO_LOOKUPS = (
    "this installation looks up no outside names: an operator must set BERTH_DNS_LOOKUPS=true, which asks the "
    "Internet's root servers, or BERTH_DNS_ROOTS, and start it again; until then the domain waits, and nothing is "
    "withdrawn"
)


def are_names_looked_up() -> bool:
    """Whether anybody outside of this machine is asked for names: by default not where apps are for it alone."""
    if settings.DNS_LOOKUPS is not None:
        return bool(settings.DNS_LOOKUPS)
    is_local = settings.APPS_DOMAIN.lower().rstrip(".").rpartition(".")[2] == "localhost"
    return bool(settings.DNS_ROOTS) or not is_local


def is_waiting(domain: CustomDomain) -> bool:
    return domain.is_open and not are_names_looked_up()


def told(domain: CustomDomain) -> str:
    """What is wrong with the domain, and whose move it is; the operator's where nobody may be asked."""
    return NO_LOOKUPS if is_waiting(domain) else domain.detail


@dataclass(frozen=True)
class RecordToSet:
    """One record that the customer sets at their own DNS provider.

    `purpose`: `control` proves that the name is theirs; `pointing` brings visitors here.
    """

    purpose: str
    type: str
    name: str
    value: str


def with_served_hostnames(environments: QuerySet[Environment]) -> QuerySet[Environment]:
    """The environments with all that `served_hostnames` reads: two queries, however many environments."""
    served = CustomDomain.objects.filter(state__in=SERVED_DOMAIN_STATES).order_by("pk")
    return environments.prefetch_related(
        "subdomains", Prefetch("custom_domains", queryset=served, to_attr="served_domains")
    )


def served_hostnames(environment: Environment) -> tuple[str, ...]:
    """What the edge serves for the environment: the platform's own hostnames first, then proven custom ones."""
    served = getattr(environment, "served_domains", None)
    if served is None:
        served = environment.custom_domains.filter(state__in=SERVED_DOMAIN_STATES).order_by("pk")
    own = (subdomain.hostname for subdomain in environment.subdomains.all())
    return (*own, *(domain.hostname for domain in served))


def domains() -> QuerySet[CustomDomain]:
    """Those that are not removed, with all that their representation needs."""
    return (
        CustomDomain.objects.exclude(state=DomainState.REMOVED)
        .select_related("environment__app__organization", "registrable", "created_by")
        .prefetch_related("environment__subdomains")
    )


def flagged(environment: Environment) -> QuerySet[CustomDomain]:
    """Claimed or served names that mix scripts, or could be read as another name: people look at them twice."""
    return environment.custom_domains.filter(state__in=OPEN_DOMAIN_STATES, is_mixed_script=True).order_by("pk")


def is_apex(domain: CustomDomain) -> bool:
    """Whether a zone begins at the name, where a CNAME can't be (RFC 1034, section 3.6.2)."""
    zones = {observation.get("zone") for observation in domain.observations}
    return domain.hostname == domain.registrable.name or domain.hostname in zones


def pointing_targets(domain: CustomDomain) -> tuple[str, ...]:
    """The platform's hostnames to one of which the domain may be a CNAME."""
    return tuple(subdomain.hostname for subdomain in domain.environment.subdomains.all())


def pointing_addresses() -> tuple[str, ...]:
    """The addresses of the edge to which the domain may have A and AAAA records."""
    return tuple(settings.EDGE_PUBLIC_ADDRESSES)


def records_to_set(domain: CustomDomain) -> list[RecordToSet]:
    """The proof, then what brings visitors: a CNAME or, at the apex of a zone, addresses. All of them are needed."""
    records = [RecordToSet("control", "TXT", domain.challenge_name, domain.challenge_value)]
    if not is_apex(domain):
        return [*records, RecordToSet("pointing", "CNAME", domain.hostname, pointing_targets(domain)[0])]
    for address in pointing_addresses():
        type_ = "A" if ip_address(address).version == 4 else "AAAA"
        records.append(RecordToSet("pointing", type_, domain.hostname, address))
    return records


def platform_names() -> list[str]:
    """Names that no customer's domain may be, be above or be below."""
    names = set(platform_domains())
    for url in (settings.WEB_URL, settings.FORGE_URL):
        names.add(urlsplit(url).hostname or "")
    names.update(host.strip(".").lower() for host in settings.ALLOWED_HOSTS)
    return sorted(name for name in names if name not in ("", "*") and not _is_address(name))


def taken_by_others(hostname: str, *, registrable: RegistrableDomain, organization_id: int) -> CustomDomain | None:
    """A proven domain of another organization that is the name, or above or below it."""
    served = registrable.domains.filter(_related(hostname), state__in=SERVED_DOMAIN_STATES)
    return served.exclude(environment__app__organization=organization_id).first()


def held_names() -> QuerySet[HeldName]:
    """Those that are held now, with all that their representation needs. A hold that has ended is none."""
    return HeldName.objects.filter(held_until__gt=timezone.now()).select_related("organization", "registrable")


def held_for_others(hostname: str, *, registrable: RegistrableDomain, organization_id: int) -> HeldName | None:
    """A name in quarantine that was another organization's, and is the name, or above or below it. The longest hold."""
    held = registrable.held_names.filter(_related(hostname), held_until__gt=timezone.now())
    return held.exclude(organization=organization_id).order_by("-held_until").first()


def _related(hostname: str) -> Q:
    """The name, those below it and those above it."""
    labels = hostname.split(".")
    above = [".".join(labels[start:]) for start in range(len(labels))]
    return Q(hostname__in=above) | Q(hostname__endswith=f".{hostname}")


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
