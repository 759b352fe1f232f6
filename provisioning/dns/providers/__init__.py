"""The providers by name. A new vendor is one new file, and one line here."""

from collections.abc import Iterator, MutableMapping

from django.utils.module_loading import import_string

from provisioning.dns.protocol import Provider

_HERE = "provisioning.dns.providers"


class Providers(MutableMapping[str, type[Provider]]):
    """Each is loaded when it is first asked for: vendors' libraries take tens of MiB in every process."""

    def __init__(self, classes: dict[str, str]) -> None:
        self._kinds: dict[str, type[Provider] | str] = {**classes}

    def __getitem__(self, name: str) -> type[Provider]:
        kind = self._kinds[name]
        if isinstance(kind, str):
            kind = self._kinds[name] = import_string(f"{_HERE}.{kind}")
        return kind

    def __setitem__(self, name: str, kind: type[Provider]) -> None:
        self._kinds[name] = kind

    def __delitem__(self, name: str) -> None:
        del self._kinds[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


PROVIDERS = Providers(
    {
        "aliyun": "aliyun.Aliyun",
        "cloudflare": "cloudflare.Cloudflare",
        "dnspod": "dnspod.Dnspod",
        "lexicon": "lexicon.Lexicon",
        "powerdns": "powerdns.PowerDns",
        "rfc2136": "rfc2136.Rfc2136",
        "route53": "route53.Route53",
    }
)
