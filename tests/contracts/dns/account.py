"""What the contract knows of an implementation: an account, and what is behind it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.dns.presentation import from_presentation
from provisioning.dns.protocol import Provider
from provisioning.dns.providers.powerdns import PowerDns
from provisioning.dns.providers.rfc2136 import Rfc2136
from provisioning.dns.records import RecordSet
from tests.name_servers.powerdns import running_powerdns
from tests.name_servers.server import NameServer, TsigKey, free_port, zone_file

ZONE, BIG_ZONE = "contract.example", "big.example"
BIG = 1_200
FOREIGN_LINES = (
    "@ MX 10 mail",
    "sub NS ns.elsewhere.example.",
    "_sip._tcp SRV 1 2 5060 mail",
    '@ CAA 0 issue "ca.example"',
    'parts TXT "one; " "two \\" three \\\\"',
    "mail A 192.0.2.25",
)
# What the zone has from somebody else: types that Berth leaves alone.
FOREIGN = [
    RecordSet(ZONE, "MX", (f"10 mail.{ZONE}.",), 300),
    RecordSet(ZONE, "NS", (f"ns1.{ZONE}.",), 300),
    RecordSet(f"sub.{ZONE}", "NS", ("ns.elsewhere.example.",), 300),
    RecordSet(f"_sip._tcp.{ZONE}", "SRV", (f"1 2 5060 mail.{ZONE}.",), 300),
    RecordSet(ZONE, "CAA", ('0 issue "ca.example"',), 300),
]
PARTS = RecordSet(f"parts.{ZONE}", "TXT", ('one; two " three \\',), 300)

Implementation = Callable[[Path], AbstractContextManager["Account"]]


@dataclass(kw_only=True)
class Account:
    """`zone` has the records of `foreign`, of types that Berth leaves alone, and `parts`, a TXT of several strings.

    `wrong` and `nowhere` are settings whose credentials are refused, and behind which nobody listens. `published` gives
    the values of a name and type as they are behind the provider. While `hanging` is entered, what is behind takes
    connections and answers none.
    """

    provider: type[Provider]
    values: dict[str, str]
    wrong: dict[str, str]
    nowhere: dict[str, str]
    published: Callable[[str, str], list[str]]
    hanging: Callable[[], AbstractContextManager[None]]
    zone: str = ZONE
    big_zone: str = BIG_ZONE
    big: int = BIG
    foreign: list[RecordSet]
    parts: RecordSet | None
    # What is behind knows single records: of those who make one at once, each may add its own.
    has_single_records: bool = False
    # Settings with which it waits no longer than a second.
    impatient: dict[str, str] = field(default_factory=dict)

    def connect(self, **values: str) -> Provider:
        return self.provider(self.values | values)

    @property
    def secrets(self) -> list[str]:
        """Every secret that stands in any of the settings."""
        names = [setting.name for setting in self.provider.settings if setting.is_secret]
        return [values[name] for values in (self.values, self.wrong) for name in names]


def zones() -> dict[str, str]:
    many = [f"h{number} A 192.0.2.{number % 250 + 1}" for number in range(BIG)]
    return {ZONE: zone_file(ZONE, *FOREIGN_LINES), BIG_ZONE: zone_file(BIG_ZONE, *many)}


def published_by(server: NameServer) -> Callable[[str, str], list[str]]:
    return lambda name, type_: [from_presentation(type_, text) for text in server.values(name, type_)]


def hanging_of(server: NameServer) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def hanging() -> Iterator[None]:
        server.suspend()
        try:
            yield
        finally:
            server.resume()

    return hanging


@contextmanager
def powerdns(directory: Path) -> Iterator[Account]:
    with running_powerdns(directory, zones()) as server:
        values = {"url": server.url, "api_key": server.api_key}
        yield Account(
            provider=PowerDns,
            values=values,
            wrong=values | {"api_key": "not-the-key-of-this-server"},
            nowhere=values | {"url": f"http://127.0.0.1:{free_port()}"},
            published=published_by(server),
            hanging=hanging_of(server),
            foreign=FOREIGN,
            parts=PARTS,
            impatient={"timeout_s": "1"},
        )


def rfc2136(running: Callable[[Path, dict[str, str]], AbstractContextManager[NameServer]]) -> Implementation:
    """Dynamic updates of the zones of what `running` starts."""

    @contextmanager
    def implementation(directory: Path) -> Iterator[Account]:
        with running(directory, zones()) as server:
            values = {
                "server": server.address,
                "port": str(server.port),
                "zones": f"{ZONE}, {BIG_ZONE}",
                "key_name": server.key.name,
                "key_algorithm": server.key.algorithm,
                "key_secret": server.key.secret,
            }
            yield Account(
                provider=Rfc2136,
                values=values,
                wrong=values | {"key_secret": TsigKey().secret},
                nowhere=values | {"port": str(free_port())},
                published=published_by(server),
                hanging=hanging_of(server),
                foreign=FOREIGN,
                parts=PARTS,
                impatient={"timeout_s": "1"},
            )

    return implementation
