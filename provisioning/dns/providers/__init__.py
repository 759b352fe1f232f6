"""The providers by name. A new vendor is one new file, and one line here."""

from provisioning.dns.protocol import Provider
from provisioning.dns.providers.powerdns import PowerDns
from provisioning.dns.providers.rfc2136 import Rfc2136

PROVIDERS: dict[str, type[Provider]] = {provider.name: provider for provider in (PowerDns, Rfc2136)}
