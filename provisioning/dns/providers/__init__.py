"""The providers by name. A new vendor is one new file, and one line here."""

from provisioning.dns.protocol import Provider
from provisioning.dns.providers.powerdns import PowerDns

PROVIDERS: dict[str, type[Provider]] = {provider.name: provider for provider in (PowerDns,)}
