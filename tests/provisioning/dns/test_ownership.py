"""The registry records beside Berth's own, and what is none."""

import pytest

from provisioning.dns.ownership import Ownership, parsed, registered_key, registry_name, registry_record
from provisioning.dns.records import RecordSet

OWN = Ownership("berth-0123456789abcdef", "app1000001")


@pytest.mark.parametrize(
    ("name", "type_", "registry"),
    [
        ("app1000001.example.com", "A", "_berth-owner.a.app1000001.example.com"),
        ("app1000001.example.com", "CNAME", "_berth-owner.cname.app1000001.example.com"),
        ("*.example.com", "AAAA", "_berth-owner.aaaa._wildcard.example.com"),
        ("_x.example.com", "TXT", "_berth-owner.txt._x.example.com"),
    ],
)
def test_each_record_has_a_registry_record_of_its_own(name: str, type_: str, registry: str) -> None:
    assert registry_name(name, type_) == registry
    assert registered_key(registry, "example.com") == (name, type_)
    record = registry_record(name, type_, OWN)
    assert (record.name, record.type, parsed(record)) == (registry, "TXT", OWN)


@pytest.mark.parametrize(
    "registry",
    [
        "_berth-owner.a.example.com",
        "_berth-owner.a.app1000001.example.org",
        "_berth-owner.mx.app1000001.example.com",
        "_berth-owner.ns.app1000001.example.com",
        "_berth-owner.A.app1000001.example.com",
        "_berth-owner.app1000001.example.com",
        "_berth-owner",
        "app1000001.example.com",
        "x._berth-owner.a.app1000001.example.com",
        "_berth-owner.a.a..example.com",
    ],
)
def test_a_name_that_speaks_of_nothing_berth_makes_is_no_registry_records(registry: str) -> None:
    assert registered_key(registry, "example.com") is None


@pytest.mark.parametrize(
    "values",
    [
        ("heritage=berth,owner=one,app=app1000001", "heritage=berth,owner=two,app=app1000001"),
        (" heritage=berth,owner=one,app=app1000001",),
        ("heritage=berth,owner=one,app=app1000001\n",),
        ("heritage=berth,owner=one,app=app1000001,owner=two",),
        ("heritage=berth,owner=,app=app1000001",),
        ("heritage=berth,owner=One,app=app1000001",),
        ("heritage=berth,owner=one,app=admin",),
        ("heritage=external-dns,owner=one,app=app1000001",),
        ("heritage=berth,owner=one",),
        ('"heritage=berth,owner=one,app=app1000001"',),
        ("heritage=berth,owner=one,app=app01",),
    ],
)
def test_a_text_that_is_not_exactly_berths_owns_nothing(values: tuple[str, ...]) -> None:
    assert parsed(RecordSet("_berth-owner.a.x.example.com", "TXT", values, 300)) is None


def test_a_name_without_room_for_its_registry_record_is_refused() -> None:
    name = ".".join(["a" * 60] * 4) + ".example"
    assert len(name) < 253
    with pytest.raises(ValueError, match="too long"):
        registry_name(name, "CNAME")
