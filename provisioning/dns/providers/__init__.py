"""The providers by name. A new vendor is one new file, and one line here."""

from provisioning.dns.protocol import Provider

PROVIDERS: dict[str, type[Provider]] = {}
