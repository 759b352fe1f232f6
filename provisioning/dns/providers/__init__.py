"""The providers by name. A new vendor is one new file, and one line here."""

from provisioning.dns.protocol import Provider
from provisioning.dns.providers.aliyun import Aliyun
from provisioning.dns.providers.cloudflare import Cloudflare
from provisioning.dns.providers.dnspod import Dnspod
from provisioning.dns.providers.lexicon import Lexicon
from provisioning.dns.providers.powerdns import PowerDns
from provisioning.dns.providers.rfc2136 import Rfc2136
from provisioning.dns.providers.route53 import Route53

_ALL: tuple[type[Provider], ...] = (Aliyun, Cloudflare, Dnspod, Lexicon, PowerDns, Rfc2136, Route53)
PROVIDERS: dict[str, type[Provider]] = {provider.name: provider for provider in _ALL}
