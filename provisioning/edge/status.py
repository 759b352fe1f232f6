"""Asks the edge itself, under the hostname that it keeps for Berth."""

import http.client
import ipaddress

from provisioning.edge.rendering.sites import STATUS_HOSTNAME
from provisioning.rendering.specs import EdgeSpec

TIMEOUT_S = 2


def ask(spec: EdgeSpec, path: str) -> str | None:
    """The text under `path`, or None where the edge does not answer with 200."""
    address = ipaddress.IPv4Address(spec.listen_address)
    host = "127.0.0.1" if address.is_unspecified else str(address)
    connection = http.client.HTTPConnection(host, spec.listen_port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": STATUS_HOSTNAME, "Connection": "close"})
        response = connection.getresponse()
        text = response.read(1000).decode(errors="replace").strip()
        return text if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
