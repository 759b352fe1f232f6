"""The platform's own PowerDNS, as a resolver and its API's user see it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.message
import dns.query
import dns.rcode
import requests

from tests.end_to_end.running import RunningPlatform

TIMEOUT_S = 60
# As often as one may look without being a load on what one measures.
LOOK_S = 0.002
_REQUEST = re.compile(r'"(GET|PATCH|PUT|POST|DELETE) /api/v1/servers/localhost/zones/(\S*) HTTP')


@dataclass(frozen=True)
class Call:
    method: str
    path: str


class Server:
    def __init__(self, platform: RunningPlatform) -> None:
        self._platform = platform
        self._port = int(platform.environment["BERTH_DNS_LISTEN_PORT"])
        secrets = (platform.home / "secrets.env").read_text()
        found = re.search(r"^BERTH_DNS_API_KEY=(.*)$", secrets, re.MULTILINE)
        if found is None:
            raise RuntimeError("the platform has no name server of its own")
        self._session = requests.Session()
        self._session.headers["X-API-Key"] = found[1]
        port = platform.environment["BERTH_DNS_API_PORT"]
        self._zone = f"http://127.0.0.1:{port}/api/v1/servers/localhost/zones/{platform.apps_domain}."

    def wait_for(self, name: str) -> None:
        """Returns as soon as the server answers for the name with authority. Raises `TimeoutError`."""
        query = dns.message.make_query(name, "A", flags=0)
        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            answer = dns.query.udp(query, "127.0.0.1", port=self._port, timeout=5)
            if answer.rcode() == dns.rcode.NOERROR and answer.answer:
                return
            time.sleep(LOOK_S)
        raise TimeoutError(f"{name} was not answered for within {TIMEOUT_S} s")

    def patch(self, sets: Sequence[dict[str, Any]]) -> None:
        answer = self._session.patch(self._zone, json={"rrsets": list(sets)}, timeout=30)
        answer.raise_for_status()

    def record_sets(self) -> list[dict[str, Any]]:
        answer = self._session.get(self._zone, timeout=30)
        answer.raise_for_status()
        return list(answer.json()["rrsets"])

    def log_calls(self) -> None:
        """Has every call of the API logged from now on; `bin/up` writes its configuration anew."""
        path = self._platform.home / "dns" / "pdns.conf"
        quiet = path.read_text()
        path.write_text(quiet.replace("webserver-loglevel=none", "webserver-loglevel=normal\nloglevel=6"))
        self._platform.supervisor("restart", "dns")
        self.wait_for(f"ns1.{self._platform.apps_domain}")

    def calls(self) -> list[Call]:
        """All that were logged so far, in their order."""
        return [Call(*found) for found in _REQUEST.findall(self._platform.log("dns"))]
