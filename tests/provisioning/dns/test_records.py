"""What a record may be: everything else is refused with the field's name."""

import pytest

from provisioning.dns.records import RecordSet, record_set


def test_values_take_one_form_whatever_they_came_in() -> None:
    assert record_set("WWW.Example.ORG.", "A", ["192.0.2.2", "192.0.2.1", "192.0.2.2"], 60) == RecordSet(
        "www.example.org", "A", ("192.0.2.1", "192.0.2.2"), 60
    )
    assert record_set("a.example", "AAAA", ["2001:0DB8:0:0::1"], 60).values == ("2001:db8::1",)
    assert record_set("*.example", "CNAME", ["Target.Example."], 60).values == ("target.example",)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("A", "::1"), ("A", "192.0.2.256"), ("A", "192.0.2.01"), ("A", "192.0.2.1/24"), ("A", " 192.0.2.1"), ("A", ""),
        ("AAAA", "192.0.2.1"), ("AAAA", "fe80::1%eth0"), ("AAAA", "::1%"), ("AAAA", "::g"),
        ("TXT", ""), ("TXT", "x" * 256), ("TXT", "a\nb"), ("TXT", "ü"),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_refused_by_its_field(type_: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"^values: "):
        record_set("a.example", type_, [value], 60)


@pytest.mark.parametrize("name", ["", ".", "a..b", "-a.example", "a-.example", "a b", "a\n", "a.*.b", "ä", "x" * 64])
def test_a_name_that_is_none_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(ValueError, match=r"^name: "):
        record_set(name, "A", ["192.0.2.1"], 60)


@pytest.mark.parametrize("ttl_s", [0, -1, 604_801, 1.5, True, "60", None])
def test_a_ttl_that_is_none_is_refused_by_its_field(ttl_s: object) -> None:
    with pytest.raises(ValueError, match=r"^ttl_s: "):
        record_set("a.example", "A", ["192.0.2.1"], ttl_s)  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", ["NS", "SOA", "MX", "a", "", "ANY", "CAA"])
def test_a_type_that_berth_leaves_alone_is_refused_by_its_field(type_: str) -> None:
    with pytest.raises(ValueError, match=r"^type: "):
        record_set("a.example", type_, ["x"], 60)


def test_a_record_set_has_values_and_an_alias_has_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        record_set("a.example", "A", [], 60)
    with pytest.raises(ValueError, match="exactly one"):
        record_set("a.example", "CNAME", ["b.example", "c.example"], 60)
