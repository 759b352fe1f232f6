"""Do browsers keep the portal's cookies from plugins, and those of one plugin from another?"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings
from publicsuffixlist import PublicSuffixList

from paas.doctor.check import Check, Warned
from tenants.names.selectors.zones import platform_domains

PAGE = "docs/operate/domain-of-the-apps.md"


def checks() -> Sequence[Check]:
    return [Check(f"domain {name}", partial(_domain, name)) for name in platform_domains()]


def _domain(name: str) -> str:
    suffixes = PublicSuffixList()
    if suffixes.publicsuffix(f"app.{name}") == name:
        return "is on the Public Suffix List: browsers keep the cookies of each app apart"
    registrable = suffixes.privatesuffix(name)
    if registrable is None or registrable.endswith(".localhost"):
        return "is this machine's own"
    shared = sorted(host for host in _portal_hosts() if suffixes.privatesuffix(host) == registrable)
    if shared:
        raise Warned(
            f"apps and the portal ({', '.join(shared)}) are both below {registrable}: a plugin's page can set cookies "
            f"that browsers send to the portal. An operator should give the apps a domain of their own ({PAGE})"
        )
    return (
        f"shares {registrable} with no name of the portal. It is not on the Public Suffix List: a plugin's page can "
        f"set cookies that browsers send to other apps ({PAGE})"
    )


def _portal_hosts() -> Iterable[str]:
    """The names under which people reach the portal, as far as settings say; addresses have no cookies to share."""
    named = {host.removeprefix(".").lower() for host in settings.ALLOWED_HOSTS if host != "*"}
    named.add((urlsplit(settings.WEB_URL).hostname or "").lower())
    return {host for host in named if "." in host and not _is_address(host)}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
