"""How each vendor keeps records, and what of it Berth minds: pages, calls, and records that do more than a record."""

import pytest

from provisioning.dns.providers.cloudflare import Cloudflare
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.exceptions import OperatorError
from tests.contracts.dns.account import BIG, BIG_ZONE, ZONE
from tests.contracts.dns.vendors import aliyun, cloudflare, dnspod, route53
from tests.contracts.dns.vendors.accounts import VENDORS, VendorAccount
from tests.contracts.dns.vendors.route53 import Rrset
from tests.contracts.dns.vendors.server import Answer

NAME = f"www.{ZONE}"
ONE, OTHER = (record_set(NAME, "A", [value], 600) for value in ("192.0.2.1", "192.0.2.2"))
# Listing a zone of 1,200; making a record, making it again, changing it, removing it: with the zone's id known.
CALLS = {
    "cloudflare": (3, [3, 1, 3, 3]),
    "dnspod": (3, [3, 1, 3, 3]),
    "aliyun": (3, [3, 1, 3, 3]),
    "route53": (4, [2, 1, 2, 2]),
}


@pytest.mark.parametrize("vendor", CALLS)
def test_calls_are_few(vendor: str) -> None:
    pages, expected = CALLS[vendor]
    with VENDORS[vendor]() as account:
        provider = account.connect()
        provider.list_records(ZONE, names=[NAME])
        provider.list_records(BIG_ZONE, names=[f"h1.{BIG_ZONE}"])
        before = provider.calls
        found = provider.list_records(BIG_ZONE)
        assert len([record for record in found if record.type == "A"]) == BIG
        assert provider.calls - before == pages
        counted = []
        for call, record in (("ensure", ONE), ("ensure", ONE), ("ensure", OTHER), ("remove", OTHER)):
            before = provider.calls
            getattr(provider, f"{call}_record")(ZONE, record)
            counted.append(provider.calls - before)
        assert counted == expected
        # Of what the planner plans, the look of `ensure` is not needed.
        before = provider.calls
        provider.apply(ZONE, [Change(None, ONE)])
        assert provider.calls - before == expected[0] - 1
        assert len(account.api.asked) == provider.calls


def test_more_zones_than_a_page_has_are_all_seen(account: VendorAccount) -> None:
    for number in range(230):
        if account.provider.name == "route53":
            account.api.zone(f"z{number}.example")
        else:
            account.api.zones[f"z{number}.example"] = {}

    assert len(account.connect().zones()) == 232
    assert account.connect().list_records("z229.example") == []


def test_an_account_without_a_zone_is_the_operators_to_mend(account: VendorAccount) -> None:
    account.api.zones = {}
    account.api.hosted = []

    with pytest.raises(OperatorError, match=r"holds no .*zone.* an operator must"):
        account.connect().check()


@pytest.mark.parametrize(
    ("vendor", "answer", "said"),
    [
        ("cloudflare", cloudflare.refusal(403, 10000, "Authentication error"), "Zone: Read and DNS: Edit"),
        ("cloudflare", cloudflare.refusal(400, 81045, "The record quota has been exceeded."), r"quota.*\(81045\)"),
        ("dnspod", dnspod.status("-8", "barred"), "set the id and the token"),
        ("dnspod", dnspod.status("32", "Record TTL is out of limit"), r"TTL is out of limit \(32\)"),
        ("aliyun", aliyun.refusal("Forbidden.RAM", "no"), "AliyunDNSFullAccess"),
        ("aliyun", aliyun.refusal("QuotaExceeded.TTL", "The TTL is less than the minimum"), "less than the minimum"),
        ("aliyun", aliyun.refusal("InvalidTimeStamp.Expired", "expired"), "clock"),
        ("route53", route53.refusal("AccessDenied", "not authorized to perform", 403), "who may list hosted zones"),
        ("route53", route53.refusal("InvalidInput", "Invalid TTL"), "Invalid TTL"),
    ],
)
def test_a_refusal_says_who_must_do_what(vendor: str, answer: Answer, said: str) -> None:
    with VENDORS[vendor]() as account:
        account.api.faults.append(answer)
        with pytest.raises(OperatorError, match=rf"{said}|an operator must.*{said}") as refusal:
            account.connect().ensure_record(ZONE, ONE)
    assert "an operator must" in str(refusal.value)


def test_cloudflare_what_berth_changes_is_no_longer_proxied() -> None:
    with VENDORS["cloudflare"]() as account:
        row = account.api.add(ZONE, NAME, "A", "192.0.2.1", 600, proxied=True)
        provider = account.connect()

        assert provider.list_records(ZONE, names=[NAME]) == [RecordSet(NAME, "A", ("192.0.2.1",), 1)]

        provider.ensure_record(ZONE, ONE)
        assert account.api.zones[ZONE][row.id].more == {"proxied": False}


def test_cloudflare_texts_from_before_it_wanted_quotes_are_whole() -> None:
    with VENDORS["cloudflare"]() as account:
        account.api.add(ZONE, NAME, "TXT", "v=spf1  include:example.net ~all")

        [found] = account.connect().list_records(ZONE, names=[NAME])

        assert found.values == ("v=spf1  include:example.net ~all",)


def test_cloudflare_sends_what_goes_and_comes_in_one_transaction() -> None:
    with VENDORS["cloudflare"]() as account:
        provider = account.connect()
        records = [record_set(f"n{number}.{ZONE}", "A", ["192.0.2.1", "192.0.2.2"], 600) for number in range(100)]

        provider.apply(ZONE, [Change(None, record) for record in records])
        provider.apply(ZONE, [Change(record, None) for record in records])

        assert len([asked for asked in account.api.asked if asked.path.endswith("/batch")]) == 2
        assert Cloudflare.capabilities.batch_size == 100


