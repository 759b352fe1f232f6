"""What a provider promises about record sets that Berth makes."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning.dns.protocol import Provider
from provisioning.dns.records import Change, RecordSet, record_set
from provisioning.exceptions import OperatorError, RecordsChanged
from tests.contracts.dns.account import Account


def listed(provider: Provider, zone: str, *names: str) -> dict[tuple[str, str], RecordSet]:
    """What the provider lists of these names; what it lists of the whole zone must be the same."""
    some = {record.key: record for record in provider.list_records(zone, names=names)}
    all_ = {record.key: record for record in provider.list_records(zone) if record.name in names}
    assert some == all_
    return some


def apply_all(provider: Provider, zone: str, changes: list[Change]) -> None:
    """In batches, as whoever plans has to."""
    size = max(provider.capabilities.batch_size, 1)
    for first in range(0, len(changes), size):
        provider.apply(zone, changes[first : first + size])


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("A", ["192.0.2.1"]),
        ("A", ["192.0.2.1", "192.0.2.2"]),
        ("AAAA", ["2001:db8::1"]),
        ("AAAA", ["2001:0DB8:0:0::2", "::ffff:192.0.2.7"]),
        ("CNAME", ["target.example.net"]),
        ("CNAME", ["_under.Score.example.net."]),
        ("TXT", ["heritage=berth,owner=main,app=app1000001"]),
        ("TXT", ['quote " semicolon ; backslash \\ \\010 two  spaces \\" end\\', "@", "$TTL 5", "("]),
        ("TXT", ["x" * 255]),
    ],
)
def test_a_record_set_is_made_listed_published_and_removed(
    account: Account, provider: Provider, zone: str, name: str, type_: str, values: list[str]
) -> None:
    record = record_set(name, type_, values, 120)

    provider.ensure_record(zone, record)

    assert listed(provider, zone, name) == {record.key: record}
    assert sorted(account.published(name, type_)) == sorted(record.values)

    provider.remove_record(zone, record)

    assert listed(provider, zone, name) == {}
    assert account.published(name, type_) == []


@pytest.mark.parametrize("label", ["*.wild", "_berth-owner.a.b", "_dmarc", "xn--bcher-kva", "a" * 63, "0"])
def test_odd_names_are_names_like_others(
    account: Account, provider: Provider, zone: str, name: str, label: str
) -> None:
    record = record_set(f"{label}.{name}", "TXT", ["here"], 120)

    provider.ensure_record(zone, record)

    assert listed(provider, zone, record.name) == {record.key: record}
    assert account.published(record.name, "TXT") == ["here"]
    provider.remove_record(zone, record)
    assert listed(provider, zone, record.name) == {}


def test_the_longest_name_and_the_longest_values_fit(account: Account, provider: Provider, zone: str) -> None:
    room = 253 - len(zone) - 1
    labels = ["n" * 63, "n" * 63, "n" * 63, "n" * 63]
    name = ".".join(labels)[:room].strip(".") + f".{zone}"
    record = record_set(name, "TXT", ["y" * 255, "z" * 255], 120)

    provider.ensure_record(zone, record)

    assert len(name) > 250
    assert listed(provider, zone, name) == {record.key: record}
    provider.remove_record(zone, record)


def test_what_a_wildcard_answers_for_is_not_there(account: Account, provider: Provider, zone: str, name: str) -> None:
    wildcard = record_set(f"*.{name}", "A", ["192.0.2.1"], 120)
    single = record_set(f"one.{name}", "A", ["192.0.2.1"], 120)
    provider.ensure_record(zone, wildcard)

    assert listed(provider, zone, single.name) == {}

    provider.ensure_record(zone, single)
    assert listed(provider, zone, single.name, wildcard.name) == {single.key: single, wildcard.key: wildcard}

    provider.remove_record(zone, single)
    assert listed(provider, zone, single.name, wildcard.name) == {wildcard.key: wildcard}
    provider.remove_record(zone, wildcard)


def test_making_it_twice_is_as_good_as_once(provider: Provider, zone: str, name: str) -> None:
    record = record_set(name, "A", ["192.0.2.1"], 120)
    provider.ensure_record(zone, record)
    before = provider.calls

    provider.ensure_record(zone, record)

    assert listed(provider, zone, name) == {record.key: record}
    assert provider.calls > before
    provider.apply(zone, [Change(before=None, after=record)])
    assert listed(provider, zone, name) == {record.key: record}


def test_removing_what_is_not_there_is_as_good(provider: Provider, zone: str, name: str) -> None:
    record = record_set(name, "A", ["192.0.2.1"], 120)

    provider.remove_record(zone, record)
    provider.apply(zone, [Change(before=record, after=None)])

    assert listed(provider, zone, name) == {}


def test_values_change_and_none_of_the_old_stays(account: Account, provider: Provider, zone: str, name: str) -> None:
    provider.ensure_record(zone, record_set(name, "A", ["192.0.2.1", "192.0.2.2"], 120))
    after = record_set(name, "A", ["192.0.2.2", "192.0.2.3"], 120)

    provider.ensure_record(zone, after)

    assert listed(provider, zone, name) == {after.key: after}
    assert account.published(name, "A") == ["192.0.2.2", "192.0.2.3"]


def test_the_ttl_alone_changes(provider: Provider, zone: str, name: str) -> None:
    before, after = (record_set(name, "TXT", ["same"], ttl_s) for ttl_s in (120, 60))
    provider.ensure_record(zone, before)

    provider.apply(zone, [Change(before=before, after=after)])

    assert listed(provider, zone, name) == {after.key: after}


def test_types_at_one_name_are_apart(provider: Provider, zone: str, name: str) -> None:
    address, text = record_set(name, "A", ["192.0.2.1"], 120), record_set(name, "TXT", ["here"], 60)
    provider.ensure_record(zone, address)
    provider.ensure_record(zone, text)

    provider.remove_record(zone, address)

    assert listed(provider, zone, name) == {text.key: text}


def test_an_alias_makes_room_for_an_address_and_back(provider: Provider, zone: str, name: str) -> None:
    alias, address = record_set(name, "CNAME", ["a.example.net"], 120), record_set(name, "A", ["192.0.2.1"], 120)
    provider.ensure_record(zone, alias)

    apply_all(provider, zone, [Change(before=alias, after=None), Change(before=None, after=address)])
    assert listed(provider, zone, name) == {address.key: address}

    apply_all(provider, zone, [Change(before=address, after=None), Change(before=None, after=alias)])
    assert listed(provider, zone, name) == {alias.key: alias}


def test_an_alias_stands_above_a_record_and_below_one(provider: Provider, zone: str, name: str) -> None:
    owner, alias = record_set(f"_o.{name}", "TXT", ["mine"], 120), record_set(name, "CNAME", ["a.example.net"], 120)
    below = record_set(f"b.{name}", "CNAME", ["b.example.net"], 120)
    provider.ensure_record(zone, owner)

    apply_all(provider, zone, [Change(None, alias), Change(None, below)])

    records = (owner, alias, below)
    assert listed(provider, zone, *(record.name for record in records)) == {record.key: record for record in records}
    moved = record_set(name, "CNAME", ["c.example.net"], 60)
    provider.apply(zone, [Change(alias, moved)])
    assert listed(provider, zone, name) == {moved.key: moved}


def test_an_alias_beside_others_is_refused_and_changes_nothing(provider: Provider, zone: str, name: str) -> None:
    address, alias = record_set(name, "A", ["192.0.2.1"], 120), record_set(name, "CNAME", ["a.example.net"], 120)
    provider.ensure_record(zone, address)

    with pytest.raises(OperatorError, match=name):
        provider.ensure_record(zone, alias)
    assert listed(provider, zone, name) == {address.key: address}

    apply_all(provider, zone, [Change(before=address, after=None), Change(before=None, after=alias)])
    with pytest.raises(OperatorError, match=name):
        provider.ensure_record(zone, address)
    assert listed(provider, zone, name) == {alias.key: alias}


def test_two_hundred_at_once_are_all_there(provider: Provider, zone: str, name: str) -> None:
    records = [record_set(f"n{number}.{name}", "TXT", [f"number {number}"], 120) for number in range(200)]
    provider.list_records(zone, names=[name])  # some have to find out the zone's id, once
    before = provider.calls

    apply_all(provider, zone, [Change(before=None, after=record) for record in records])

    if provider.capabilities.batch_size > 1:
        batches = -(-200 // provider.capabilities.batch_size)
        assert provider.calls - before == batches * (1 if provider.capabilities.is_guarded else 2)
    found = {record.key: record for record in provider.list_records(zone) if record.name.endswith(name)}
    assert found == {record.key: record for record in records}

    apply_all(provider, zone, [Change(before=record, after=None) for record in records])

    assert [record for record in provider.list_records(zone) if record.name.endswith(name)] == []


def test_a_batch_of_long_names_and_long_values_fits(provider: Provider, zone: str, name: str) -> None:
    size = min(provider.capabilities.batch_size, 200)
    names = [f"{'a' * 63}.{'b' * 63}.{'c' * 50}.n{number:03}.{name}" for number in range(size)]
    first, second = ([record_set(one, "TXT", [letter * 255], 120) for one in names] for letter in "xy")

    provider.apply(zone, [Change(before=None, after=record) for record in first])
    provider.apply(zone, [Change(before=was, after=record) for was, record in zip(first, second, strict=True)])

    found = {record.key: record for record in provider.list_records(zone) if record.name.endswith(name)}
    assert found == {record.key: record for record in second}
    provider.apply(zone, [Change(before=record, after=None) for record in second])


def test_over_somebody_elses_change_nothing_is_written(account: Account, zone: str, name: str) -> None:
    ours, theirs = account.connect(), account.connect()
    was, now = record_set(name, "A", ["192.0.2.1"], 120), record_set(name, "A", ["192.0.2.66"], 120)
    wanted, other = record_set(name, "A", ["192.0.2.2"], 120), record_set(f"o.{name}", "TXT", ["other"], 120)
    ours.ensure_record(zone, was)
    theirs.ensure_record(zone, now)

    for change in (Change(was, wanted), Change(was, None), Change(None, wanted)):
        with pytest.raises(RecordsChanged, match=name):
            ours.apply(zone, [change])
    assert listed(ours, zone, name) == {now.key: now}

    if ours.capabilities.is_atomic:
        with pytest.raises(RecordsChanged, match=name):
            ours.apply(zone, [Change(None, other), Change(was, wanted)])
        assert listed(ours, zone, name, other.name) == {now.key: now}

    theirs.remove_record(zone, now)
    with pytest.raises(RecordsChanged, match=name):
        ours.apply(zone, [Change(was, wanted)])
    assert listed(ours, zone, name) == {}


def test_of_many_who_make_the_same_at_once_one_wins(account: Account, zone: str, name: str) -> None:
    wanted = [record_set(name, "A", [f"192.0.2.{number}"], 120) for number in range(1, 9)]
    start = threading.Barrier(len(wanted))

    def make(record: RecordSet) -> bool:
        provider = account.connect()
        start.wait(30)
        try:
            provider.apply(zone, [Change(None, record)])
        except RecordsChanged:
            return False
        return True

    with ThreadPoolExecutor(len(wanted)) as pool:
        made = list(pool.map(make, wanted))

    [found] = listed(account.connect(), zone, name).values()
    winners = [record for record, is_made in zip(wanted, made, strict=True) if is_made]
    if account.has_single_records:
        assert set(found.values) <= {value for record in winners for value in record.values}
        account.connect().ensure_record(zone, wanted[0])
        assert listed(account.connect(), zone, name) == {found.key: wanted[0]}
        return
    assert found in winners
    if account.connect().capabilities.is_guarded:
        assert winners == [found]


def test_what_is_in_force_already_does_not_hold_up_the_rest(provider: Provider, zone: str, name: str) -> None:
    done, new = (record_set(f"{label}.{name}", "A", ["192.0.2.1"], 120) for label in ("done", "new"))
    old = record_set(f"old.{name}", "A", ["192.0.2.1"], 120)
    provider.ensure_record(zone, done)

    apply_all(provider, zone, [Change(None, done), Change(old, None), Change(None, new)])

    assert listed(provider, zone, done.name, new.name, old.name) == {done.key: done, new.key: new}


def test_calls_are_counted(account: Account, zone: str, name: str) -> None:
    fresh = account.connect()
    assert fresh.calls == 0
    fresh.list_records(zone)
    assert fresh.calls >= 1
