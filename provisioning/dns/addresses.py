"""Which addresses of name servers a question may go to."""

import ipaddress
import socket
from collections.abc import Sequence

from provisioning.dns.answers import Nameserver

# NAT64: the well-known prefix (RFC 6052, section 2.1), and those of one's own network (RFC 8215).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED_LOCALLY = ipaddress.IPv6Network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Whether packets to it leave for the Internet, also where an IPv4 address is wrapped in an IPv6 one."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if wrapped:
            return is_public(str(wrapped))
        if found.is_site_local or found in _TRANSLATED_LOCALLY:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def with_a_route(servers: Sequence[Nameserver]) -> list[Nameserver]:
    """Without those at IPv6 addresses where this machine has no IPv6, unless there are no others."""
    routed = [server for server in servers if ":" not in server.address or _has_route(server.address)]
    return routed or list(servers)


def _has_route(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            # Sends nothing: the kernel looks for a route.
            udp.connect((address, 53))
    except OSError:
        return False
    return True
