"""Which certificates there must be, and which of a site's hostnames are served under which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from provisioning.certificates.models import Certificate
from provisioning.certificates.names import certificate_name, names_of
from provisioning.certificates.stored import is_stored
from provisioning.rendering.specs import SiteCertificate
from tenants.apps.choices import AppState
from tenants.names.choices import SERVED_DOMAIN_STATES
from tenants.names.models.custom_domain import CustomDomain
from tenants.names.models.subdomain import Subdomain
from tenants.names.selectors.zones import platform_domains


def shared_zone() -> str:
    """The zone whose certificate the edge's sites share: nginx loads it once, and others for each site."""
    return settings.APPS_DOMAIN.lower()


def wanted_certificates() -> dict[str, tuple[str, ...]]:
    """By its name, what each certificate must cover: one for each zone, and one for each served name in none."""
    zones = platform_domains()
    of_the_active = {"environment__app__state": AppState.ACTIVE}
    own = Subdomain.objects.filter(**of_the_active).values_list("hostname", flat=True)
    customers = CustomDomain.objects.filter(state__in=SERVED_DOMAIN_STATES, **of_the_active)
    hostnames = (*own, *customers.values_list("hostname", flat=True))
    names = {certificate_name(hostname, zones) for hostname in hostnames}
    return {name: names_of(name, zones) for name in (*zones, *sorted(names - set(zones)))}


@dataclass(frozen=True)
class InstalledCertificates:
    """What the edge can serve now: the zones, and the file of each certificate in its home by its name."""

    zones: Sequence[str]
    files: Mapping[str, str]

    def has(self, hostname: str) -> bool:
        """Whether the edge serves the hostname over TLS."""
        return settings.EDGE_TLS_PORT != 0 and certificate_name(hostname, self.zones) in self.files

    def of(self, hostnames: Sequence[str]) -> tuple[SiteCertificate, ...]:
        """How a site's hostnames are served over TLS. Those without a certificate are not, and are left out."""
        groups: dict[str, list[str]] = {}
        shared: list[str] = []
        for hostname in hostnames:
            name = certificate_name(hostname, self.zones)
            if name == shared_zone():
                shared.append(hostname)
            elif file := self.files.get(name):
                groups.setdefault(file, []).append(hostname)
        # Whether the shared one is there, the edge itself knows: the site's file is the same.
        zones = [SiteCertificate(hostnames=tuple(shared))] if shared else []
        return (*zones, *(SiteCertificate(hostnames=tuple(names), file=file) for file, names in groups.items()))


def installed_certificates() -> InstalledCertificates:
    home = Path(settings.EDGE_HOME)
    rows = Certificate.objects.exclude(file="").values_list("name", "file")
    return InstalledCertificates(platform_domains(), {name: file for name, file in rows if is_stored(home, file)})
