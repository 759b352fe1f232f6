"""What a provider promises about zones, and about what it must leave alone."""

import pytest

from provisioning.dns.protocol import Provider
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.exceptions import OperatorError
from tests.contracts.dns.account import Account


def test_zones_are_listed_in_lower_case_without_the_dot(account: Account, provider: Provider) -> None:
    assert {account.zone, account.big_zone} <= set(provider.zones())
    provider.check()


def test_a_zone_of_more_than_a_thousand_records_is_listed_completely(account: Account, provider: Provider) -> None:
    found = provider.list_records(account.big_zone)

    expected = {
        RecordSet(f"h{number}.{account.big_zone}", "A", (f"192.0.2.{number % 250 + 1}",), 300)
        for number in range(account.big)
    }
    assert expected <= set(found)
    assert len({record.key for record in found}) == len(found)


def test_other_types_are_listed(account: Account, provider: Provider) -> None:
    found = provider.list_records(account.zone)

    assert set(account.foreign) <= set(found)
    at_apex = provider.list_records(account.zone, names=[account.zone])
    assert {record for record in account.foreign if record.name == account.zone} <= set(at_apex)
    if account.parts:
        assert account.parts in found


def test_names_are_listed_as_the_whole_zone_has_them(account: Account, provider: Provider, zone: str) -> None:
    everything = provider.list_records(zone)
    there = [f"parts.{zone}", f"sub.{zone}", f"mail.{zone}", zone]
    nothing = [f"below.sub.{zone}", f"nobody.{zone}", "www.example.org", "a..b", "", f"{'x' * 64}.{zone}", "a b", "ü"]
    many = [f"n{number}.{zone}" for number in range(30)]

    for names in (there, [*there, *nothing], nothing, [*there, *many], []):
        found = provider.list_records(zone, names=names)
        assert sorted(found) == sorted(record for record in everything if record.name in names)


@pytest.mark.parametrize("type_", ["MX", "NS", "SOA", "SRV", "CAA", "DNAME", "ANY", "TYPE65280", "a", ""])
def test_other_types_are_refused_before_anything_is_sent(account: Account, zone: str, name: str, type_: str) -> None:
    provider = account.connect()
    record = RecordSet(name, type_, ("10 mail.example.",), 300)
    everything = sorted(account.connect().list_records(zone))

    for change in (Change(None, record), Change(record, None), Change(record, record)):
        with pytest.raises(OperatorError, match="no other type"):
            provider.apply(zone, [change])
    for call in (provider.ensure_record, provider.remove_record):
        with pytest.raises(OperatorError, match="no other type"):
            call(zone, record)

    assert provider.calls == 0
    assert sorted(account.connect().list_records(zone)) == everything


@pytest.mark.parametrize("outside", ["www.example.org", "contract.example.org", "notcontract.example", "example"])
def test_names_outside_the_zone_are_refused_before_anything_is_sent(account: Account, zone: str, outside: str) -> None:
    provider = account.connect()
    record = record_set(outside, "A", ["192.0.2.1"], 120)

    for call in (provider.ensure_record, provider.remove_record):
        with pytest.raises(OperatorError, match="outside the zone"):
            call(zone, record)
    with pytest.raises(OperatorError, match="outside the zone"):
        provider.apply(zone, [Change(record, None)])

    assert provider.calls == 0


def test_an_alias_for_the_whole_zone_is_refused_before_anything_is_sent(account: Account, zone: str) -> None:
    provider = account.connect()

    with pytest.raises(OperatorError, match="where the zone begins"):
        provider.ensure_record(zone, record_set(zone, "CNAME", ["a.example.net"], 120))

    assert provider.calls == 0


def test_one_record_set_changes_once_in_a_batch(account: Account, zone: str, name: str) -> None:
    provider = account.connect()
    one, other = (record_set(name, "A", [value], 120) for value in ("192.0.2.1", "192.0.2.2"))

    with pytest.raises(OperatorError, match="one change for one record set"):
        provider.apply(zone, [Change(None, one), Change(None, other)])
    with pytest.raises(OperatorError, match="one change for one record set"):
        provider.apply(zone, [Change(record_set(f"x.{name}", "A", ["192.0.2.1"], 120), one)])

    assert provider.calls == 0


def test_a_batch_that_is_too_large_is_refused_before_anything_is_sent(account: Account, zone: str, name: str) -> None:
    provider = account.connect()
    size = provider.capabilities.batch_size
    records = [record_set(f"n{number}.{name}", "A", ["192.0.2.1"], 120) for number in range(size + 1)]
    if size > 1:
        with pytest.raises(OperatorError, match=f"at most {size}"):
            provider.apply(zone, [Change(None, record) for record in records])
        assert provider.calls == 0
    provider.apply(zone, [])
    assert account.published(records[0].name, "A") == []
