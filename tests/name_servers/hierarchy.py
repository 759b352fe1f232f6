"""A small Internet on loopback addresses: a root, two top-level domains, and servers that zones are delegated to.

Each is a process at an address of its own, all at one port: a Knot as the root, a Knot with the top-level domains, and
a BIND and a Knot with the zones below. What a server does wrong, it does by its configuration.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioning.dns.answers import Nameserver
from provisioning.dns.resolution import Resolution, ResolutionSettings
from tests.name_servers.bind import running_bind
from tests.name_servers.knot import running_knot
from tests.name_servers.server import NameServer, free_port, zone_file

NETWORK = "127.53.0"
ROOT, TLDS, KNOT, DOWN, HOSTILE = (f"{NETWORK}.{number}" for number in (1, 2, 3, 4, 66))
# BIND listens at addresses that an interface has, which of 127.0.0.0/8 is this one.
BIND = "127.0.0.1"
BOTH = {"bind": BIND, "knot": KNOT}
# Zone -> its servers, as the zone above has them. The names of servers are `<key>.<zone>`, with glue.
DELEGATIONS: Mapping[str, Mapping[str, str]] = {
    "example.test": BOTH,
    "other.test": BOTH,
    # Tests write what stands in it.
    "customer.test": BOTH,
    "split.test": BOTH,
    # `knot` holds no such zone, `tld` refers to those that do, and nothing listens at `down`.
    "broken.test": {"bind": BIND, "knot": KNOT, "tld": TLDS, "down": DOWN},
    # `bind` could not load it.
    "failing.test": {"bind": BIND},
    "nobodys.test": {"knot": KNOT},
    "hostile.test": {"hostile": HOSTILE},
}
LONG = [f'big TXT "{number:03} {"x" * 200}"' for number in range(20)]
CHAIN = [f"link{number} CNAME link{number + 1}" for number in range(10)]
EXAMPLE = [
    "www A 192.0.2.10",
    "www A 192.0.2.11",
    "www AAAA 2001:db8::10",
    "two.below.nothing A 192.0.2.12",
    "alias CNAME shop.other.test.",
    "loop CNAME loop.other.test.",
    "gone CNAME nothing.other.test.",
    '_berth-challenge.www TXT "berth-verification=one"',
    '_berth-challenge.www TXT "something else"',
    "_berth-challenge.alias CNAME _berth-challenge.www",
    *LONG,
    *CHAIN,
]
OTHER = ["shop CNAME www.example.test.", "loop CNAME loop.example.test.", "plugin CNAME app1.apps.example.test."]
SPLIT = '_berth-challenge.www TXT "berth-verification=one"'
CHILD = ["www A 192.0.2.20", "up CNAME missing.example.test."]


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    port: int
    root: NameServer
    tlds: NameServer
    bind: NameServer
    knot: NameServer

    def settings(self, **changes: object) -> ResolutionSettings:
        values = {
            "roots": (Nameserver(name="root", address=ROOT, port=self.port),),
            "port": self.port,
            "allow_private": True,
            **changes,
        }
        return ResolutionSettings(**values)  # type: ignore[arg-type]

    def resolution(self, **changes: object) -> Resolution:
        return Resolution(self.settings(**changes))


@contextmanager
def running_hierarchy(directory: Path) -> Iterator[Hierarchy]:
    # Where others have ports, too.
    port = free_port(BIND)
    places = {name: directory / name for name in ("root", "tlds", "bind", "knot")}
    for place in places.values():
        place.mkdir()
    tld = {
        "test": zone_file("test", *_delegated(DELEGATIONS), servers={"nic": TLDS}),
        # Names of servers in another top-level domain: no glue.
        "elsewhere": zone_file(
            "elsewhere",
            "abroad NS bind.example.test.",
            "abroad NS knot.example.test.",
            "unnamed NS missing.example.test.",
            "unnamed NS bind.example.test.",
            servers={"nic": TLDS},
        ),
    }
    root = zone_file("", *_delegated({"test": {"nic": TLDS}, "elsewhere": {"nic": TLDS}}), servers={"root": ROOT})
    same = {
        "example.test": zone_file("example.test", *EXAMPLE, *_delegated({"child": BOTH}), servers=BOTH),
        "child.example.test": zone_file("child.example.test", *CHILD, servers=BOTH),
        "other.test": zone_file("other.test", *OTHER, servers=BOTH),
        "customer.test": zone_file("customer.test", servers=BOTH),
        "abroad.elsewhere": zone_file("abroad.elsewhere", "www A 192.0.2.40"),
        "unnamed.elsewhere": zone_file("unnamed.elsewhere", "www A 192.0.2.41"),
    }
    bind = {
        **same,
        "split.test": zone_file("split.test", "www A 192.0.2.30", "www AAAA 2001:db8::30", SPLIT, servers=BOTH),
        "broken.test": zone_file("broken.test", "www A 192.0.2.31", servers=BOTH),
        "failing.test": "$TTL 300\nwww A 192.0.2.32\n",
    }
    knot = {**same, "split.test": zone_file("split.test", "www A 203.0.113.30", servers=BOTH)}
    with ExitStack() as stack:
        yield Hierarchy(
            port=port,
            root=stack.enter_context(running_knot(places["root"], {".": root}, address=ROOT, port=port)),
            tlds=stack.enter_context(running_knot(places["tlds"], tld, address=TLDS, port=port)),
            bind=stack.enter_context(running_bind(places["bind"], bind, address=BIND, port=port)),
            knot=stack.enter_context(running_knot(places["knot"], knot, address=KNOT, port=port)),
        )


def _delegated(zones: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Lines of the zone above. A zone with dots in it is absolute."""
    lines = []
    for zone, servers in zones.items():
        owner = f"{zone}." if "." in zone else zone
        for name, address in servers.items():
            lines += [f"{owner} NS {name}.{owner}", f"{name}.{owner} A {address}"]
    return lines
