"""The vendors as implementations for the contract: each with the zones of the contract, and its own way of TXT."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.dns.presentation import from_presentation
from provisioning.dns.protocol import Provider
from provisioning.dns.providers.aliyun import Aliyun
from provisioning.dns.providers.cloudflare import Cloudflare
from provisioning.dns.providers.dnspod import Dnspod
from provisioning.dns.providers.route53 import Route53
from provisioning.dns.records import RecordSet
from tests.contracts.dns.account import BIG, BIG_ZONE, PARTS, ZONE, Account
from tests.contracts.dns.vendors.aliyun import AliyunApi
from tests.contracts.dns.vendors.cloudflare import CloudflareApi
from tests.contracts.dns.vendors.dnspod import DnspodApi
from tests.contracts.dns.vendors.route53 import Route53Api, Rrset
from tests.contracts.dns.vendors.server import VendorApi, serving
from tests.name_servers.server import free_port

CANARY, WRONG = "canary-of-the-account-7Qx", "canary-of-nobody-4Zk"
FOREIGN = [
    RecordSet(ZONE, "NS", ("ns1.vendor.example",), 300),
    RecordSet(f"sub.{ZONE}", "NS", ("ns.elsewhere.example",), 300),
    RecordSet(ZONE, "MX", (f"mail.{ZONE}",), 300),
    RecordSet(f"mail.{ZONE}", "A", ("192.0.2.25",), 300),
]
PARTS_TEXT = '"one; " "two \\" three \\\\"'


@dataclass(kw_only=True)
class VendorAccount(Account):
    """`api` is the vendor's, to look at what was asked and to make it answer something else."""

    api: Any


def fill(api: VendorApi, parts: bool) -> None:
    for record in FOREIGN:
        api.add(ZONE, record.name, record.type, record.values[0])
    if parts:
        api.add(ZONE, PARTS.name, "TXT", PARTS_TEXT)
    for number in range(BIG):
        api.add(BIG_ZONE, f"h{number}.{BIG_ZONE}", "A", f"192.0.2.{number % 250 + 1}")


@contextmanager
def cloudflare(_directory: Path | None = None) -> Iterator[VendorAccount]:
    with serving(CloudflareApi(CANARY)) as api:
        fill(api, parts=True)
        values = {"token": CANARY, "endpoint": f"{api.url}/client/v4"}
        yield _account(api, Cloudflare, values, values | {"token": WRONG}, from_presentation, PARTS)


@contextmanager
def dnspod(_directory: Path | None = None) -> Iterator[VendorAccount]:
    with serving(DnspodApi(f"1001,{CANARY}")) as api:
        fill(api, parts=False)
        values = {"token_id": "1001", "token": CANARY, "contact": "dns@platform.example", "endpoint": api.url}
        yield _account(api, Dnspod, values, values | {"token": WRONG}, _plain, None)


@contextmanager
def aliyun(_directory: Path | None = None) -> Iterator[VendorAccount]:
    with serving(AliyunApi("LTAI0001", CANARY)) as api:
        fill(api, parts=False)
        values = {"access_key_id": "LTAI0001", "access_key_secret": CANARY, "endpoint": api.url}
        yield _account(api, Aliyun, values, values | {"access_key_secret": WRONG}, _plain, None)


@contextmanager
def route53(_directory: Path | None = None) -> Iterator[VendorAccount]:
    with serving(Route53Api("AKIA0001", CANARY)) as api:
        zone, big = api.zone(ZONE), api.zone(BIG_ZONE)
        api.zone(ZONE, is_private=True)
        zone.rrsets += [Rrset(record.name, record.type, 300, list(record.values)) for record in FOREIGN]
        zone.rrsets.append(Rrset(PARTS.name, "TXT", 300, [PARTS_TEXT]))
        big.rrsets += [Rrset(f"h{n}.{BIG_ZONE}", "A", 300, [f"192.0.2.{n % 250 + 1}"]) for n in range(BIG)]
        values = {"access_key_id": "AKIA0001", "secret_access_key": CANARY, "endpoint": api.url}
        yield _account(api, Route53, values, values | {"secret_access_key": WRONG}, _plain, PARTS)


VENDORS: dict[str, Callable[..., AbstractContextManager[VendorAccount]]] = {
    "cloudflare": cloudflare,
    "dnspod": dnspod,
    "aliyun": aliyun,
    "route53": route53,
}


def _plain(type_: str, value: str) -> str:
    return value if type_ == "TXT" else from_presentation(type_, value)


def _account(
    api: VendorApi,
    provider: type[Provider],
    values: dict[str, str],
    wrong: dict[str, str],
    meant: Callable[[str, str], str],
    parts: RecordSet | None,
) -> VendorAccount:
    return VendorAccount(
        api=api,
        provider=provider,
        values=values,
        wrong=wrong,
        nowhere=values | {"endpoint": f"http://127.0.0.1:{free_port()}"},
        published=lambda name, type_: [meant(type_, value) for value in api.published(name, type_)],
        hanging=api.hanging,
        foreign=FOREIGN,
        parts=parts,
        has_single_records=provider is not Route53,
        impatient={"timeout_s": "1"},
    )