@pytest.mark.parametrize("vendor", ["dnspod", "aliyun"])
def test_a_record_that_is_off_is_no_record_and_is_made_anew(vendor: str) -> None:
    with VENDORS[vendor]() as account:
        account.api.add(ZONE, NAME, "A", "192.0.2.1", 600, enabled="0", status="DISABLE")
        provider = account.connect()

        assert provider.list_records(ZONE, names=[NAME]) == [RecordSet(NAME, "A", ("192.0.2.1 (off)",), 600)]

        provider.ensure_record(ZONE, ONE)
        assert provider.list_records(ZONE, names=[NAME]) == [ONE]
        assert [row.more for row in account.api.at(ZONE, NAME)] == [{}]


@pytest.mark.parametrize("vendor", ["dnspod", "aliyun"])
def test_a_record_for_a_part_of_the_world_is_left_alone(vendor: str) -> None:
    with VENDORS[vendor]() as account:
        account.api.add(ZONE, NAME, "A", "192.0.2.66", 600, line="telecom")
        provider = account.connect()
        [there] = provider.list_records(ZONE, names=[NAME])

        for call in (provider.ensure_record, provider.remove_record):
            with pytest.raises(OperatorError, match=rf"{NAME} answers only for a part of the world.* an operator must"):
                call(ZONE, ONE)
        with pytest.raises(OperatorError, match="part of the world"):
            provider.apply(ZONE, [Change(there, ONE)])

        assert account.published(NAME, "A") == ["192.0.2.66"]


@pytest.mark.parametrize("vendor", ["dnspod", "aliyun"])
def test_a_relative_name_that_looks_absolute_is_what_it_is(vendor: str) -> None:
    """`www.example.com` typed as the host of example.com: a common slip, and not www.example.com."""
    with VENDORS[vendor]() as account:
        account.api.add(ZONE, f"{NAME}.{ZONE}", "A", "192.0.2.66", 600)
        provider = account.connect()

        assert provider.list_records(ZONE, names=[NAME]) == []
        assert f"{NAME}.{ZONE}" in {record.name for record in provider.list_records(ZONE)}
        provider.ensure_record(ZONE, ONE)
        assert account.published(f"{NAME}.{ZONE}", "A") == ["192.0.2.66"]
        assert account.published(NAME, "A") == ["192.0.2.1"]
        apex = record_set(ZONE, "TXT", ["here"], 600)
        provider.ensure_record(ZONE, apex)
        assert account.published(ZONE, "TXT") == ["here"]


def test_dnspod_a_conflict_is_no_success() -> None:
    with VENDORS["dnspod"]() as account:
        provider = account.connect()
        provider.list_records(ZONE)
        account.api.faults = [dnspod.status("10", "No records"), dnspod.status("31", "Conflict with another record")]

        with pytest.raises(OperatorError, match=r"creating the A record www\..*Conflict with another record \(31\)"):
            provider.apply(ZONE, [Change(None, ONE)])


def test_aliyun_urls_have_nothing_in_them() -> None:
    with VENDORS["aliyun"]() as account:
        provider = account.connect()
        provider.ensure_record(ZONE, record_set(NAME, "TXT", ["a + b & c = d * ~ %41"], 600))

        assert account.published(NAME, "TXT") == ["a + b & c = d * ~ %41"]
        assert {(asked.method, asked.path, str(asked.query)) for asked in account.api.asked} == {("POST", "/", "{}")}


@pytest.mark.parametrize("more", [{"identifier": "eu", "weight": 1}, {"alias": "lb.example.net."}])
def test_route53_what_is_more_than_a_record_set_is_left_alone(more: dict[str, object]) -> None:
    with VENDORS["route53"]() as account:
        there = Rrset(NAME, "A", 60, [] if "alias" in more else ["192.0.2.66"], **more)  # type: ignore[arg-type]
        account.api.hosted[0].rrsets.append(there)
        provider = account.connect()
        [shown] = provider.list_records(ZONE, names=[NAME])
        assert shown.values == (("lb.example.net",) if "alias" in more else ("192.0.2.66",))

        for call in (provider.ensure_record, provider.remove_record):
            with pytest.raises(OperatorError, match=rf"{NAME} is an alias or has a routing policy.* an operator must"):
                call(ZONE, ONE)

        assert there in account.api.hosted[0].rrsets


def test_route53_pages_go_on_within_a_routing_policy() -> None:
    with VENDORS["route53"]() as account:
        account.api.most = 2
        weighted = [Rrset(NAME, "A", 60, [f"192.0.2.{n}"], identifier=f"i{n}", weight=1) for n in range(5)]
        account.api.hosted[0].rrsets += weighted
        provider = account.connect()

        for found in (provider.list_records(ZONE, names=[NAME]), provider.list_records(ZONE)):
            assert RecordSet(NAME, "A", tuple(f"192.0.2.{n}" for n in range(5)), 60) in found


def test_route53_two_public_zones_of_a_name_are_the_operators_to_mend() -> None:
    with VENDORS["route53"]() as account:
        account.api.zone(ZONE)

        with pytest.raises(OperatorError, match=rf"2 public hosted zones {ZONE}: an operator must"):
            account.connect().list_records(ZONE)
